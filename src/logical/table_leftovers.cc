#include "logical/table_leftovers.h"

#include <fmt/format.h>

#include "base/error.h"
#include "logical/living_runs.h"
#include "logical/names.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr std::string_view kSchemaBegin = "dbbackup_restore_";

// By name and comment both: neither alone is anything but somebody else's.
constexpr const char* kSchemas = R"(
  SELECT n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace'),
         (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::pg_catalog.int8
            FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'm'))
    FROM pg_catalog.pg_namespace n WHERE n.nspname ~ '^dbbackup_restore_[0-9a-f]{16}$' ORDER BY 1)";

// Rules of views, foreign keys, children and defaults elsewhere that need a relation of the schema.
constexpr const char* kDependents = R"(
  WITH ours AS (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = $1::pg_catalog.regnamespace),
  elsewhere AS (
    SELECT r.ev_class AS relation FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
     WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
       AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid IN (SELECT oid FROM ours)
    UNION SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.confrelid IN (SELECT oid FROM ours)
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent IN (SELECT oid FROM ours)
    UNION SELECT f.adrelid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
     WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
       AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid IN (SELECT oid FROM ours))
  SELECT relation::pg_catalog.regclass::text FROM elsewhere WHERE relation <> 0 AND relation NOT IN (SELECT oid FROM ours)
   ORDER BY 1 LIMIT 1)";

void find_in(Connection& session, std::vector<Leftover>& leftovers) {
  const std::set<std::string> living = living_runs(session);
  const postgres::Result answer = session.execute(kSchemas);
  for (int row = 0; row < answer.rows(); ++row) {
    const std::optional<Mark> mark = parse_comment(answer.text(row, 1));
    if (!mark || answer.text(row, 0) != building_schema(mark->run.random_part())) continue;
    Leftover left{.database = session.database(),
                  .kind = "schema",
                  .run = std::string(mark->run.random_part()),
                  .original = mark->database,
                  .size_bytes = static_cast<uint64_t>(answer.integer(row, 2))};
    left.in_use = living.contains(left.run);
    leftovers.push_back(std::move(left));
  }
}

}  // namespace

std::string building_schema(std::string_view random_part_of_run) {
  return fmt::format("{}{}", kSchemaBegin, random_part_of_run);
}

std::vector<Leftover> find_table_leftovers(const Operation& operation, const std::string& database) {
  std::vector<Leftover> leftovers;
  if (!database.empty()) {
    Connection session = operation.connect(database, "leftovers");
    find_in(session, leftovers);
    return leftovers;
  }
  Connection session = operation.connect(maintenance_database(operation), "leftovers");
  const postgres::Result names = session.execute(
      "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND datconnlimit <> -2 "
      "AND pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY 1");
  for (int row = 0; row < names.rows(); ++row) {
    try {
      Connection inside = operation.connect(names.string(row, 0), "leftovers");
      find_in(inside, leftovers);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      operation.warn("not-looked-into", fmt::format("{}: {}", names.text(row, 0), error.what()),
                     {{"database", names.string(row, 0)}});
    }
  }
  return leftovers;
}

void remove_table_leftover(const Leftover& leftover, const Operation& operation) {
  Connection session = operation.connect(leftover.database, "cleanup");
  const std::string schema = session.quote_identifier(building_schema(leftover.run));
  postgres::in_transaction(session, [&] {
    const postgres::Result dependents = session.execute(kDependents, {schema});
    if (dependents.rows() > 0) {
      throw Error(ErrorCode::kRestoreFailed,
                  {.message = fmt::format("Schema {} in database {} cannot be dropped: {} depends on it.",
                                          schema, leftover.database, dependents.text(0, 0)),
                   .solution = {"Drop that first, if it is not needed, then run this again."}});
    }
    session.execute(fmt::format("DROP SCHEMA {} CASCADE", schema));
  });
}

}  // namespace dbb::logical
