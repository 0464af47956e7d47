#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "logical/restore.h"

namespace dbb::cli {

// What `restore cluster` and `restore database` share.
struct RestoreRunOptions {
  bool confirm = false;
  bool dry_run = false;  // wins over `confirm`
  std::optional<std::string> old;
  bool no_proof = false;
  std::optional<int> jobs;
  std::optional<int> parallel_databases;
  std::optional<std::chrono::seconds> lock_timeout;
  std::optional<std::string> system_databases;
  bool drop_slots = false;
  std::optional<std::string> validate;

  std::vector<OptionSpec> specs();
};

// Plans; prints the plan, or carries it out when that was confirmed. `restore` brings what only the command
// knows (backup, database, as, replace).
Outcome run_restore(Context& context, const RestoreRunOptions& options, logical::RestoreOptions restore);

}  // namespace dbb::cli
