#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "logical/selection.h"

namespace dbb::cli {

// What `backup cluster` and `backup database` share.
struct BackupRunOptions {
  std::optional<int> jobs;
  std::optional<int> parallel_databases;
  std::optional<std::chrono::seconds> lock_wait_timeout;
  bool serializable_deferrable = false;
  bool pause_replay = false;
  bool statistics = false;
  std::vector<std::string> exclude_databases;  // of `backup cluster`
  logical::Selection selection;                // of `backup database`

  std::vector<OptionSpec> specs();
};

// An incomplete backup is an outcome with BACKUP_INCOMPLETE: it is in the repository, and something is not in
// it.
Outcome run_backup(Context& context, const BackupRunOptions& options,
                   const std::optional<std::string>& database);

}  // namespace dbb::cli
