#include "cli/commands.h"

namespace dbb::cli {

std::string CommandHelp::name() const {
  std::string out;
  for (const std::string& word : path) out += (out.empty() ? "" : " ") + word;
  return out;
}

CommandList all_commands() {
  CommandList list;
  list.push_back(make_init_command());
  list.push_back(make_backup_cluster_command());
  list.push_back(make_backup_database_command());
  list.push_back(make_list_command());
  list.push_back(make_show_command());
  list.push_back(make_cat_command());
  list.push_back(make_restore_cluster_command());
  list.push_back(make_restore_database_command());
  list.push_back(make_restore_table_command());
  list.push_back(make_locks_command());
  list.push_back(make_check_command());
  list.push_back(make_forget_command());
  list.push_back(make_prune_command());
  list.push_back(make_hold_command());
  list.push_back(make_release_command());
  list.push_back(make_key_list_command());
  list.push_back(make_key_add_command());
  list.push_back(make_key_change_command());
  list.push_back(make_key_remove_command());
  list.push_back(make_key_rotate_command());
  list.push_back(make_repair_index_command());
  list.push_back(make_stats_command());
  list.push_back(make_cleanup_command());
  list.push_back(make_doctor_command());
  list.push_back(make_completion_command());
  list.push_back(make_man_command());
  list.push_back(make_help_command());
  return list;
}

const std::vector<CommandGroup>& command_groups() {
  static const std::vector<CommandGroup> kGroups = {
      {"backup", "back up a whole cluster or one database"},
      {"restore", "restore a whole cluster, one database or one table"},
      {"key", "list and change the keys of an encrypted repository"},
      {"repair", "mend a repository"},
  };
  return kGroups;
}

}  // namespace dbb::cli
