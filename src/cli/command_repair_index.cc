#include <fmt/format.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

using repository::IndexRepairPlan;
using repository::IndexRepairResult;

std::string plan_text(const IndexRepairPlan& plan, const Style& style) {
  if (!plan.needed) return style.paint(Tone::kGood, "[OK]") + " the index says what the packs say\n";
  std::string out = "Why the index has to be rebuilt:\n";
  for (const std::string& reason : plan.reasons) out += fmt::format("  {}\n", printable_line(reason));
  out += fmt::format("\nThe new index lists {} in {}.\n", counted(plan.frames, "frame"),
                     counted(plan.sound_packs, "pack"));
  for (const repository::BrokenPack& pack : plan.broken_packs) {
    out += fmt::format("{}: {} ({}) of it are copied into a new pack; {} can be read in it.\n",
                       printable_line(pack.object), counted(pack.wanted_offsets.size(), "frame"),
                       format_bytes(pack.wanted_bytes), counted(pack.whole_frames, "frame"));
  }
  if (plan.packs_left_out > 0) {
    out += fmt::format("{} that no backup needs and no index lists: left as they are.\n",
                       counted(plan.packs_left_out, "pack"));
  }
  for (const std::string& process : plan.at_work) {
    out += fmt::format(
        "{} At work: {}. A backup loses what it stored before the index was lost: let it end first.\n",
        style.paint(Tone::kWarning, "[WARN]"), printable_line(process));
  }
  return out + fmt::format("{} removed once the new ones are stored.\n",
                           counted(plan.old_indexes.size(), "index object"));
}

std::string losses_text(const IndexRepairPlan& plan, const Style& style) {
  std::string out;
  for (const auto& loss : plan.losses) {
    out += fmt::format("{} {}: {}\n", style.paint(Tone::kBad, "[LOST]"), printable_line(loss.object),
                       printable_line(loss.problem));
    for (const BackupId& id : loss.hurts) out += fmt::format("       hurts backup {}\n", id.text());
    for (const std::string& item : loss.hurt_items) out += fmt::format("       {}\n", printable_line(item));
  }
  return out.empty() ? out : "\n" + out;
}

Error something_is_lost(const IndexRepairPlan& plan) {
  const auto& first = plan.losses.front();
  return Error(ErrorCode::kCorruptedBackup,
               {.message = "Not everything that backups need is in the packs.",
                .cause = fmt::format("{}: {}", first.object, first.problem),
                .solution = {"Backups that are not named above are whole; restore from one of those.",
                             "Copy missing packs back from a copy of the repository, and run this again.",
                             "Make a new backup: what it finds missing it stores again."}});
}

class RepairIndexCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"repair", "index"},
        .operation = "Repair",
        .summary = "rebuild the index from the packs",
        .description =
            "Reads the directory of every pack and writes the index anew. Of a pack that was cut, or whose "
            "directory is damaged, every frame that is still whole and that a backup needs is copied into a "
            "new pack. What cannot be found again is listed, with the backups and tables it hurts; the exit "
            "code is then 3.\n\n"
            "Without --confirm nothing is changed. Run it while no backup is at work.",
        .examples = {{"See what would be done", "dbbackup repair index"},
                     {"Do it", "dbbackup repair index --confirm"}},
        .connects = false};
  }
  OptionList options() override {
    return {.options = {{.names = "--confirm",
                         .value = "",
                         .description = "do it; without it, the plan is only printed",
                         .target = &confirm_}}};
  }

  Outcome run(Context& context) override {
    repository::Repository& repository = context.repository();
    const IndexRepairPlan plan = repository.plan_index_repair(context.events(), context.world().stop);
    std::string text = plan_text(plan, context.style());
    std::optional<IndexRepairResult> result;
    if (confirm_) {
      result = repository.repair_index(plan, context.events(), context.world().stop);
      if (plan.needed) {
        text +=
            fmt::format("\n{} The index was rebuilt: {}, {}.\n", context.style().paint(Tone::kGood, "[OK]"),
                        counted(result->new_indexes, "index object"), counted(result->new_packs, "new pack"));
      }
    } else if (plan.needed) {
      text += "\nNothing was changed. To do it, run the same command with " +
              context.style().paint(Tone::kStrong, "--confirm") + ".\n";
    }
    text += losses_text(plan, context.style());
    Outcome outcome{.text = std::move(text), .json = repair_index_document(plan, result)};
    if (!plan.losses.empty()) outcome.error = something_is_lost(plan);
    return outcome;
  }

 private:
  bool confirm_ = false;
};

}  // namespace

std::unique_ptr<Command> make_repair_index_command() { return std::make_unique<RepairIndexCommand>(); }

}  // namespace dbb::cli
