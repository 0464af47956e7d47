#include "logical/selected_relations.h"

#include <fmt/format.h>

#include <functional>

#include "base/error.h"
#include "postgres/name_pattern.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::Oid;

using Matcher = std::function<std::set<Oid>(Connection&, std::string_view)>;

enum class WhenNothingMatches : uint8_t { kRefuse, kGoOn };

std::set<Oid> match(Connection& connection, const std::vector<std::string>& patterns, const Matcher& matching,
                    WhenNothingMatches when) {
  std::set<Oid> all;
  for (const std::string& pattern : patterns) {
    std::set<Oid> found = matching(connection, pattern);
    if (found.empty() && when == WhenNothingMatches::kRefuse) {
      throw Error(
          ErrorCode::kUsage,
          {.message =
               fmt::format("Nothing in database \"{}\" matches \"{}\".", connection.database(), pattern),
           .cause = "A backup that was asked for something should have it.",
           .solution = {"See what there is: psql -c '\\dn' and psql -c '\\dt *.*'",
                        "Upper case letters and dots in names stand inside double quotes, and these "
                        "inside single quotes of the shell: '\"Sales\".\"Order\"'",
                        "A table that is not in the search path is named with its schema: app.orders"}});
    }
    all.merge(found);
  }
  return all;
}

struct Relation {
  Oid oid;
  Oid schema;
  Oid owner;  // the table a sequence belongs to, or 0
};

std::vector<Relation> read_relations(Connection& connection) {
  const postgres::Result answer = connection.execute(R"(
    SELECT c.oid, c.relnamespace, coalesce(d.refobjid, 0)
      FROM pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_depend d
             ON c.relkind OPERATOR(pg_catalog.=) 'S' AND d.objid OPERATOR(pg_catalog.=) c.oid
            AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objsubid OPERATOR(pg_catalog.=) 0
            AND d.deptype OPERATOR(pg_catalog.=) ANY (array['a', 'i']::pg_catalog."char"[])
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY (array['r', 'p', 'S']::pg_catalog."char"[]))");
  std::vector<Relation> relations;
  for (int row = 0; row < answer.rows(); ++row) {
    relations.push_back({answer.oid(row, 0), answer.oid(row, 1), answer.oid(row, 2)});
  }
  return relations;
}

}  // namespace

SelectedRelations::SelectedRelations(Connection& connection, const Selection& selection) {
  using enum WhenNothingMatches;
  const std::set<Oid> tables = match(connection, selection.tables, postgres::relations_matching, kRefuse);
  const std::set<Oid> schemas = match(connection, selection.schemas, postgres::schemas_matching, kRefuse);
  const std::set<Oid> not_tables =
      match(connection, selection.exclude_tables, postgres::relations_matching, kGoOn);
  const std::set<Oid> not_schemas =
      match(connection, selection.exclude_schemas, postgres::schemas_matching, kGoOn);
  without_contents_ = match(connection, selection.exclude_table_data, postgres::relations_matching, kGoOn);

  const auto is_named = [&](const Relation& relation) {
    if (not_tables.contains(relation.oid)) return false;
    if (!selection.tables.empty()) return tables.contains(relation.oid);
    if (!selection.schemas.empty() && !schemas.contains(relation.schema)) return false;
    return !not_schemas.contains(relation.schema);
  };
  const std::vector<Relation> relations = read_relations(connection);
  chosen_.emplace();
  for (const Relation& relation : relations) {
    if (is_named(relation)) chosen_->insert(relation.oid);
  }
  for (const Relation& relation : relations) {  // a sequence goes with its table
    if (chosen_->contains(relation.owner)) chosen_->insert(relation.oid);
  }
}

}  // namespace dbb::logical
