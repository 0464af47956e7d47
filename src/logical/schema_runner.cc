#include "logical/schema_runner.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>

#include "base/error.h"
#include "logical/restore_watch.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using postgres::Connection;

constexpr int kAttempts = 3;  // of a statement that met somebody else's lock in a circle
constexpr size_t kStatementShown = 400;
constexpr std::string_view kUsualAccessMethod = "heap";
const std::string kUsualPlace =
    "SET LOCAL default_tablespace = ''; SET LOCAL default_table_access_method = heap";

// Nobody's session settings decide where a table lies: each statement that needs to says so.
WorkSession with_archive_settings(WorkSession work, const postgres::ArchiveToc& toc) {
  const postgres::ArchiveSettings archive = postgres::settings_of(toc);
  if (!archive.encoding.empty()) work.encoding = archive.encoding;
  work.settings.emplace_back("standard_conforming_strings",
                             archive.standard_conforming_strings ? "on" : "off");
  work.settings.emplace_back("default_tablespace", "");
  work.settings.emplace_back("default_table_access_method", kUsualAccessMethod);
  work.settings.emplace_back("client_min_messages", "warning");
  return work;
}

bool may_hold_secrets(const ArchiveEntry& entry) {
  return entry.description == "USER MAPPING" || entry.description == "SERVER" ||
         entry.description == "SUBSCRIPTION" || entry.description == "FOREIGN DATA WRAPPER";
}

bool is_worth_another_attempt(const Error& error) {
  return error.sqlstate() == "40P01" || error.sqlstate() == "40001";
}

// For the progress: what nobody has weighed is quick.
uint64_t weight_of(const SchemaTask& task) { return task.weight + 100; }

void tell_object(Error& error, const ArchiveEntry& entry) {
  error.add_context("Object", postgres::name_of(entry));
  if (may_hold_secrets(entry) || entry.definition.empty()) return;
  const bool is_long = entry.definition.size() > kStatementShown;
  error.add_context("Statement",
                    fmt::format("{}{}", entry.definition.substr(0, kStatementShown), is_long ? "..." : ""));
}

}  // namespace

std::string sql_of(const ArchiveEntry& entry, const SchemaOwners& owners) {
  std::string sql;
  if (entry.tablespace && !entry.tablespace->empty()) {
    sql += fmt::format("SET LOCAL default_tablespace = {};\n", postgres::quoted(*entry.tablespace));
  }
  const std::string of_partitions = postgres::access_method_statement(entry);
  if (entry.access_method && !entry.access_method->empty() && *entry.access_method != kUsualAccessMethod &&
      of_partitions.empty()) {
    sql +=
        fmt::format("SET LOCAL default_table_access_method = {};\n", postgres::quoted(*entry.access_method));
  }
  sql += entry.definition;
  if (!of_partitions.empty()) sql += "\n" + of_partitions;
  if (owners.given) {
    const std::string owner = postgres::owner_statement(entry, entry.owner);
    if (!owner.empty()) sql += "\n" + owner;
  }
  return sql;
}

SchemaRunner::SchemaRunner(const Operation& operation, const WorkSession& work,
                           const postgres::ArchiveToc& toc, SchemaOwners owners, RestoreProgress& progress,
                           std::string shown_database)
    : operation_(operation),
      work_(with_archive_settings(work, toc)),
      owners_(owners),
      progress_(progress),
      shown_database_(std::move(shown_database)) {}

void SchemaRunner::run(std::string_view phase, const SchemaTasks& tasks, int workers) const {
  run_in(work_, phase, tasks, workers, tolerance_);
}

void SchemaRunner::run_in_one_transaction(const SchemaTasks& tasks, const std::string& first) const {
  if (tasks.empty() && first.empty()) return;
  Connection session = open_session(operation_, work_, "schema", operation_.stop);
  postgres::in_transaction(session, [&] {
    if (!first.empty()) session.execute(first);
    for (const SchemaTask& task : tasks) {
      session.execute(kUsualPlace);  // SET LOCAL of the entry before holds on until the transaction ends
      run_entry("schema", session, *task.entry, "");
    }
  });
}

