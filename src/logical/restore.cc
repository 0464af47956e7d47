#include "logical/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/check.h"
#include "base/error.h"
#include "base/task_group.h"
#include "base/units.h"
#include "logical/globals_text.h"
#include "logical/restore_database.h"

namespace dbb::logical {
namespace {

constexpr std::string_view kGrantedBy = " GRANTED BY ";

using postgres::Connection;

// Statements stand in one transaction, but for CREATE TABLESPACE, which stands alone.
// From 16 on a membership is given in the name of somebody who may give it. On the source that was mostly its
// first superuser, who may have another name here: it is then given in our own.
void grant_membership(Connection& session, const std::string& statement, const Operation& operation) {
  session.execute("SAVEPOINT grantor");
  try {
    session.execute(statement);
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;
    session.execute("ROLLBACK TO grantor");
    session.execute(without_grantors(statement));
    operation.warn("grantor-differs",
                   fmt::format("{} The grantor may not do so here; granted by {} instead.", statement,
                               session.execute("SELECT current_user").string(0, 0)));
  }
}

void create_globals(const RestorePlan& plan, const Operation& operation, const std::string& maintenance) {
  if (plan.options.globals == Globals::kMissing) {
    for (const std::string& line : plan.globals_that_differ) operation.notice("role-differs", line);
  }
  if (plan.globals_with_secrets.empty()) return;
  Connection session =
      open_session(operation, {.database = maintenance, .encoding = "UTF8"}, "globals", operation.stop);
  bool open = false;
  const auto end = [&] {
    if (open) session.execute("COMMIT");
    open = false;
  };
  for (const std::string& statement : plan.globals_with_secrets) {
    if (statement.starts_with("CREATE TABLESPACE")) {
      end();
      session.execute(statement);
      continue;
    }
    if (!open) session.execute("BEGIN");
    open = true;
    if (statement.starts_with("GRANT ") && statement.rfind(kGrantedBy) != std::string::npos) {
      grant_membership(session, statement, operation);
    } else {
      session.execute(statement);
    }
  }
  end();
  operation.notice("globals-created", fmt::format("Created missing roles and tablespaces ({} statements).",
                                                  plan.globals_with_secrets.size()));
}

// Each on its own: one that the server refuses is a warning, and a role that is half aligned is not worse
// than one that is not.
uint64_t align_globals_now(const RestorePlan& plan, const Operation& operation,
                           const std::string& maintenance) {
  Connection session =
      open_session(operation, {.database = maintenance, .encoding = "UTF8"}, "globals", operation.stop);
  uint64_t done = 0;
  for (const std::string& statement : plan.align_with_secrets) {
    try {
      postgres::in_transaction(session, [&] { session.execute(statement); });
      ++done;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      operation.warn("not-aligned", fmt::format("{} {}", mask_password(statement), error.what()));
    }
  }
  operation.notice("globals-aligned",
                   fmt::format("Aligned roles and tablespaces with the backup ({} of {} statements).", done,
                               plan.align_with_secrets.size()));
  return done;
}

void remove_dead_staging(const Operation& operation) {
  for (const Leftover& leftover : find_leftovers(operation)) {
    if (leftover.kind != "staging" || leftover.in_use) continue;
    try {
      remove_leftover(leftover, operation);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      operation.warn("leftover-stays",
                     fmt::format("\"{}\", left by a restore that did not end, could not be dropped: {}",
                                 leftover.database, error.what()));
      continue;
    }
    operation.notice("leftover-removed",
                     fmt::format("Dropped \"{}\", which a restore of \"{}\" that did not end left ({}).",
                                 leftover.database, leftover.original, format_bytes(leftover.size_bytes)),
                     {{"database", leftover.database}});
  }
}

std::string one_line(const Error& error) { return fmt::format("{}: {}", error.info().name, error.what()); }

void tell_outcome(const DatabaseOutcome& outcome, const Operation& operation) {
  operation.notice(
      "database-done",
      fmt::format(
          "{}: restored, {} rows{}{}{}", outcome.name, format_count(outcome.rows),
          outcome.proven ? ", proven" : "", outcome.missing.empty() ? "" : ", incomplete",
          outcome.kept_as.empty() ? "" : fmt::format("; the old one is kept as \"{}\"", outcome.kept_as)),
      {{"database", outcome.name},
       {"rows", std::to_string(outcome.rows)},
       {"tables", std::to_string(outcome.tables)},
       {"proven", outcome.proven ? "true" : "false"},
       {"kept_as", outcome.kept_as},
       {"swap_window_seconds", fmt::format("{:.3f}", outcome.swap_window_seconds)}});
}

class Execution {
 public:
  Execution(const RestoreShared& shared, RestoreResult& result) : shared_(shared), result_(result) {
    for (const DatabasePlan& plan : shared_.plan.databases) {
      result_.databases.push_back({.name = plan.name, .skipped = plan.action == DatabaseAction::kSkip});
    }
  }

