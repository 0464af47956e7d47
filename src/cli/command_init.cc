#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

class InitCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"init"},
        .operation = "Initialization",
        .summary = "make a repository, the place backups live",
        .description =
            "Makes an empty repository. The directory and its files belong to the user who runs this and are "
            "readable by no one else.\n\n"
            "Backups are not encrypted in this version: rows, and password hashes of roles, lie readable for "
            "whoever can read the directory.",
        .examples = {{"In the default place, below the user's data directory", "dbbackup init"},
                     {"On a backup disk", "dbbackup init --repository /srv/backups"}},
        .connects = false};
  }
  OptionList options() override { return {}; }

  Outcome run(Context& context) override {
    repository::Repository::init(context.store(), {}, context.world().clock);
    const auto& place = context.place();
    std::string text = fmt::format("{} made a repository in {}\n", context.style().paint(Tone::kGood, "[OK]"),
                                   printable_line(place.path.string()));
    text +=
        "\nIt is not encrypted. Who can read its files can read every row, the password hashes of all roles, "
        "and "
        "connection\nstrings of subscriptions and user mappings. Its directories are 0700 and its files "
        "0600; keep "
        "copies as closed.\n";
    if (place.origin == "--repository") {
      text += fmt::format("\nTo leave out --repository from now on: export DBBACKUP_REPOSITORY={}\n",
                          printable_line(place.path.string()));
    }
    return {.text = std::move(text), .json = init_document(place.path, context.repository().id())};
  }
};

}  // namespace

std::unique_ptr<Command> make_init_command() { return std::make_unique<InitCommand>(); }

}  // namespace dbb::cli
