#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

class HoldCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"hold"},
            .operation = "Hold",
            .summary = "keep a backup from being forgotten",
            .description =
                "A held backup is never forgotten, by name or by a policy, until it is released. Who "
                "holds it and why is shown by `dbbackup list`.",
            .examples = {{"Keep the backup before an upgrade",
                          "dbbackup hold latest --reason 'before the upgrade to 18'"},
                         {"Let it go again", "dbbackup release 20261120T201502Z"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "id, a unique beginning of it, \"latest\" or a time",
                           .target = &backup_}},
            .options = {{.names = "--reason",
                         .value = "TEXT",
                         .description = "why, for those who read the list",
                         .target = &reason_}}};
  }
  Outcome run(Context& context) override {
    const BackupId id = context.repository().resolve(*backup_, context.world().clock.now());
    context.repository().read_manifest(id);
    const bool changed = context.repository().hold(id, reason_.value_or("no reason given"),
                                                   context.user_and_host(), context.world().clock);
    return {.text = fmt::format("{} {} is {}held\n", context.style().paint(Tone::kGood, "[OK]"), id.text(),
                                changed ? "" : "already "),
            .json = hold_document(id, true, changed)};
  }

 private:
  std::optional<std::string> backup_;
  std::optional<std::string> reason_;
};

class ReleaseCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"release"},
            .operation = "Release",
            .summary = "let a held backup be forgotten again",
            .description = "Ends what `dbbackup hold` began. The backup itself is not touched.",
            .examples = {{"Release a backup", "dbbackup release 20261120T201502Z"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "id, a unique beginning of it, \"latest\" or a time",
                           .target = &backup_}}};
  }
  Outcome run(Context& context) override {
    const BackupId id = context.repository().resolve(*backup_, context.world().clock.now());
    const bool changed = context.repository().release(id);
    return {.text = fmt::format("{} {} is {}\n", context.style().paint(Tone::kGood, "[OK]"), id.text(),
                                changed ? "released" : "not held"),
            .json = hold_document(id, false, changed)};
  }

 private:
  std::optional<std::string> backup_;
};

}  // namespace

std::unique_ptr<Command> make_hold_command() { return std::make_unique<HoldCommand>(); }
std::unique_ptr<Command> make_release_command() { return std::make_unique<ReleaseCommand>(); }

}  // namespace dbb::cli