  // Those that are swapped in first, several at once; then the system databases, one by one.
  void run(const Operation& operation) {
    std::vector<size_t> beside;
    std::vector<size_t> in_place;
    for (size_t i = 0; i < shared_.plan.databases.size(); ++i) {
      const DatabasePlan& plan = shared_.plan.databases[i];
      if (plan.action == DatabaseAction::kSkip) {
        operation.warn("database-skipped", fmt::format("{} is skipped: {}", plan.name, plan.reason),
                       {{"database", plan.name}});
        shared_.progress.database_done();
      } else {
        (plan.action == DatabaseAction::kFillSystem ? in_place : beside).push_back(i);
      }
    }
    run_pool(operation, beside, std::max(shared_.plan.options.parallel_databases, 1));
    run_pool(operation, in_place, 1);
  }

 private:
  void run_pool(const Operation& operation, const std::vector<size_t>& databases, int at_once) {
    std::atomic<size_t> next = 0;
    TaskGroup group(operation.stop);
    for (size_t i = 0; i < std::min(databases.size(), static_cast<size_t>(at_once)); ++i) {
      group.spawn("restore", [&](const std::stop_token& stop) {
        const Operation mine = with_stop(operation, stop);
        for (size_t at = next++; at < databases.size(); at = next++) {
          if (stop.stop_requested()) throw cancelled();
          run_one(mine, databases[at]);
        }
      });
    }
    group.join();
  }

  void run_one(const Operation& operation, size_t index) {
    // Each thread writes its own element, and the vector does not grow.
    DatabaseOutcome& outcome = result_.databases[index];
    try {
      DatabaseRestore(shared_, shared_.plan.databases[index], operation, outcome).run();
      tell_outcome(outcome, operation);
      shared_.progress.database_done();
    } catch (const Error& error) {
      outcome.error = one_line(error);
      throw;
    }
  }

  const RestoreShared& shared_;
  RestoreResult& result_;
};

}  // namespace

void execute_restore(repository::Repository& repository, const RestorePlan& plan, const Operation& operation,
                     RestoreResult& result) {
  DBB_CHECK(!plan.refused(), "a plan with a refused line is not carried out");
  const auto begun = operation.clock.steady_now();
  const std::string maintenance = maintenance_database(operation);
  // Shows other runs that this one lives, and its staging databases are not debris.
  Connection control = operation.connect(maintenance, "control");
  const postgres::ServerFacts server = postgres::read_server_facts(control);
  remove_dead_staging(operation);
  create_globals(plan, operation, maintenance);
  operation.at_step("globals-done", "");

  uint64_t bytes = 0;
  for (const DatabasePlan& database : plan.databases) {
    if (database.action != DatabaseAction::kSkip) bytes += database.row_bytes;
  }
  RestoreProgress progress(operation.events, operation.clock, bytes * (plan.options.proof ? 2 : 1),
                           static_cast<uint32_t>(plan.databases.size()));
  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(plan.manifest.id);
  const RestoreShared shared{.repository = repository,
                             .backup = *backup,
                             .plan = plan,
                             .server = server,
                             .maintenance = maintenance,
                             .progress = progress};
  const auto add_up = [&] {
    result.seconds = std::chrono::duration<double>(operation.clock.steady_now() - begun).count();
    for (const DatabaseOutcome& outcome : result.databases) result.proof_seconds += outcome.proof_seconds;
  };
  try {
    Execution(shared, result).run(operation);
    if (!plan.align_with_secrets.empty()) {
      result.globals_aligned = align_globals_now(plan, operation, maintenance);
    }
  } catch (...) {
    add_up();
    throw;
  }
  add_up();
}

}  // namespace dbb::logical
