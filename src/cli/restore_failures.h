#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/options.h"
#include "logical/restore.h"

// What a restore does about databases that fail, as it is typed, and what it comes to in the end.
namespace dbb::cli {

struct FailureOptions {
  std::optional<std::string> on_error;  // "stop", "continue", "retry:N"
  bool continue_on_error = false;
  std::optional<std::string> on_failed_database;
  bool require_all = false;
  std::optional<int> min_success;

  std::vector<OptionSpec> specs();
  // Changes what was given. Error kUsage for an --on-error that cannot be read.
  void apply(logical::FailurePolicy& policy) const;
};

// Why a run that came to its end by itself is a failure all the same: databases failed, more than the policy
// lets pass, or something of the backup is missing in one.
std::optional<Error> verdict_on(const logical::RestorePlan& plan, const logical::RestoreResult& result);

// The same error, with the command that continues as one more step to take.
Error with_way_on(const Error& error, const std::string& command);

}  // namespace dbb::cli
