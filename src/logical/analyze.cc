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
  SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND (c.relkind IN ('r', 'm') AND NOT c.relispartition
          OR c.oid IN (SELECT oid FROM root WHERE NOT is_foreign)
          OR c.relkind = 'r' AND c.oid IN (SELECT p.relid FROM root, pg_catalog.pg_partition_tree(root.oid) p
                                            WHERE root.is_foreign))
   ORDER BY pg_catalog.pg_relation_size(c.oid) DESC, 1, 2)";

std::vector<std::string> tables_to_analyze(const Operation& operation, const WorkSession& work) {
  postgres::Connection session = open_session(operation, work, "analyze", operation.stop);
  const postgres::Result answer = session.execute(kTables);
  std::vector<std::string> tables;
  for (int row = 0; row < answer.rows(); ++row) {
    tables.push_back(session.qualified(answer.text(row, 0), answer.text(row, 1)));
  }
  return tables;
}

}  // namespace

std::vector<std::string> analyze_tables(const Operation& operation, const WorkSession& work,
                                        const std::set<std::string>& not_frozen, int workers,
                                        RestoreProgress& progress) {
  const std::vector<std::string> tables = tables_to_analyze(operation, work);
  std::mutex mutex;
  std::vector<std::string> warnings;
  run_in_sessions(operation, work, "analyze", tables.size(), workers,
                  [&](postgres::Connection& session, size_t index, const Operation&) {
                    const std::string& table = tables[index];
                    progress.show("statistics", table);
                    try {
                      session.execute(not_frozen.contains(table)
                                          ? fmt::format("VACUUM (FREEZE, ANALYZE) {}", table)
                                          : fmt::format("ANALYZE {}", table));
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
