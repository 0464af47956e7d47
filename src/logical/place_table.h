#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "logical/table_entries.h"
#include "postgres/connection.h"

// A restored table takes its place in a database that is in use.
namespace dbb::logical {

struct TableThere {
  bool exists = false;
  bool is_table = false;                    // an ordinary one or the root of partitions, not a view
  std::vector<std::string> still_refer;     // "view public.v", "foreign key a_fkey of public.a"
  std::vector<QualifiedName> parents = {};  // that it inherits from
};
TableThere look_at_place(postgres::Connection& session, const QualifiedName& name);

// kUsage when there is no such schema.
void refuse_missing_schema(postgres::Connection& session, const std::string& schema);
// kTargetExists when the name is taken and may not be.
void refuse_place(const TableThere& there, const QualifiedName& name, bool replace);

struct TablePlacement {
  std::string from_schema;            // where it was built; dropped in the end
  std::vector<QualifiedName> tables;  // what they are in the backup: the table, and those below it
  QualifiedName as;                   // of the first
  bool replace = false;  // what is at `as` is renamed to kept_name in its schema, and its indexes with it
  std::string kept_name = {};
  std::chrono::seconds lock_timeout{60};
};

// Which schemas the tables of a placement come into: that of the first, if it changes, and their own.
std::string schema_for(const QualifiedName& table, const QualifiedName& first, const QualifiedName& as);

struct PlacedTable {                       // for people
  std::vector<std::string> renamed;        // tables that got another name, since theirs was taken
  std::vector<std::string> not_inherited;  // parents that keep the old table as their child, and why
};

// One transaction. Tables below the first are renamed as it is; these, indexes, sequences and statistics get
// other names where theirs are taken. The first inherits from what the table did that it replaces.
PlacedTable place_table(postgres::Connection& session, const TablePlacement& placement);

}  // namespace dbb::logical
