#include <fmt/format.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/selection_text.h"
#include "cli/table.h"
#include "logical/document.h"

namespace dbb::cli {
namespace {

std::string facts(const repository::Manifest& manifest, const logical::Document& document) {
  const auto took =
      std::chrono::microseconds(manifest.finished.microseconds() - manifest.started.microseconds());
  const auto line = [](std::string_view label, const std::string& value) {
    return fmt::format("{:<16}{}\n", label, printable_line(value));
  };
  std::string out = line("Backup", manifest.id.text());
  out += line("Kind", manifest.kind);
  out += line("Result", fmt::format("{}{}", manifest.complete ? "complete" : "incomplete",
                                    document.is_part() ? ", a part: see what was left out" : ""));
  out += line("Time", fmt::format("{}, took {}", manifest.started.iso(), format_duration(took)));
  out += line("Server", fmt::format("{}, PostgreSQL {}, system {}", document.server_address,
                                    document.server_version.text(), document.system_identifier));
  if (document.from_standby) out += line("", "a standby");
  out += line("Made by", fmt::format("dbbackup {} on {}, pg_dump {}", manifest.program_version, manifest.host,
                                     document.client_version.text()));
  out += line("Size", fmt::format("{} read, {} new, {} stored", format_bytes(manifest.totals.logical_bytes),
                                  format_bytes(manifest.totals.new_bytes_raw),
                                  format_bytes(manifest.totals.stored_bytes)));
  out += line("Globals", document.has_globals ? "yes" : "no");
  for (const BackupId& parent : manifest.parents) out += line("Compared with", parent.text());
  return out;
}

Outcome list_items(repository::BackupReader& backup, const Style& style) {
  std::vector<repository::Item> items;
  Table table({{"KIND"}, {"BYTES", Align::kRight}, {"PARTS", Align::kRight}, {"KEY"}});
  backup.for_each_item([&](const repository::Item& item) {
    uint64_t bytes = 0;
    for (const repository::StreamRef& part : item.parts) bytes += part.bytes;
    table.add(
        {Cell(item.kind), Cell(format_count(bytes)), Cell(format_count(item.parts.size())), Cell(item.key)});
    items.push_back(item);
  });
  return {.text = table.render(style), .json = items_document(backup.manifest(), items)};
}

class ShowCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"show"},
            .operation = "Show",
            .summary = "show what one backup contains",
            .description =
                "Shows one backup: where it is from, its databases with tables, rows and bytes, and what "
                "is missing in it, if anything is. With --items, every item in it with its key, which cat "
                "takes.",
            .examples = {{"The newest", "dbbackup show latest"},
                         {"By the beginning of its id", "dbbackup show 20261120T20"},
                         {"Every table, schema and so on that it holds", "dbbackup show latest --items"}},
            .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "id, unique beginning of one, \"latest\", or a time",
                           .target = &backup_}},
            .options = {{.names = "--items",
                         .value = "",
                         .description = "list its items: kind, bytes, number of parts, key",
                         .target = &items_}}};
  }

  Outcome run(Context& context) override {
    repository::Repository& repository = context.repository();
    if (items_)
      return list_items(*repository.open_backup(repository.resolve(*backup_, context.world().clock.now())),
                        context.style());
    const repository::Manifest manifest =
        repository.read_manifest(repository.resolve(*backup_, context.world().clock.now()));
    const logical::Document document = logical::parse_document(manifest.document);
    Table table({{"DATABASE"},
                 {"RESULT"},
                 {"OWNER"},
                 {"ENCODING"},
                 {"TABLES", Align::kRight},
                 {"ROWS", Align::kRight},
                 {"ROWS AS TEXT", Align::kRight},
                 {"LARGE OBJECTS", Align::kRight},
                 {"SIZE ON SERVER", Align::kRight}});
    std::string missing;
    for (const auto& database : document.databases) {
      const bool complete = database.state == logical::DatabaseState::kComplete;
      table.add({Cell(database.name()),
                 Cell(std::string(logical::name_of(database.state)), complete ? Tone::kGood : Tone::kWarning),
                 Cell(database.properties.owner), Cell(database.properties.encoding),
                 Cell(format_count(database.tables)), Cell(format_count(database.rows)),
                 Cell(format_bytes(database.row_bytes)), Cell(format_count(database.large_objects)),
                 Cell(format_bytes(database.properties.size_bytes))});
      const auto note = [&](const std::string& text) {
        missing += fmt::format("  {}: {}\n", printable_line(database.name()), printable_line(text));
      };
      if (!database.error.empty()) note(database.error);
      for (const std::string& item : database.left_out) note(item);
    }
    for (const std::string& item : document.globals_left_out) {
      missing += fmt::format("  {}\n", printable_line(item));
    }
    std::string text = facts(manifest, document);
    if (!table.empty()) text += "\n" + table.render(context.style());
    if (!missing.empty())
      text += "\n" + context.style().paint(Tone::kWarning, "Not in this backup:") + "\n" + missing;
    const std::string omitted = omitted_text(document);
    if (!omitted.empty()) text += "\n" + omitted;
    for (const std::string& debris : document.debris) {
      text += fmt::format("\nLeft out, because dbbackup made it itself: {}\n", printable_line(debris));
    }
    return {.text = std::move(text), .json = show_document(manifest)};
  }

 private:
  std::optional<std::string> backup_;
  bool items_ = false;
};

}  // namespace

std::unique_ptr<Command> make_show_command() { return std::make_unique<ShowCommand>(); }

}  // namespace dbb::cli
