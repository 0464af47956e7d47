#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postgres/connection.h"

// Patterns for names as psql and pg_dump take them: `*` and `?`, double quotes around what is meant
// literally, a dot between schema and table, unquoted letters folded to lower case, and the rest a regular
// expression of the server. The translation is that of patternToSQLRegex() in PostgreSQL's
// fe_utils/string_utils.c, which libpq does not offer; a test holds its answers against pg_dump's.
namespace dbb::postgres {

// Anchored regular expressions. What is not there is "".
struct NamePattern {
  std::string database;  // not an expression: the name itself
  std::string schema;
  std::string name;
};
// `most_parts`: 1 for a database, 2 for a schema ("database.schema"), 3 for a table. Error kUsage when there
// are more parts than that.
NamePattern parse_name_pattern(std::string_view pattern, int most_parts);

// What a pattern matches in the database and snapshot of the connection; Error kUsage for one that names
// another database or is no regular expression. Names without a schema are looked for in the search path of
// the session, which should be the user's: SessionOptions::users_search_path.
std::set<Oid> relations_matching(Connection& connection,
                                 std::string_view pattern);  // tables, views, sequences
std::set<Oid> schemas_matching(Connection& connection, std::string_view pattern);
std::vector<std::string> databases_matching(Connection& connection, std::string_view pattern);

// Of the names {schema, name} of `database`, which needs not be there, those that a pattern matches by the
// server's rules. A pattern of tables without a schema matches in every one, as in pg_restore; for a pattern
// of schemas the names are {schema, ""}.
using NameSet = std::set<std::pair<std::string, std::string>>;
NameSet table_names_matching(Connection& connection, const std::string& database, std::string_view pattern,
                             const NameSet& names);
NameSet schema_names_matching(Connection& connection, const std::string& database, std::string_view pattern,
                              const NameSet& names);

}  // namespace dbb::postgres
