#include "logical/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/error.h"
#include "base/task_group.h"
#include "base/units.h"
#include "codec/xxh3.h"
#include "logical/globals_text.h"
#include "logical/restore_execution.h"
#include "logical/restore_sizes.h"
#include "logical/restore_watch.h"
#include "system/stop_event.h"

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

// Those of other runs for the same databases: what they hold is about to be restored anew. Others may be gone
// on with.
void remove_dead_staging(const RestorePlan& plan, const Operation& operation) {
  const auto is_planned = [&](const std::string& name) {
    return name.empty() ||
           std::ranges::find(plan.databases, name, &DatabasePlan::name) != plan.databases.end();
  };
  for (const Leftover& leftover : find_leftovers(operation)) {
    if (leftover.kind != "staging" || leftover.in_use || leftover.is_renamed ||
        leftover.run == operation.run.random_part())
      continue;
    if (!is_planned(leftover.original)) {
      operation.notice(
          "leftover-there",
          fmt::format("\"{}\" ({}) was left by a restore of \"{}\" that did not end. Go on with it by its "
                      "manifest, or remove it: dbbackup cleanup --confirm",
                      leftover.database, format_bytes(leftover.size_bytes), leftover.original),
          {{"database", leftover.database}});
      continue;
    }
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

// Two processes that go on with one run would work in the same databases.
void hold_run(Connection& control, const Operation& operation) {
  const codec::Hash128 hash = codec::xxh3_128(as_bytes(operation.run.text()));
  const bool is_held = control
                           .execute("SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)",
                                    {std::to_string(static_cast<int64_t>(hash.low))})
                           .boolean(0, 0);
  if (is_held) return;
  throw Error(ErrorCode::kPreflightRefused,
              {.message = fmt::format("Restore {} is running.", operation.run.text()),
               .cause = "Another process is carrying it out on this server.",
               .solution = {"Wait until it has ended, or end it."}});
}

// For a moment.
template <typename Body>
auto with_session(const Operation& operation, const std::string& maintenance, Body&& body) {
  Connection session = operation.connect(maintenance, "facts");
  return body(session);
}

// The session that shows other runs that this one lives. Should it be ended, another takes its place.
class ControlSession {
 public:
  ControlSession(const Operation& operation, const std::string& maintenance)
      : operation_(operation), maintenance_(maintenance), session_(open()), threads_(operation.stop) {
    threads_.spawn("control", [this](const std::stop_token& stop) {
      const system::StopEvent stopped(stop);
      while (system::sleep_for(kBetweenLooks, stopped)) lives();
    });
  }
  // `waits`: for a server that is on its way back.
  bool answers(bool waits) {
    const Deadline deadline(waits ? kTimeToComeBack : std::chrono::seconds(0));
    do {
      if (lives()) return true;
    } while (waits && system::sleep_for(kBetweenTries, system::StopEvent(deadline.token())));
    return false;
  }

 private:
  static constexpr std::chrono::seconds kBetweenLooks{2};
  static constexpr std::chrono::seconds kTimeToComeBack{20};
  static constexpr std::chrono::milliseconds kBetweenTries{200};

  Connection open() const {
    Connection session = operation_.connect(maintenance_, "control");
    hold_run(session, operation_);
    return session;
  }
  bool lives() {
    const std::scoped_lock lock(mutex_);
    try {
      session_.execute("SELECT 1");
      return true;
    } catch (const Error&) {
      try {
        session_ = open();
        return true;
      } catch (const Error&) {
        return false;
      }
    }
  }

  const Operation& operation_;
  const std::string maintenance_;
  std::mutex mutex_;
  Connection session_;  // guarded by mutex_
  TaskGroup threads_;
};

}  // namespace

std::string DatabaseFailure::one_line() const {
  return fmt::format("{}: {}{}{}", code, message, cause.empty() ? "" : ": ", cause);
}

std::vector<std::string> RestoreResult::failed() const {
  std::vector<std::string> names;
  for (const DatabaseOutcome& outcome : databases) {
    if (outcome.failure) names.push_back(outcome.name);
  }
  return names;
}

void execute_restore(repository::Repository& repository, const RestorePlan& plan, const Operation& operation,
                     RestoreJournal& journal, RestoreResult& result) {
  DBB_CHECK(!plan.refused(), "a plan with a refused line is not carried out");
  const auto begun = operation.clock.steady_now();
  result.manifest = journal.file();
  journal.on_problem([&](const std::string& problem) {
    operation.warn(
        "manifest-not-written",
        fmt::format("{} could not be written: what it says of this restore is not true any more. {}",
                    journal.file().string(), problem));
  });
  result.databases = journal.outcomes(plan);
  const std::string maintenance = maintenance_database(operation);
  ControlSession control(operation, maintenance);
  const postgres::ServerFacts server = with_session(operation, maintenance, postgres::read_server_facts);
  remove_dead_staging(plan, operation);
  create_globals(plan, operation, maintenance);
  operation.at_step("globals-done", "");

  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(plan.manifest.id);
  RestoreProgress progress(operation.events, operation.clock, plan.sizes, concurrency_of(plan, server));
  RestoreWatch watch(operation, maintenance,
                     with_session(operation, maintenance,
                                  [&](Connection& session) { return watch_options(plan, server, session); }),
                     progress);
  const RestoreShared shared{.repository = repository,
                             .backup = *backup,
                             .plan = plan,
                             .server = server,
                             .maintenance = maintenance,
                             .progress = progress,
                             .journal = journal,
                             .watch = watch};
  const auto finish = [&] {
    result.seconds = std::chrono::duration<double>(operation.clock.steady_now() - begun).count();
    for (const DatabaseOutcome& outcome : result.databases) result.proof_seconds += outcome.proof_seconds;
    journal.finish(operation.clock.now());
    journal.on_problem(nullptr);
    result.failures = journal.failures_file();
  };
  try {
    Execution(shared, [&](bool waits) { return control.answers(waits); }, result).run(watch.watched());
    if (!plan.align_with_secrets.empty()) {
      result.globals_aligned = align_globals_now(plan, watch.watched(), maintenance);
    }
    watch.finished();
  } catch (const Error& error) {
    finish();
    throw watch.reason(error);
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

}  // namespace dbb::logical
