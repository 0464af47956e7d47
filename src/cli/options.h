#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dbb::cli {

// One option of a command: how it is typed, what help says, and the variable that gets the value. A variable
// that is not given on the command line stays as it is. One whose target is a list may be given again and
// again; of any other the last one wins.
struct OptionSpec {
  using Target = std::variant<bool*, std::optional<std::string>*, std::optional<int>*,
                              std::optional<std::chrono::seconds>*, std::vector<std::string>*>;
  std::string names;        // "-j,--jobs": the short one first, if there is one
  std::string value;        // name of the value in help; "" for a switch
  std::string description;  // lower case, no full stop, default in parentheses
  Target target;
  std::vector<std::string> choices = {};  // the only values allowed, if any
  std::string group = {};                 // heading in help; "" is "Options"
  std::pair<int, int> range = {1, 1024};  // of a whole number

  std::string long_name() const;  // "--jobs", or the short one where there is no long one
  std::vector<std::string> all_names() const;
};

// A word without a dash, in the order they are added.
struct ArgumentSpec {
  std::string name;  // as help shows it: "BACKUP"
  std::string description;
  std::optional<std::string>* target;
  bool required = true;
  std::vector<std::string> choices = {};
  std::vector<std::string>* targets = nullptr;  // instead of target: takes any number of words; the last one
  const std::optional<std::string>* unless = nullptr;  // an option that, when given, makes up for it
};

struct OptionList {
  std::vector<ArgumentSpec> arguments = {};
  std::vector<OptionSpec> options = {};
};

// What may stand before or after any command.
struct GlobalOptions {
  std::optional<std::string> repository;
  std::optional<std::string> config;
  // Keys of an encrypted repository. Never the secret itself: other users see a command line.
  std::optional<std::string> passphrase_file;
  std::optional<std::string> key_file;
  bool accept_rollback = false;
  // Connection, spelled as psql spells it.
  std::optional<std::string> host;
  std::optional<std::string> port;
  std::optional<std::string> user;
  std::optional<std::string> database;  // a name, a conninfo string or a URI
  bool never_ask_password = false;
  bool ask_password = false;
  // Output.
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  std::optional<std::string> save_debug_log;
  std::optional<std::string> progress;  // "text", "json", "none"

  std::vector<OptionSpec> specs();
  // "-h /tmp -p 5433 -r '/my backups'": those of server and repository that were given, for a command that a
  // person copies. Paths are absolute. A connection with a password in it is left out.
  std::string reached_by() const;
};

}  // namespace dbb::cli
