#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/style.h"

// Everything that describes the commands, made from the same list that the command line is parsed by.
namespace dbb::cli {

// One command as the printers below need it.
struct CommandPage {
  CommandHelp help;
  OptionList options;
};
std::vector<CommandPage> pages_of(const CommandList& commands);

// "Usage: dbbackup restore cluster [options] BACKUP" and so on. `path` names a command, a group or, empty,
// the whole. Throws Error kUsage when there is none of that name.
std::string render_help(const std::vector<CommandPage>& pages, const std::vector<std::string>& path,
                        const Style& style);

// The manual page dbbackup(1), in man(7) macros.
std::string render_man_page(const std::vector<CommandPage>& pages);

// `shell` is one of kShells.
inline const std::vector<std::string> kShells = {"bash", "zsh", "fish"};
std::string render_completion(const std::vector<CommandPage>& pages, const std::string& shell);

}  // namespace dbb::cli
