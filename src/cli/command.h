#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/options.h"

namespace dbb::cli {

class Context;

struct Example {
  std::string purpose;  // "Back up every database of the local server"
  std::string command;  // as a person types it
};

struct CommandHelp {
  std::vector<std::string> path;  // {"backup", "cluster"}
  std::string operation;          // in error headings: "[FAIL] Backup Failed: ..."
  std::string summary;            // one line, for lists
  std::string description;        // paragraphs, separated by empty lines
  std::vector<Example> examples;
  bool connects = true;  // whether the connection options mean something to it

  std::string name() const;  // "backup cluster"
};

// What a command has to say at its end. The program prints either the text or the JSON document.
struct Outcome {
  std::string text = {};  // for people, ends with a newline unless empty
  std::string json = {};  // one object, docs/json.md; empty: the command has only text
  // A result that was worth printing and is a failure all the same, such as an incomplete backup.
  std::optional<Error> error = std::nullopt;
  ExitCode exit_code = ExitCode::kDone;  // where there is no error
};

// One command of the command line, e.g. `dbbackup backup cluster`. Made anew for every process; holds what
// was typed.
class Command {
 public:
  virtual ~Command() = default;
  virtual CommandHelp help() const = 0;
  // The targets point into this object.
  virtual OptionList options() = 0;
  // Failure is thrown as Error.
  virtual Outcome run(Context& context) = 0;
};

using CommandList = std::vector<std::unique_ptr<Command>>;

}  // namespace dbb::cli
