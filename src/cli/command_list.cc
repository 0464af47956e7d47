#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "cli/clock_warning.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/table.h"
#include "logical/document.h"

namespace dbb::cli {
namespace {

// "app, shop, 12 more"
std::string names_of(const logical::Document& document) {
  constexpr size_t kShown = 4;
  std::string out;
  for (size_t i = 0; i < document.databases.size() && i < kShown; ++i) {
    out += (i == 0 ? "" : ", ") + document.databases[i].name();
  }
  if (document.databases.size() > kShown) out += fmt::format(", {} more", document.databases.size() - kShown);
  return out;
}

class ListCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"list"},
        .operation = "List",
        .summary = "list the backups in the repository",
        .description =
            "Lists the backups, newest first. Wherever a command wants a BACKUP, the id, any unique "
            "beginning of "
            "it, \"latest\", or a time such as 2026-11-20T20:15:02Z (the newest not after it) will do. The "
            "server is shown when several back up into the repository.",
        .examples = {{"What is there", "dbbackup list"},
                     {"Ids only", "dbbackup list --json | jq -r '.backups[].id'"}},
        .connects = false};
  }
  OptionList options() override { return {}; }

  Outcome run(Context& context) override {
    const repository::BackupList list = context.repository().list_backups();
    Table table({{"BACKUP"},
                 {"KIND"},
                 {"RESULT"},
                 {"READ", Align::kRight},
                 {"GREW BY", Align::kRight},
                 {"TIME", Align::kRight},
                 {"HELD"},
                 {"SERVER"},
                 {"DATABASES"}});
    const std::vector<repository::Hold> holds = context.repository().holds();
    const bool several_servers = std::ranges::any_of(
        list.backups, [&](const auto& manifest) { return manifest.source != list.backups.front().source; });
    std::vector<BackupId> ids;
    for (const auto& manifest : list.backups) {
      ids.push_back(manifest.id);
      table.add(row_of(manifest, holds, several_servers));
    }
    warn_of_clock_ahead(context, ids);
    std::string text = list.backups.empty()
                           ? fmt::format("No backup in {} yet. Make one: dbbackup backup cluster\n",
                                         printable_line(context.place().path.string()))
                           : table.render(context.style());
    for (const auto& damaged : list.damaged) {
      text += fmt::format("{} {}: {}\n", context.style().paint(Tone::kBad, "[FAIL]"),
                          printable_line(damaged.object), printable_line(damaged.problem));
    }
    Outcome outcome{.text = std::move(text), .json = list_document(context.place().path, list, holds)};
    if (!list.damaged.empty()) {
      outcome.error =
          Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("{} cannot be read.",
                                        list.damaged.size() == 1 ? "One backup" : "Several backups"),
                 .cause = list.damaged.front().object + ": " + list.damaged.front().problem,
                 .solution = {"See what is damaged and what it hurts: dbbackup check --read-data"}});
    }
    return outcome;
  }

 private:
  static std::vector<Cell> row_of(const repository::Manifest& manifest,
                                  const std::vector<repository::Hold>& holds, bool with_server) {
    const auto hold = std::ranges::find(holds, manifest.id, &repository::Hold::backup);
    std::string databases;
    std::string part;
    std::string server = manifest.source;
    try {
      const logical::Document document = logical::parse_document(manifest.document);
      databases = names_of(document);
      server = fmt::format("{}, {}", document.server_address, document.system_identifier);
      if (document.is_part()) part = ", a part";
    } catch (const Error& error) {
      databases = "(" + error.message() + ")";
    }
    const auto took =
        std::chrono::microseconds(manifest.finished.microseconds() - manifest.started.microseconds());
    return {
        Cell(manifest.id.text()),
        Cell(manifest.kind),
        manifest.complete ? Cell("complete" + part, Tone::kGood) : Cell("incomplete" + part, Tone::kWarning),
        Cell(format_bytes(manifest.totals.logical_bytes)),
        Cell(format_bytes(manifest.totals.stored_bytes)),
        Cell(format_duration(took)),
        Cell(hold == holds.end() ? "" : fmt::format("by {}: {}", hold->by, hold->reason)),
        Cell(with_server ? server : ""),
        Cell(databases)};
  }
};

}  // namespace

std::unique_ptr<Command> make_list_command() { return std::make_unique<ListCommand>(); }

}  // namespace dbb::cli