std::vector<std::string> SchemaRunner::run_refreshes(const SchemaTasks& tasks, int workers) const {
  WorkSession work = work_;
  // Nothing is read here that was written in the backup's locale, and what is computed is the database's own.
  std::erase_if(work.settings, [](const auto& setting) { return setting.first == "lc_monetary"; });
  work.settings.emplace_back("row_security", "on");

  // A view may read another through a function, of which no dependency tells: what failed is tried again as
  // long as others came to be meanwhile.
  std::vector<std::string> warnings;
  for (SchemaTasks round = tasks; !round.empty();) {
    std::mutex mutex;
    SchemaTasks failed;
    warnings.clear();
    run_in(work, "refreshes", round, workers, [&](const Error& error, const ArchiveEntry& entry) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) return false;
      const std::scoped_lock lock(mutex);
      warnings.push_back(fmt::format("{} was not refreshed: {}", postgres::name_of(entry), error.what()));
      failed.push_back({.entry = &entry});
      return true;
    });
    if (failed.size() == round.size()) break;
    round = std::move(failed);
  }
  return warnings;
}

void SchemaRunner::run_in(const WorkSession& work, std::string_view phase, const SchemaTasks& tasks,
                          int workers, const Tolerance& tolerated) const {
  SchemaQueue queue(tasks);
  if (phase == "indexes") announce_indexes(tasks);
  run_in_sessions(operation_, work, "schema", tasks.size(), workers,
                  [&](Connection& session, size_t, const Operation& mine) {
                    const std::optional<uint32_t> task = queue.next(mine.stop);
                    if (!task) return;
                    run_task(phase, session, tasks[*task], mine, tolerated);
                    queue.done(*task);
                  });
}

void SchemaRunner::announce_indexes(const SchemaTasks& tasks) const {
  uint64_t weight = 0;
  for (const SchemaTask& task : tasks) weight += weight_of(task);
  progress_.begin_tasks(weight);
}

void SchemaRunner::work_off(std::string_view phase, const SchemaTasks& tasks, SchemaQueue& queue,
                            const Operation& mine) const {
  std::optional<Connection> session;
  while (const std::optional<uint32_t> task = queue.next(mine.stop)) {
    if (!session) session = open_session(mine, work_, "schema", mine.stop);
    run_task(phase, *session, tasks[*task], mine, tolerance_);
    queue.done(*task);
  }
}

void SchemaRunner::run_task(std::string_view phase, Connection& session, const SchemaTask& task,
                            const Operation& mine, const Tolerance& tolerated) const {
  const ArchiveEntry& entry = *task.entry;
  const std::string mark = fmt::format("entry {}", entry.id);
  progress_.task_begun(session.backend_pid(), weight_of(task));
  try {
    if (marks_ == nullptr) {
      run_entry(phase, session, entry, "");
    } else if (!marks_->has(mark)) {
      run_entry(phase, session, entry, marks_->statement(mark));
      marks_->done(mark);
      mine.at_step(phase == "indexes" ? "index-done" : "schema-entry-done", shown_database_);
    }
  } catch (const Error& error) {
    if (!tolerated || !tolerated(error, entry)) throw;
  }
  progress_.task_done(session.backend_pid());
}

void SchemaRunner::run_entry(std::string_view phase, Connection& session, const ArchiveEntry& entry,
                             const std::string& mark) const {
  std::string sql = sql_of(entry, owners_);
  if (sql.empty()) return;
  if (!mark.empty()) sql += "\n;" + mark;
  progress_.show(phase, fmt::format("{}: {}", shown_database_, postgres::name_of(entry)));
  for (int attempts_left = kAttempts - 1;; --attempts_left) {
    try {
      session.execute(sql);
      return;
    } catch (Error& error) {
      if (is_worth_another_attempt(error) && attempts_left > 0) continue;
      if (waited_for_ourselves(operation_, session, error)) {
        ++attempts_left;
        continue;
      }
      tell_object(error, entry);
      throw;
    }
  }
}

}  // namespace dbb::logical
