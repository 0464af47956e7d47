#include "logical/restore_execution.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/task_group.h"
#include "base/units.h"
#include "logical/names.h"
#include "logical/staging.h"

namespace dbb::logical {
namespace {

std::string context_of(const Error& error, std::string_view label) {
  for (const auto& [name, value] : error.context()) {
    if (name == label) return value;
  }
  return {};
}

DatabaseFailure failure_of(const Error& error) {
  return {.code = std::string(error.info().name),
          .phase = context_of(error, "Phase"),
          .message = error.message(),
          .cause = error.cause(),
          .solution = error.solution(),
          .sqlstate = error.sqlstate(),
          .object = context_of(error, context_of(error, "Object").empty() ? "Table" : "Object"),
          .statement = context_of(error, "Statement")};
}

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

}  // namespace

Execution::Execution(const RestoreShared& shared, std::function<bool(bool)> server_answers,
                     RestoreResult& result)
    : shared_(shared), server_answers_(std::move(server_answers)), result_(result) {
  built_.resize(shared_.plan.databases.size());
}

// Those that are swapped in first, several at once; then the system databases, one by one.
void Execution::run(const Operation& operation) {
  stop_ = operation.stop;
  Indexes beside;
  Indexes in_place;
  for (size_t i = 0; i < shared_.plan.databases.size(); ++i) {
    const DatabasePlan& plan = shared_.plan.databases[i];
    if (plan.restored_before) {
      finish_swap_of_earlier_attempt(operation, i);
    } else if (plan.action == DatabaseAction::kSkip) {
      operation.warn("database-skipped", fmt::format("{} is skipped: {}", plan.name, plan.reason),
                     {{"database", plan.name}});
    } else if (!plan.refusal.empty()) {
      give_up(operation, i);
    } else {
      (plan.action == DatabaseAction::kFillSystem ? in_place : beside).push_back(i);
      continue;
    }
    shared_.progress.of(i).database_done();
  }
  try {
    run_all(operation, beside, shared_.plan.parallel_databases);
    if (shared_.plan.options.swap == SwapTime::kTogether) swap_together(operation);
    run_all(operation, in_place, 1);
  } catch (...) {
    settle_unfinished(operation);
    throw;
  }
  settle_unfinished(operation);
}

// The preflight speaks against it.
void Execution::give_up(const Operation& operation, size_t index) {
  const DatabasePlan& plan = shared_.plan.databases[index];
  result_.databases[index].failure = DatabaseFailure{
      .code = std::string(info(ErrorCode::kPreflightRefused).name),
      .phase = "preflight",
      .message = plan.refusal,
      .solution = {"See what to do about it in the plan: the same command without --confirm."}};
  record(operation, index);
  operation.warn("database-failed", fmt::format("{}: not restored: {}", plan.name, plan.refusal),
                 {{"database", plan.name}, {"phase", "preflight"}});
}

// Until all of them are over, in one way or another.
void Execution::run_all(const Operation& operation, Indexes databases, int at_once) {
  while (!databases.empty()) {
    try {
      return run_pool(operation, databases, is_alone_ ? 1 : at_once);
    } catch (const Error& error) {
      if (!locks_are_exhausted_ || is_alone_ || operation.stop.stop_requested()) throw;
      go_on_alone(operation, error, databases);
    }
  }
}

void Execution::run_pool(const Operation& operation, const Indexes& databases, int at_once) {
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

void Execution::run_one(const Operation& operation, size_t index) {
  // Each thread writes its own element, and the vector does not grow.
  DatabaseOutcome& outcome = result_.databases[index];
  const FailurePolicy& policy = shared_.plan.options.failures;
  for (int attempts = 1;; ++attempts) {
    try {
      outcome.interrupted = true;
      attempt(operation, index);
      outcome.interrupted = false;
      return;
    } catch (const Error& caught) {
      Error error = shared_.watch.reason(caught);
      if (outcome.restored) throw;  // nothing of it is missing; what followed the swap was stopped
      if (error.code() == ErrorCode::kCancelled) throw;
      if (error.code() == ErrorCode::kLockExhaustion && !is_alone_) {
        locks_are_exhausted_ = true;
        throw;
      }
      outcome.interrupted = false;
      if (outcome.old_is_gone)
        error.add_context("Old database", "dropped before, as --in-place says: it is gone");
      outcome.failure = failure_of(error);
      outcome.failure->attempts = attempts;
      outcome.failure->tables_loaded = outcome.tables_loaded;
      const bool is_the_end = ends_the_run(error);
      if (!is_the_end && attempts <= policy.retries) {
        operation.warn("database-retried",
                       fmt::format("{}: attempt {} of {} failed and is repeated: {}", outcome.name, attempts,
                                   policy.retries + 1, outcome.failure->one_line()),
                       {{"database", outcome.name}});
        outcome.failure.reset();
        continue;
      }
      settle_staging(operation, index);
      record(operation, index);
      if (is_the_end || !policy.go_on) throw error;
      operation.warn("database-failed",
                     fmt::format("{}: failed: {}", outcome.name, outcome.failure->one_line()),
                     {{"database", outcome.name}, {"phase", outcome.failure->phase}});
      shared_.progress.of(index).database_done();
      return;
    }
  }
}

void Execution::attempt(const Operation& operation, size_t index) {
  const DatabasePlan& plan = shared_.plan.databases[index];
  DatabaseOutcome& outcome = result_.databases[index];
  operation.notice("database-begun", fmt::format("Restoring database '{}'...", plan.name),
                   {{"database", plan.name}});
  RestoreProgress progress = shared_.progress.of(index);
  const RestoreShared mine{.repository = shared_.repository,
                           .backup = shared_.backup,
                           .plan = shared_.plan,
                           .server = shared_.server,
                           .maintenance = shared_.maintenance,
                           .progress = progress,
                           .journal = shared_.journal,
                           .watch = shared_.watch};
  DatabaseRestore restore(mine, plan, operation, workers(), outcome);
  if (plan.action == DatabaseAction::kFillSystem) {
    restore.fill_system();
  } else {
    built_[index].reset();
    built_[index] = restore.build();
    if (shared_.plan.options.swap == SwapTime::kTogether) return;
    DatabaseSwap swap(mine, plan, operation, *built_[index], outcome);
    swap.done(swapped(operation, {swap.prepare()}).front());
  }
  record(operation, index);
  tell_outcome(outcome, operation);
  progress.database_done();
}

std::vector<double> Execution::swapped(const Operation& operation, const std::vector<Swap>& swaps) const {
  try {
    return swap_databases(operation, shared_.maintenance, swaps, shared_.plan.options.lock_timeout);
  } catch (Error& error) {
    error.add_context("Phase", "swap");
    throw;
  }
}

// All or none: what one lacks, the others do without, too.
void Execution::swap_together(const Operation& operation) {
  const auto failed = result_.failed();
  if (!failed.empty()) {
    throw Error(
        ErrorCode::kRestoreFailed,
        {.message = "Nothing was swapped: all databases were to take their names together.",
         .cause = fmt::format("Not restored: {}", fmt::join(failed, ", ")),
         .solution = {"Mend what the failures say, then continue; what is complete is not restored again."}});
  }
  std::vector<std::unique_ptr<DatabaseSwap>> swaps;
  std::vector<size_t> indexes;
  std::vector<Swap> requests;
  for (size_t i = 0; i < built_.size(); ++i) {
    if (!built_[i]) continue;
    swaps.push_back(std::make_unique<DatabaseSwap>(shared_, shared_.plan.databases[i], operation, *built_[i],
                                                   result_.databases[i]));
    requests.push_back(swaps.back()->prepare());
    indexes.push_back(i);
  }
  if (requests.empty()) return;
  const std::vector<double> windows = swapped(operation, requests);
  for (size_t i = 0; i < swaps.size(); ++i) {
    DatabaseOutcome& outcome = result_.databases[indexes[i]];
    outcome.interrupted = false;
    swaps[i]->done(windows[i]);
    record(operation, indexes[i]);
    tell_outcome(outcome, operation);
    shared_.progress.of(indexes[i]).database_done();
  }
}

// It has its name. What was still to be done then is done now.
void Execution::finish_swap_of_earlier_attempt(const Operation& operation, size_t index) {
  const DatabasePlan& plan = shared_.plan.databases[index];
  DatabaseOutcome& outcome = result_.databases[index];
  outcome.kept_as.clear();
  if (plan.old && plan.kept_name) {
    postgres::Connection session = operation.connect(shared_.maintenance, "drop");
    if (find_database(session, *plan.kept_name) == *plan.old) {
      outcome.kept_as = *plan.kept_name;
      const BuiltDatabase built{.staging = find_database(session, plan.name), .old = plan.old};
      DatabaseSwap(shared_, plan, operation, built, outcome).settle_old();
    }
  }
  record(operation, index);
  operation.notice("database-restored-before", fmt::format("{}: restored by an earlier attempt.", plan.name),
                   {{"database", plan.name}});
}

void Execution::go_on_alone(const Operation& operation, const Error& error, Indexes& databases) {
  is_alone_ = true;
  operation.warn(
      "locks-exhausted",
      fmt::format("{} Everything in flight was stopped. PostgreSQL locks insufficient - AUTO-ENABLING "
                  "single-threaded mode: what is left is restored one database and one statement at a "
                  "time.",
                  error.message()),
      {{"auto_action", "forcing sequential restore"}});
  std::erase_if(databases, [&](size_t index) { return is_over(index); });
  operation.at_step("locks-exhausted", "");
}

bool Execution::is_over(size_t index) const {
  const DatabaseOutcome& outcome = result_.databases[index];
  const bool waits_for_swap = shared_.plan.options.swap == SwapTime::kTogether && built_[index];
  return outcome.restored || outcome.failure || waits_for_swap;
}

// What every database would meet.
bool Execution::ends_the_run(const Error& error) const {
  switch (error.code()) {
    case ErrorCode::kDiskFull:
    case ErrorCode::kInternal:
    case ErrorCode::kAuthFailed:
      return true;
    case ErrorCode::kConnectionLost:
    case ErrorCode::kConnectionRefused:
      return !server_answers_(shared_.plan.options.failures.retries > 0);
    default:
      return false;
  }
}

// Those that were begun and stopped for what happened elsewhere.
void Execution::settle_unfinished(const Operation& operation) {
  for (size_t i = 0; i < result_.databases.size(); ++i) {
    const DatabaseOutcome& outcome = result_.databases[i];
    if (!outcome.interrupted || outcome.restored) continue;
    settle_staging(operation, i);
    record(operation, i);
  }
}

// The staging database of one that failed or was interrupted, as the policy says; but one that lacks only its
// name is not thrown away, nor one whose old one is gone already, unless a person stopped us. Has its own
// time, since the operation may have been stopped.
void Execution::settle_staging(const Operation& operation, size_t index) {
  const DatabasePlan& plan = shared_.plan.databases[index];
  DatabaseOutcome& outcome = result_.databases[index];
  if (plan.staging_name.empty()) return;
  const FailedDatabase policy = shared_.plan.options.failures.failed;
  const bool is_precious = outcome.old_is_gone && policy == FailedDatabase::kDrop;
  const bool is_dropped =
      policy == FailedDatabase::kDrop || (policy == FailedDatabase::kRename && !outcome.failure);
  std::string left_as;
  if (built_[index] && !stop_.stop_requested() && policy != FailedDatabase::kRename) {
    left_as = plan.staging_name;
    operation.warn(
        "complete-kept",
        fmt::format("{}: what was restored is complete and stays as \"{}\": it lacks only its name. "
                    "To go on gives it that; dbbackup cleanup removes it.",
                    plan.name, left_as),
        {{"database", plan.name}});
  } else if (is_dropped && !is_precious) {
    if (!drop_staging(operation, shared_.maintenance, plan.staging_name)) left_as = plan.staging_name;
    if (!left_as.empty()) {
      operation.warn(
          "staging-left",
          fmt::format("{}: Database \"{}\" could not be dropped. The next restore or `dbbackup cleanup` "
                      "removes it.",
                      plan.name, plan.staging_name),
          {{"database", plan.name}});
    }
  } else {
    left_as = keep_failed(
        operation, shared_.maintenance,
        {.name = plan.staging_name, .for_database = plan.name, .renamed = policy == FailedDatabase::kRename});
    if (!left_as.empty()) {
      operation.warn("failed-kept",
                     fmt::format("{}: what was restored stays as \"{}\"; dbbackup cleanup --kept removes it.",
                                 plan.name, left_as),
                     {{"database", plan.name}});
    }
  }
  if (outcome.failure) outcome.failure->left_as = left_as;
}

void Execution::record(const Operation& operation, size_t index) {
  const DatabaseOutcome& outcome = result_.databases[index];
  shared_.journal.update(outcome.name, operation.clock.now(),
                         [&](ManifestDatabase& entry) { entry.outcome = outcome; });
}

}  // namespace dbb::logical
