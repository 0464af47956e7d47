#include "cli/commands.h"
#include "cli/help.h"

namespace dbb::cli {
namespace {

class ManCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"man"},
            .operation = "Manual",
            .summary = "print the manual page",
            .description = "Prints the manual page dbbackup(1) as roff source.",
            .examples = {{"Read it", "dbbackup man | man -l -"},
                         {"Install it", "dbbackup man > /usr/local/share/man/man1/dbbackup.1"}},
            .connects = false};
  }
  OptionList options() override { return {}; }
  Outcome run(Context&) override { return {.text = render_man_page(pages_of(all_commands()))}; }
};

}  // namespace

std::unique_ptr<Command> make_man_command() { return std::make_unique<ManCommand>(); }

}  // namespace dbb::cli
