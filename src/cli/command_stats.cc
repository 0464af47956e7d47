#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

std::string ratio_text(const std::optional<double>& ratio) {
  return ratio ? fmt::format("{:.{}f} x", *ratio, *ratio < 100 ? 2 : 0) : "-";
}

std::string line(std::string_view label, const std::string& value) {
  return fmt::format("{:<16}{}\n", label, printable_line(value));
}

std::string objects_text(const repository::ObjectStats& objects) {
  return fmt::format("{} in {}", format_bytes(objects.bytes), format_count(objects.count));
}

std::string repository_text(const repository::RepositoryStats& stats, const Style& style) {
  Table table({{"BACKUP"},
               {"KIND"},
               {"READ", Align::kRight},
               {"NEW", Align::kRight},
               {"STORED", Align::kRight},
               {"DEDUP", Align::kRight},
               {"COMPRESSION", Align::kRight},
               {"GREW TO", Align::kRight}});
  for (const repository::BackupStats& backup : stats.backups) {
    const repository::Totals& totals = backup.manifest.totals;
    table.add({Cell(backup.manifest.id.text()), Cell(backup.manifest.kind),
               Cell(format_bytes(totals.logical_bytes)), Cell(format_bytes(totals.new_bytes_raw)),
               Cell(format_bytes(totals.stored_bytes)), Cell(ratio_text(backup.dedup_ratio())),
               Cell(ratio_text(backup.compression_ratio())), Cell(format_bytes(backup.stored_so_far_bytes))});
  }
  std::string out = table.empty() ? "No backup yet.\n" : table.render(style);
  out += "\n";
  out += line("Repository", format_bytes(stats.bytes()));
  out += line("Packs", objects_text(stats.packs) + fmt::format(", {} frames", format_count(stats.frames)));
  out += line("Indexes", objects_text(stats.indexes));
  out += line("Manifests", objects_text(stats.manifests));
  out += line("Other", objects_text(stats.others));
  if (stats.unreferenced_packs.count > 0) {
    out += line("In no backup", objects_text(stats.unreferenced_packs) + "; listed by no index");
  }
  if (stats.packs.bytes > 0) {
    const double saved = static_cast<double>(stats.logical_bytes) / static_cast<double>(stats.bytes());
    out += line("All backups", fmt::format("{} read, {:.2f} x what the repository takes",
                                           format_bytes(stats.logical_bytes), saved));
  }
  if (stats.damaged_manifests > 0) {
    out += fmt::format("{} {} cannot be read and is not counted: dbbackup check\n",
                       style.paint(Tone::kWarning, "[WARN]"),
                       stats.damaged_manifests == 1 ? "One backup" : "Some backups");
  }
  return out;
}

std::string backup_text(const repository::BackupStats& backup, const repository::ContentStats& contents,
                        const Style& style) {
  const repository::Totals& totals = backup.manifest.totals;
  std::string out = line("Backup", backup.manifest.id.text());
  out += line("Read", format_bytes(totals.logical_bytes));
  out += line("New", format_bytes(totals.new_bytes_raw));
  out += line("Stored", format_bytes(totals.stored_bytes));
  out += line("Dedup", ratio_text(backup.dedup_ratio()));
  out += line("Compression", ratio_text(backup.compression_ratio()));
  out += line("Grew to", format_bytes(backup.stored_so_far_bytes));
  Table table({{"KIND"}, {"ITEMS", Align::kRight}, {"READ", Align::kRight}});
  for (const auto& [kind, sum] : contents.kinds) {
    table.add({Cell(kind), Cell(format_count(sum.items)), Cell(format_bytes(sum.bytes))});
  }
  if (!table.empty()) out += "\n" + table.render(style);
  return out;
}

class StatsCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"stats"},
        .operation = "Stats",
        .summary = "show what backups and the repository take",
        .description =
            "Shows for every backup what was read, what of it was new, and what it added to the repository: "
            "dedup is read / new, compression is new / stored. Then what the repository takes. With BACKUP, "
            "one backup and what it consists of. No data is read.\n\n"
            "NEW includes the repository's own lists of what is where. GREW TO adds up the backups that are "
            "there: after a prune, the repository is smaller.",
        .examples = {{"All backups and the repository", "dbbackup stats"},
                     {"One backup", "dbbackup stats latest"},
                     {"For a graph", "dbbackup stats --json | jq '.repository.bytes'"}},
        .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "id, unique beginning of one, \"latest\", or a time",
                           .target = &backup_,
                           .required = false}}};
  }

  Outcome run(Context& context) override {
    repository::Repository& repository = context.repository();
    const std::optional<BackupId> wanted =
        backup_ ? std::optional(repository.resolve(*backup_, context.world().clock.now())) : std::nullopt;
    const repository::RepositoryStats stats = repository.stats(context.world().stop);
    if (!wanted) return {.text = repository_text(stats, context.style()), .json = stats_document(stats)};
    const auto found =
        std::ranges::find(stats.backups, *wanted, [](const auto& backup) { return backup.manifest.id; });
    // One that is not in the list cannot be read; this says why.
    const repository::BackupStats backup =
        found != stats.backups.end() ? *found
                                     : repository::BackupStats{.manifest = repository.read_manifest(*wanted)};
    const repository::ContentStats contents = repository.contents(*wanted, context.world().stop);
    return {.text = backup_text(backup, contents, context.style()), .json = stats_document(backup, contents)};
  }

 private:
  std::optional<std::string> backup_;
};

}  // namespace

std::unique_ptr<Command> make_stats_command() { return std::make_unique<StatsCommand>(); }

}  // namespace dbb::cli
