#pragma once

#include <optional>
#include <string>
#include <vector>

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
  std::optional<std::string> globals;
  bool statistics = false;
  bool drop_slots = false;
  bool replace_with_part = false;
  std::optional<std::string> role;
  bool no_owner = false;
  bool no_acl = false;
  bool no_comments = false;
  bool no_publications = false;
  bool no_subscriptions = false;
  bool no_security_labels = false;
  bool no_tablespaces = false;
  bool no_refresh = false;
  std::vector<std::string> map_roles;
  std::optional<std::string> validate;

  std::vector<OptionSpec> specs();
  std::vector<OptionSpec> rule_specs();  // of these, those that say what is restored and whose it becomes
  logical::EntryRules rules() const;     // Error kUsage for --map-role without two names
  logical::Operation as_role(const logical::Operation& operation) const;

 private:
  std::vector<OptionSpec> own_specs();
};

// Plans; prints the plan, or carries it out when that was confirmed. `restore` brings what only the command
// knows (backup, database, as, replace).
Outcome run_restore(Context& context, const RestoreRunOptions& options, logical::RestoreOptions restore);

}  // namespace dbb::cli
