#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "logical/schema_plan.h"
#include "postgres/connection.h"

// Which indexes and keys can be built as soon as the rows of their own table are in, beside others that are
// still loaded.
namespace dbb::logical {

// What stands in a database whose tables were made and have no rows yet.
struct IndexFacts {
  std::set<std::string> tables;  // "schema.table": nothing that is loaded into others locks or fills them
  // Names of functions and types of the users' own (not of an extension): these may look into other tables,
  // of which the server knows nothing.
  std::set<std::string, std::less<>> users_names;
};

// A few queries. Where functions of users serve operators, casts or index methods, which no definition names,
// there are no tables in it.
IndexFacts read_index_facts(postgres::Connection& session, bool loads_through_roots);

// By task: what has to be in before it runs, as SchemaQueue takes it. The "schema.table" for plain indexes,
// primary keys and unique constraints, and "all rows" for everything else. A pure function.
std::vector<std::string> index_gates(const SchemaTasks& tasks, const IndexFacts& facts);

}  // namespace dbb::logical
