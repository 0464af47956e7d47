#include <fmt/format.h>

#include <fmt/ranges.h>
#include <algorithm>

#include <charconv>

#include "base/units.h"
#include "cli/clock_warning.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "repository/session.h"
#include "system/random.h"

namespace dbb::cli {
namespace {

// "data not read (--read-data reads every byte)", "4.1 GB read, every byte", ...
std::string how_far(const repository::CheckReport& report, const repository::CheckOptions& options) {
  if (options.sample) {
    return fmt::format("{} in {} read, chosen by --sample-seed {}", format_bytes(report.bytes_read),
                       counted(report.frames_read, "frame"), options.sample_seed);
  }
  if (options.read_data) return fmt::format("{} read, every byte", format_bytes(report.bytes_read));
  return "data not read (--read-data reads every byte)";
}

std::string text_of(const repository::CheckReport& report, const repository::CheckOptions& options,
                    const Style& style) {
  std::string out;
  for (const auto& finding : report.findings) {
    out += fmt::format("{} {}: {}\n", style.paint(Tone::kBad, "[FAIL]"), printable_line(finding.object),
                       printable_line(finding.problem));
    for (const BackupId& id : finding.hurts) out += fmt::format("       hurts backup {}\n", id.text());
    for (const std::string& item : finding.hurt_items)
      out += fmt::format("       {}\n", printable_line(item));
    if (const uint64_t more = finding.hurt_item_count - finding.hurt_items.size(); more > 0)
      out += fmt::format("       and {} more\n", format_count(more));
    if (finding.hurts.empty()) {
      out += report.lists_are_damaged
                 ? "       whom it hurts cannot be said: a list that tells is damaged, too\n"
                 : "       hurts no backup\n";
    }
  }
  if (report.findings.empty()) out += style.paint(Tone::kGood, "[OK]") + " nothing wrong was found\n";
  out +=
      fmt::format("\n{}, {}, {} looked at; {}.\n", counted(report.backups, "backup"),
                  counted(report.packs, "pack"), counted(report.frames, "frame"), how_far(report, options));
  if (report.unreferenced_packs > 0) {
    out += fmt::format("{} ({}) listed by no index: {}.\n", counted(report.unreferenced_packs, "pack"),
                       format_bytes(report.unreferenced_bytes),
                       report.index_is_wrong
                           ? "they may hold what is missing; see below"
                           : "left by a backup that was killed, or by a repair; `dbbackup prune` "
                             "deletes them");
  }
  if (report.foreign_objects > 0) {
    out += fmt::format("{} not of dbbackup, and ignored: {}{}\n", counted(report.foreign_objects, "file"),
                       printable_line(fmt::format("{}", fmt::join(report.foreign_names, ", "))),
                       report.foreign_objects > report.foreign_names.size() ? ", ..." : "");
  }
  return out;
}

// "5%" or "0.5%" as a share.
double parse_share(const std::string& text) {
  double percent = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, percent);
  if (error != std::errc() || std::string_view(rest, end) != "%" || !(percent > 0 && percent <= 100)) {
    throw Error(ErrorCode::kUsage, {.message = fmt::format("\"{}\" is not a share.", text),
                                    .solution = {"Write a percentage above 0, such as --sample 5%"}});
  }
  return percent / 100;
}

uint64_t parse_seed(const std::string& text) {
  uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seed);
  if (error != std::errc() || rest != end) {
    throw Error(ErrorCode::kUsage, {.message = fmt::format("\"{}\" is not a seed.", text),
                                    .solution = {"Give the whole number that an earlier check printed."}});
  }
  return seed;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  for (const uint8_t byte : system::random_bytes(4)) seed = seed << 8 | byte;  // short enough to type
  return seed;
}

Error damage(const repository::CheckReport& report) {
  const auto& first = report.findings.front();
  if (report.index_is_wrong) {
    return Error(ErrorCode::kCorruptedBackup,
                 {.message = "The index of the repository is damaged or lacks something.",
                  .cause = fmt::format("{}: {}", first.object, first.problem),
                  .solution = {"See what rebuilding it from the packs brings back: dbbackup repair index",
                               "Then carry it out: dbbackup repair index --confirm",
                               "Do that before anything is forgotten: what seems lost now may be there."}});
  }
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
            "Checks structure: keys, every manifest, every reference, and every pack's length and directory. "
            "With --read-data it also reads every byte and compares it with its checksum; with --sample, a "
            "share "
            "of the frames, chosen at random, at least one of each pack. Findings are listed, the first of "
            "each object, with "
            "the "
            "backups and tables it hurts; the exit code is then 3. Nothing is changed.",
        .examples = {{"Structure, in seconds", "dbbackup check"},
                     {"Every byte", "dbbackup check --read-data"},
                     {"Every night another twentieth of the bytes", "dbbackup check --sample 5%"}},
        .connects = false};
  }
  OptionList options() override {
    return {.options = {{.names = "--read-data",
                         .value = "",
                         .description = "read every byte of every pack",
                         .target = &read_data_},
                        {.names = "--sample",
                         .value = "SHARE",
                         .description = "read this share of the frames, such as 5%",
                         .target = &sample_},
                        {.names = "--sample-seed",
                         .value = "NUMBER",
                         .description = "read the same ones as the check that printed it (random)",
                         .target = &sample_seed_}}};
  }
  Outcome run(Context& context) override {
    const repository::CheckOptions options = chosen();
    // Nothing is deleted while it looks, and then taken for missing.
    const auto presence =
        context.repository().announce({.operation = "check", .host = context.host()}, context.world().clock);
    const repository::CheckReport report =
        context.repository().check(options, context.events(), context.world().stop);
    warn_of_clock_ahead(context);
    Outcome outcome{.text = text_of(report, options, context.style()),
                    .json = check_document(report, options)};
    if (!report.findings.empty()) outcome.error = damage(report);
    return outcome;
  }

 private:
  repository::CheckOptions chosen() const {
    repository::CheckOptions options{.read_data = read_data_};
    if (!sample_ && !sample_seed_) return options;
    if (read_data_ || !sample_) {
      throw Error(ErrorCode::kUsage,
                  {.message = read_data_ ? "--read-data reads everything, so --sample has nothing to choose."
                                         : "--sample-seed needs --sample.",
                   .solution = {"Read a share: dbbackup check --sample 5%",
                                "Or every byte: dbbackup check --read-data"}});
    }
    options.sample = parse_share(*sample_);
    options.sample_seed = sample_seed_ ? parse_seed(*sample_seed_) : random_seed();
    return options;
  }

  bool read_data_ = false;
  std::optional<std::string> sample_;
  std::optional<std::string> sample_seed_;
};

}  // namespace

std::unique_ptr<Command> make_check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace dbb::cli
