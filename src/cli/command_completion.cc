#include "cli/commands.h"
#include "cli/help.h"

namespace dbb::cli {
namespace {

class CompletionCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"completion"},
        .operation = "Completion",
        .summary = "print a completion script for a shell",
        .description = "Prints a script that lets the shell complete commands and options.",
        .examples = {{"bash, this session", "source <(dbbackup completion bash)"},
                     {"bash, always",
                      "dbbackup completion bash > /usr/share/bash-completion/completions/dbbackup"},
                     {"zsh, this session", "source <(dbbackup completion zsh)"},
                     {"fish, always", "dbbackup completion fish > ~/.config/fish/completions/dbbackup.fish"}},
        .connects = false};
  }
  OptionList options() override {
    return {
        .arguments = {
            {.name = "SHELL", .description = "bash, zsh or fish", .target = &shell_, .choices = kShells}}};
  }
  Outcome run(Context&) override { return {.text = render_completion(pages_of(all_commands()), *shell_)}; }

 private:
  std::optional<std::string> shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() { return std::make_unique<CompletionCommand>(); }

}  // namespace dbb::cli
