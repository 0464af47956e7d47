#include "logical/carried_statistics.h"

#include <fmt/format.h>

#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "logical/schema_archive.h"
#include "logical/schema_runner.h"

namespace dbb::logical {
namespace {

std::set<std::pair<std::string, std::string>> relations_there(const Operation& operation,
                                                              const WorkSession& work) {
  postgres::Connection session = open_session(operation, work, "statistics", operation.stop);
  const postgres::Result answer = session.execute(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')");
  std::set<std::pair<std::string, std::string>> names;
  for (int row = 0; row < answer.rows(); ++row) names.emplace(answer.string(row, 0), answer.string(row, 1));
  return names;
}

bool lacks_rows(const Selection& selection) {
  return selection.schema_only || !selection.exclude_table_data.empty();
}

}  // namespace

std::string why_not_carried(const DatabaseRecord& record, const Selection& restored, bool are_in_backup,
                            int target_major) {
  if (target_major < kFirstWithStatistics) {
    return fmt::format("PostgreSQL {} takes none; {} is the first that does", target_major,
                       kFirstWithStatistics);
  }
  if (lacks_rows(record.selection) || lacks_rows(restored))
    return "rows were left out on purpose, and statistics are of all of them";
  if (!are_in_backup) {
    return fmt::format("the backup has none: it was made without --statistics, or by a pg_dump before {}",
                       kFirstWithStatistics);
  }
  return {};
}

std::vector<std::string> carry_statistics(repository::BackupReader& backup,
                                          const repository::StreamRef& archive, const Operation& operation,
                                          const WorkSession& work, int workers, RestoreProgress& progress) {
  const SchemaArchive statistics(backup, archive);
  const auto there = relations_there(operation, work);
  SchemaTasks tasks;
  for (const postgres::ArchiveEntry& entry : statistics.toc().entries) {
    if (entry.description != "STATISTICS DATA") continue;
    if (there.contains({std::string(entry.schema), std::string(entry.tag)}))
      tasks.push_back({.entry = &entry});
  }
  std::mutex mutex;
  std::vector<std::string> warnings;
  SchemaRunner runner(operation, work, statistics.toc(), {.given = false}, progress, work.database);
  runner.tolerate([&](const Error& error, const postgres::ArchiveEntry& entry) {
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) return false;
    const std::scoped_lock lock(mutex);
    warnings.push_back(fmt::format("{}.{} has not the statistics of the backup, and needs ANALYZE: {}",
                                   entry.schema, entry.tag, error.message()));
    return true;
  });
  runner.run("statistics", tasks, workers);
  return warnings;
}

}  // namespace dbb::logical
