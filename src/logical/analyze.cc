#include "logical/analyze.h"

#include <fmt/format.h>

#include <mutex>

#include "base/error.h"

namespace dbb::logical {
namespace {

// ANALYZE of a root takes its partitions with it. One with a foreign table below would ask another server;
// there, the other partitions are taken one by one.
constexpr const char* kTables = R"(
  WITH root AS (
    SELECT c.oid, EXISTS (SELECT 1 FROM pg_catalog.pg_partition_tree(c.oid) p
                            JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE l.relkind = 'f') AS is_foreign
      FROM pg_catalog.pg_class c WHERE c.relkind = 'p' AND NOT c.relispartition)
  SELECT n.nspname, c.relname, EXISTS (SELECT FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid = c.oid
    OR e.stxrelid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND (c.relkind IN ('r', 'm') AND NOT c.relispartition
          OR c.oid IN (SELECT oid FROM root WHERE NOT is_foreign)
          OR c.relkind = 'r' AND c.oid IN (SELECT p.relid FROM root, pg_catalog.pg_partition_tree(root.oid) p
                                            WHERE root.is_foreign))
   ORDER BY pg_catalog.pg_relation_size(c.oid) DESC, 1, 2)";

struct Table {
  std::string name;  // quoted
  bool has_extended = false;
};

std::vector<Table> all_tables(const Operation& operation, const WorkSession& work) {
  postgres::Connection session = open_session(operation, work, "analyze", operation.stop);
  const postgres::Result answer = session.execute(kTables);
  std::vector<Table> tables;
  for (int row = 0; row < answer.rows(); ++row) {
    tables.push_back({.name = session.qualified(answer.text(row, 0), answer.text(row, 1)),
                      .has_extended = answer.boolean(row, 2)});
  }
  return tables;
}

// What is to be done with a table, or "".
std::string statement_for(const Table& table, const AnalyzeChoice& choice) {
  const bool is_analyzed = !choice.only_extended || table.has_extended;
  const bool is_frozen = !choice.not_frozen.contains(table.name);
  if (is_frozen) return is_analyzed ? "ANALYZE " + table.name : "";
  return fmt::format("VACUUM (FREEZE{}) {}", is_analyzed ? ", ANALYZE" : "", table.name);
}

}  // namespace

std::vector<std::string> analyze_tables(const Operation& operation, const WorkSession& work,
                                        const AnalyzeChoice& choice, int workers, RestoreProgress& progress) {
  std::vector<Table> tables = all_tables(operation, work);
  std::erase_if(tables, [&](const Table& table) { return statement_for(table, choice).empty(); });
  std::mutex mutex;
  std::vector<std::string> warnings;
  run_in_sessions(operation, work, "analyze", tables.size(), workers,
                  [&](postgres::Connection& session, size_t index, const Operation&) {
                    const std::string& table = tables[index].name;
                    progress.show("statistics", table);
                    try {
                      session.execute(statement_for(tables[index], choice));
                    } catch (const Error& error) {
                      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost)
                        throw;
                      const std::scoped_lock lock(mutex);
                      warnings.push_back(fmt::format("{} has no statistics: {}", table, error.what()));
                    }
                  });
  return warnings;
}

}  // namespace dbb::logical
