#include "logical/analyze.h"

#include <fmt/format.h>

#include <mutex>

#include "base/error.h"

namespace dbb::logical {
namespace {

// ANALYZE of a root takes its partitions with it. One with a foreign table below would ask another server;
// there, the other partitions are taken one by one. A parent by inheritance is sampled with its
// children by every version, also with ONLY: one with a foreign child is left out.
constexpr const char* kTables = R"(
  WITH RECURSIVE root AS (
    SELECT c.oid, EXISTS (SELECT 1 FROM pg_catalog.pg_partition_tree(c.oid) p
                            JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE l.relkind = 'f') AS is_foreign
      FROM pg_catalog.pg_class c WHERE c.relkind = 'p' AND NOT c.relispartition),
  above_foreign AS (
    SELECT i.inhparent AS oid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class l ON l.oid = i.inhrelid
     WHERE l.relkind = 'f'
    UNION
    SELECT i.inhparent FROM above_foreign a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid)
  SELECT n.nspname, c.relname, EXISTS (SELECT FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid = c.oid
    OR e.stxrelid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t)),
    c.relkind = 'r' AND c.oid IN (SELECT oid FROM above_foreign)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND n.nspname !~ '^dbbackup_[0-9a-f]{16}$'  -- our marks, which go at the end
     AND (c.relkind IN ('r', 'm') AND NOT c.relispartition
          OR c.oid IN (SELECT oid FROM root WHERE NOT is_foreign)
          OR c.relkind = 'r' AND c.oid IN (SELECT p.relid FROM root, pg_catalog.pg_partition_tree(root.oid) p
                                            WHERE root.is_foreign))
   ORDER BY pg_catalog.pg_relation_size(c.oid) DESC, 1, 2)";

struct Table {
  std::string name;  // quoted
  bool has_extended = false;
  bool has_foreign_child = false;  // by inheritance
};

std::vector<Table> all_tables(const Operation& operation, const WorkSession& work) {
  postgres::Connection session = open_session(operation, work, "analyze", operation.stop);
  const postgres::Result answer = session.execute(kTables);
  std::vector<Table> tables;
  for (int row = 0; row < answer.rows(); ++row) {
    tables.push_back({.name = session.qualified(answer.text(row, 0), answer.text(row, 1)),
                      .has_extended = answer.boolean(row, 2),
                      .has_foreign_child = answer.boolean(row, 3)});
  }
  return tables;
}

// What is to be done with a table, or "".
std::string statement_for(const Table& table, const AnalyzeChoice& choice) {
  const bool is_analyzed = (!choice.only_extended || table.has_extended) && !table.has_foreign_child;
  const bool is_frozen = !choice.not_frozen.contains(table.name);
  if (is_frozen) return is_analyzed ? "ANALYZE " + table.name : "";
  return fmt::format("VACUUM (FREEZE{}) {}", is_analyzed ? ", ANALYZE" : "", table.name);
}

}  // namespace

std::vector<std::string> analyze_tables(const Operation& operation, const WorkSession& work,
                                        const AnalyzeChoice& choice, int workers, RestoreProgress& progress) {
  const std::vector<Table> tables = all_tables(operation, work);
  std::mutex mutex;
  std::vector<std::string> warnings;
  run_in_sessions(operation, work, "analyze", tables.size(), workers,
                  [&](postgres::Connection& session, size_t index, const Operation&) {
                    const Table& table = tables[index];
                    const std::string statement = statement_for(table, choice);
                    if (table.has_foreign_child && !choice.only_extended) {
                      const std::scoped_lock lock(mutex);
                      warnings.push_back(
                          fmt::format("{} has no statistics: it has foreign children, and ANALYZE would ask "
                                      "their servers",
                                      table.name));
                    }
                    if (statement.empty()) return;
                    progress.show("statistics", table.name);
                    try {
                      session.execute(statement);
                    } catch (const Error& error) {
                      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost)
                        throw;
                      const std::scoped_lock lock(mutex);
                      warnings.push_back(fmt::format("{} has no statistics: {}", table.name, error.what()));
                    }
                  });
  return warnings;
}

}  // namespace dbb::logical
