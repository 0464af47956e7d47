#include <fmt/format.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "repository/session.h"

namespace dbb::cli {
namespace {

std::string text_of(const repository::CheckReport& report, bool read_data, const Style& style) {
  std::string out;
  for (const auto& finding : report.findings) {
    out += fmt::format("{} {}: {}\n", style.paint(Tone::kBad, "[FAIL]"), printable_line(finding.object),
                       printable_line(finding.problem));
    for (const BackupId& id : finding.hurts) out += fmt::format("       hurts backup {}\n", id.text());
    for (const std::string& item : finding.hurt_items)
      out += fmt::format("       {}\n", printable_line(item));
  }
  if (report.findings.empty()) out += style.paint(Tone::kGood, "[OK]") + " nothing wrong was found\n";
  out += fmt::format("\n{}, {}, {} looked at; {}.\n", counted(report.backups, "backup"),
                     counted(report.packs, "pack"), counted(report.frames, "frame"),
                     read_data ? fmt::format("{} read, every byte", format_bytes(report.bytes_read))
                               : std::string("data not read (--read-data reads every byte)"));
  if (report.unreferenced_packs > 0) {
    out += fmt::format("{} ({}) in no backup: left by a backup that was killed, and harmless.\n",
                       counted(report.unreferenced_packs, "pack"), format_bytes(report.unreferenced_bytes));
  }
  return out;
}

Error damage(const repository::CheckReport& report) {
  const auto& first = report.findings.front();
  return Error(ErrorCode::kCorruptedBackup,
               {.message = report.findings.size() == 1 ? "One thing in the repository is wrong."
                                                       : fmt::format("{} things in the repository are wrong.",
                                                                     report.findings.size()),
                .cause = fmt::format("{}: {}", first.object, first.problem),
                .solution = {"Backups that are not named above are sound; restore from one of those.",
                             "Make a new backup now: dbbackup backup cluster",
                             "Look at the disk: dmesg, smartctl, and the file system's own check."}});
}

class CheckCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"check"},
        .operation = "Check",
        .summary = "look for damage in the repository",
        .description =
            "Checks structure: every manifest, every reference, and every pack's length. With --read-data it "
            "also reads every byte and compares it with its checksum. All findings are listed, each with the "
            "backups it hurts; the exit code is then 3. Nothing is changed.",
        .examples = {{"Structure, in seconds", "dbbackup check"},
                     {"Every byte", "dbbackup check --read-data"}},
        .connects = false};
  }
  OptionList options() override {
    return {.options = {{.names = "--read-data",
                         .value = "",
                         .description = "read every byte of every pack",
                         .target = &read_data_}}};
  }
  Outcome run(Context& context) override {
    // Nothing is deleted while it looks, and then taken for missing.
    const auto presence =
        context.repository().announce({.operation = "check", .host = context.host()}, context.world().clock);
    const repository::CheckReport report =
        context.repository().check({.read_data = read_data_}, context.events(), context.world().stop);
    Outcome outcome{.text = text_of(report, read_data_, context.style()),
                    .json = check_document(report, read_data_)};
    if (!report.findings.empty()) outcome.error = damage(report);
    return outcome;
  }

 private:
  bool read_data_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace dbb::cli
