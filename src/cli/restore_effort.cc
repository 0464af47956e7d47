#include "cli/restore_effort.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/json_documents.h"

namespace dbb::cli {

OptionSpec profile_option(std::optional<std::string>& target) {
  return {.names = "--profile",
          .value = "NAME",
          .description =
              "how much of the machine to take: low (one worker), balanced (one per processor), high "
              "(of two databases at once), ultra (two per processor, four databases at once); the plan "
              "shows the numbers (balanced)",
          .target = &target};
}

logical::RestoreOptions with_profile(logical::RestoreOptions restore,
                                     const std::optional<std::string>& profile,
                                     const std::optional<int>& jobs, const std::optional<int>& parallel,
                                     const Configuration& configured) {
  if (profile) {
    const auto known = logical::parse_profile(*profile);
    if (!known) {
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("There is no profile \"{}\".", *profile),
                   .solution = {"Take one of: low, balanced, high, ultra",
                                "Also known: conservative (low), aggressive (high), max (ultra)"}});
    }
    restore.profile = *known;
  }
  const auto otherwise = [&](const std::optional<int>& value, int before) {
    return profile ? 0 : value.value_or(before);
  };
  restore.jobs = jobs.value_or(otherwise(configured.jobs, restore.jobs));
  restore.parallel_databases =
      parallel.value_or(otherwise(configured.parallel_databases, restore.parallel_databases));
  return restore;
}

void tell_lowered(const logical::RestorePlan& plan, const logical::Operation& operation) {
  const logical::LockBudget& locks = plan.locks;
  if (locks.given == locks.asked) return;
  operation.warn("locks-insufficient",
                 locks.is_single_threaded()
                     ? std::string(logical::kSingleThreaded)
                     : fmt::format("PostgreSQL locks insufficient for {}: restoring with {}.",
                                   describe(locks.asked), describe(locks.given)),
                 {{"current_locks", std::to_string(locks.setting)},
                  {"optimal_locks", std::to_string(locks.setting_for_all)},
                  {"auto_action", auto_action(locks)},
                  {"jobs", std::to_string(locks.given.workers)},
                  {"parallel_databases", std::to_string(locks.given.parallel)}});
}

}  // namespace dbb::cli
