#pragma once

#include <optional>
#include <string>

#include "cli/configuration.h"
#include "cli/options.h"
#include "logical/restore.h"

namespace dbb::cli {

// How much of the machine a restore takes.
OptionSpec profile_option(std::optional<std::string>& target);
// What is explicit wins over the profile; a profile on the command line over the configuration's numbers.
// Error kUsage for a profile nobody knows.
logical::RestoreOptions with_profile(logical::RestoreOptions restore,
                                     const std::optional<std::string>& profile,
                                     const std::optional<int>& jobs, const std::optional<int>& parallel,
                                     const Configuration& configured);

// A restore that is slower than it was asked to be says so, and goes on.
void tell_lowered(const logical::RestorePlan& plan, const logical::Operation& operation);

}  // namespace dbb::cli
