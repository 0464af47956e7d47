#pragma once

#include <memory>

#include "cli/command.h"

namespace dbb::cli {

// Each stands in its own file, command_<name>.cc.
std::unique_ptr<Command> make_init_command();
std::unique_ptr<Command> make_backup_cluster_command();
std::unique_ptr<Command> make_backup_database_command();
std::unique_ptr<Command> make_list_command();
std::unique_ptr<Command> make_show_command();
std::unique_ptr<Command> make_cat_command();
std::unique_ptr<Command> make_restore_cluster_command();
std::unique_ptr<Command> make_restore_database_command();
std::unique_ptr<Command> make_restore_table_command();
std::unique_ptr<Command> make_locks_command();
std::unique_ptr<Command> make_check_command();
std::unique_ptr<Command> make_forget_command();
std::unique_ptr<Command> make_prune_command();
std::unique_ptr<Command> make_hold_command();
std::unique_ptr<Command> make_release_command();
std::unique_ptr<Command> make_key_list_command();
std::unique_ptr<Command> make_key_add_command();
std::unique_ptr<Command> make_key_change_command();
std::unique_ptr<Command> make_key_remove_command();
std::unique_ptr<Command> make_key_rotate_command();
std::unique_ptr<Command> make_repair_index_command();
std::unique_ptr<Command> make_stats_command();
std::unique_ptr<Command> make_cleanup_command();
std::unique_ptr<Command> make_doctor_command();
std::unique_ptr<Command> make_completion_command();
std::unique_ptr<Command> make_man_command();
std::unique_ptr<Command> make_help_command();

// All of them, in the order help shows them.
CommandList all_commands();

// What stands above several commands: {"backup", "back up a whole cluster or one database"}.
struct CommandGroup {
  std::string name;
  std::string summary;
};
const std::vector<CommandGroup>& command_groups();

}  // namespace dbb::cli
