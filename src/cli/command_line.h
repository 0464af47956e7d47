#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/options.h"

namespace dbb::cli {

struct ParsedCommandLine {
  GlobalOptions global;
  Command* command = nullptr;  // of the list that was passed in; null: none was typed
  bool wants_version = false;
  bool wants_help = false;
  std::vector<std::string> help_path = {};  // the command, or group, that help was asked for
};

// Reads what stands after the program's name. Unknown commands and options, missing arguments and values out
// of range are Error kUsage, with the nearest known spelling. Fills the variables of the command that was
// typed.
//
// Options may stand before and after the command's name. `--help` and `-?` win over everything else; `-h` is
// the host, as in psql.
ParsedCommandLine parse_command_line(const CommandList& commands, std::vector<std::string> arguments);

}  // namespace dbb::cli
