#include "base/error.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/help.h"

namespace dbb::cli {
namespace {

class HelpCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"help"},
            .operation = "Help",
            .summary = "explain a command",
            .description = "The same as --help after a command.",
            .examples = {{"All commands", "dbbackup help"}, {"One of them", "dbbackup help restore cluster"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {
                {.name = "COMMAND", .description = "command or group", .target = &first_, .required = false},
                {.name = "SUBCOMMAND",
                 .description = "command of the group",
                 .target = &second_,
                 .required = false},
            }};
  }
  Outcome run(Context& context) override {
    std::vector<std::string> path;
    if (first_) path.push_back(*first_);
    if (second_) path.push_back(*second_);
    return {.text = render_help(pages_of(all_commands()), path, context.style())};
  }

 private:
  std::optional<std::string> first_;
  std::optional<std::string> second_;
};

}  // namespace

std::unique_ptr<Command> make_help_command() { return std::make_unique<HelpCommand>(); }

}  // namespace dbb::cli
