#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "logical/table_entries.h"
#include "postgres/connection.h"

// A restored table takes its place in a database that is in use.
namespace dbb::logical {

struct TableThere {
  bool schema_exists = false;
  bool exists = false;
  bool is_table = false;                 // an ordinary one, not a view or the root of partitions
  std::vector<std::string> still_refer;  // "view public.v", "foreign key a_fkey of public.a"
};
TableThere look_at_place(postgres::Connection& session, const QualifiedName& name);

// kTargetExists when the name is taken and may not be; kUsage when there is no such schema.
void refuse_place(const TableThere& there, const QualifiedName& name, bool replace);

struct TablePlacement {
  std::string from_schema;  // where it was built; dropped in the end
  std::string name;         // there
  QualifiedName as;
  bool replace = false;  // what is at `as` is renamed to kept_name in its schema, and its indexes with it
  std::string kept_name = {};
  std::chrono::seconds lock_timeout{60};
};

// One transaction. Indexes, sequences and statistics whose names are taken in the new schema get others.
void place_table(postgres::Connection& session, const TablePlacement& placement);

}  // namespace dbb::logical
