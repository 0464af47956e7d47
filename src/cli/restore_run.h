#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/restore_failures.h"
#include "logical/restore.h"

namespace dbb::cli {

// What `restore cluster` and `restore database` share.
struct RestoreRunOptions {
  bool confirm = false;
  bool dry_run = false;  // wins over `confirm`
  bool keep_temp = false;
  std::optional<std::string> old;
  bool no_proof = false;
  std::optional<int> jobs;
  std::optional<int> parallel_databases;
  std::optional<std::string> profile;
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
  std::optional<std::string> swap;
  bool in_place = false;
  std::optional<std::string> resume_from_manifest;
  std::optional<std::string> report_directory;
  FailureOptions failures;
  bool debug_locks = false;

  std::vector<OptionSpec> specs();
  std::vector<OptionSpec> rule_specs();  // of these, those that say what is restored and whose it becomes
  logical::EntryRules rules() const;     // Error kUsage for --map-role without two names
  logical::Operation as_role(const logical::Operation& operation) const;
  // What may be given when a run is gone on with, too: how it is done, not what is restored.
  void apply_manner(const Configuration& configured, logical::RestoreOptions& restore) const;
  // Options that were given and say what is restored: "--globals".
  std::vector<std::string> content_options() const;

 private:
  std::vector<OptionSpec> own_specs();
};

// Plans; prints the plan, or carries it out when that was confirmed. `restore` brings what only the command
// knows (backup, database, as, replace).
Outcome run_restore(Context& context, const RestoreRunOptions& options, logical::RestoreOptions restore);
// Goes on with the run whose manifest was named. `is_of_cluster`: the command is that of a whole cluster.
// `others`: what was typed beside it that the manifest says already.
Outcome resume_restore(Context& context, const RestoreRunOptions& options, bool is_of_cluster,
                       const std::vector<std::string>& others);

}  // namespace dbb::cli
