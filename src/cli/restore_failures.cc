#include "cli/restore_failures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/restore_gaps.h"
#include "logical/plan_databases.h"

namespace dbb::cli {
namespace {

constexpr std::string_view kRetry = "retry:";

std::optional<int> retries_in(std::string_view text) {
  if (!text.starts_with(kRetry)) return std::nullopt;
  text.remove_prefix(kRetry.size());
  int number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = problem == std::errc() && end == text.data() + text.size();
  return is_whole && number >= 1 && number <= logical::kMostRetries ? std::optional(number) : std::nullopt;
}

// Everything was carried out, and something of the backup is not there all the same.
std::optional<Error> incomplete(const logical::RestoreResult& result) {
  std::string cause;
  for (const logical::DatabaseOutcome& database : result.databases) {
    for (const std::string& missing : database.missing) {
      cause += fmt::format("{}{}: {}", cause.empty() ? "" : "\n", database.name, missing);
    }
  }
  if (cause.empty()) return std::nullopt;
  return Error(ErrorCode::kRestoreIncomplete,
               {.message = "The databases were restored, but not everything of the backup is in them.",
                .cause = std::move(cause),
                .solution = {"A view that was not refreshed: mend what its query needs, then REFRESH "
                             "MATERIALIZED VIEW ...",
                             "A table that was not restored: take a backup that has what it refers to, or "
                             "make that first, then: dbbackup restore table",
                             "Old databases that were replaced are kept: see them with dbbackup cleanup "
                             "--kept, and drop them when nothing is missing any more."}});
}

// With --require-all: all that was in the backup is there, but the backup has not got all.
Error lacking(std::vector<std::string> gaps, const logical::RestoreResult& result) {
  for (const logical::DatabaseOutcome& database : result.databases) {
    for (const std::string& missing : database.missing) gaps.push_back(database.name + ": " + missing);
  }
  return Error(ErrorCode::kRestoreIncomplete,
               {.message = "What is in the backup was restored, but the backup itself is not complete.",
                .cause = fmt::format("--require-all asks for all.\n{}", fmt::join(gaps, "\n")),
                .solution = {"Restore what is missing from another backup: dbbackup list",
                             "If it is not needed, leave out --require-all."}});
}

// Of the databases that were to be restored, those of users: postgres and template1 are there in any case.
struct Share {
  size_t restored = 0;
  size_t total = 0;
  int percent() const { return total == 0 ? 0 : static_cast<int>(restored * 100 / total); }
};

Share share_restored(const logical::RestoreResult& result) {
  const bool has_others = std::ranges::any_of(result.databases, [](const auto& database) {
    return (database.restored || database.failure) && !logical::is_system_database(database.name);
  });
  Share share;
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (has_others && logical::is_system_database(database.name)) continue;
    share.restored += database.restored ? 1 : 0;
    share.total += database.restored || database.failure ? 1 : 0;
  }
  return share;
}

}  // namespace

std::vector<OptionSpec> FailureOptions::specs() {
  std::vector<OptionSpec> specs = {
      {.names = "--on-error",
       .value = "WHAT",
       .description =
           "when a database fails: stop; continue with the others; or retry:N, which tries it N times "
           "more, going on where it failed, and then continues with the others (stop)",
       .target = &on_error},
      {.names = "--continue-on-error",
       .value = "",
       .description = "short for --on-error continue",
       .target = &continue_on_error},
      {.names = "--on-failed-db",
       .value = "WHAT",
       .description =
           "what becomes of what was built of a database that failed: drop; keep, so that "
           "--resume-from-manifest goes on in it; or rename to NAME_failed_DATE, to look into (drop)",
       .target = &on_failed_database,
       .choices = {"drop", "keep", "rename"}},
      {.names = "--require-all",
       .value = "",
       .description = "any database that failed makes the restore fail, and so does one that failed or is "
                      "incomplete in the backup",
       .target = &require_all},
      {.names = "--min-success",
       .value = "PERCENT",
       .description =
           "with --on-error continue: so many of the databases must be restored for the restore to "
           "end with 0 and a warning; postgres and template1 do not count (80)",
       .target = &min_success,
       .range = {0, 100}},
  };
  for (OptionSpec& spec : specs) spec.group = "When a database fails";
  return specs;
}

void FailureOptions::apply(logical::FailurePolicy& policy) const {
  if (on_error) {
    const std::optional<int> retries = retries_in(*on_error);
    if (!retries && *on_error != "stop" && *on_error != "continue") {
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("\"{}\" is nothing that --on-error knows.", *on_error),
                   .solution = {"Write --on-error stop, --on-error continue, or --on-error retry:2"}});
    }
    policy.go_on = *on_error != "stop";
    policy.retries = retries.value_or(0);
  }
  if (continue_on_error && on_error == "stop") {
    throw Error(ErrorCode::kUsage,
                {.message = "--on-error stop and --continue-on-error exclude each other.",
                 .solution = {"Leave out one of them. Without either, the restore stops."}});
  }
  if (continue_on_error) policy.go_on = true;
  if (on_failed_database) {
    policy.failed = *on_failed_database == "keep"     ? logical::FailedDatabase::kKeep
                    : *on_failed_database == "rename" ? logical::FailedDatabase::kRename
                                                      : logical::FailedDatabase::kDrop;
  }
  if (require_all) policy.require_all = true;
  if (min_success) policy.min_success_percent = *min_success;
}

std::optional<Error> verdict_on(const logical::RestorePlan& plan, const logical::RestoreResult& result) {
  const std::vector<std::string> failed = result.failed();
  const logical::FailurePolicy& policy = plan.options.failures;
  const std::vector<std::string> gaps =
      policy.require_all ? all_gaps(plan, result) : std::vector<std::string>();
  if (failed.empty()) return gaps.empty() ? incomplete(result) : lacking(gaps, result);
  const Share share = share_restored(result);
  const bool is_enough = share.restored > 0 && share.percent() >= policy.min_success_percent;
  if (is_enough && !policy.require_all) return incomplete(result);
  std::string cause = fmt::format(
      "{} of {} databases were restored ({} %); {}.", share.restored, share.total, share.percent(),
      policy.require_all ? "--require-all asks for all"
                         : fmt::format("at least {} % must be (--min-success)", policy.min_success_percent));
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (database.failure) {
      cause += fmt::format("\n{}: {}", database.name, database.failure->one_line());
    }
  }
  for (const std::string& gap : gaps) cause += "\n" + gap;
  return Error(ErrorCode::kRestoreIncomplete,
               {.message = fmt::format("{} restore completed with {} failure{}: {}",
                                       plan.options.database ? "database" : "cluster", failed.size(),
                                       failed.size() == 1 ? "" : "s", fmt::join(failed, ", ")),
                .cause = std::move(cause),
                .solution = {"Read what failed in each, and mend it."}});
}

Error with_way_on(const Error& error, const std::string& command) {
  if (command.empty()) return error;
  std::vector<std::string> solution = error.solution();
  solution.push_back(fmt::format("Continue where it stopped: {}", command));
  Error told(error.code(), {.message = error.message(),
                            .cause = error.cause(),
                            .solution = std::move(solution),
                            .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) told.add_context(label, value);
  return told;
}

}  // namespace dbb::cli
