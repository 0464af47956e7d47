#include <fmt/format.h>

#include "base/error.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

std::string line(std::string_view what, const repository::PackAmount& amount, std::string_view fate) {
  if (amount.packs == 0) return {};
  return fmt::format("  {:<34} {:>12} {:>10}   {}\n", what, counted(amount.packs, "pack"),
                     format_bytes(amount.bytes), fate);
}

std::string waiting(const std::vector<std::string>& waits_for) {
  std::string out;
  for (const std::string& session : waits_for)
    out += fmt::format("  waits for: {}\n", printable_line(session));
  return out;
}

std::string text_of(const repository::PrunePlan& plan, const Style& style) {
  std::string out = fmt::format("{} in the repository, {} in {}; {} of it needed.\n\n",
                                counted(plan.backups, "backup"), format_bytes(plan.all.bytes),
                                counted(plan.all.packs, "pack"), format_bytes(plan.needed_bytes));
  if (plan.nothing_to_do()) return out + "There is nothing to delete.\n";
  out += line("needed by no backup", plan.dead, "will be deleted");
  out += line("left by backups that were killed", plan.orphans, "will be deleted");
  out += line(
      "needed in part", plan.rewrite,
      fmt::format("will be written anew ({} needed), then deleted", format_bytes(plan.rewrite_needed_bytes)));
  out += line("condemned by an earlier prune", plan.condemned, "will be deleted");
  out += fmt::format("\nThat frees about {}.\n", format_bytes(plan.bytes_to_free()));
  if (!plan.waits_for.empty()) {
    out += "\nDeleting waits until those who are at work now have ended; another prune then does it.\n" +
           waiting(plan.waits_for);
  }
  return out + "\nNothing was changed. To carry this out, run the same command with " +
         style.paint(Tone::kStrong, "--confirm") + ".\n";
}

std::string text_of(const repository::PruneResult& result, const Style& style) {
  std::string out = fmt::format(
      "{} {} freed: {} deleted ({}), {} written ({})\n", style.paint(Tone::kGood, "[OK]"),
      result.freed_bytes() < 0 ? "nothing yet" : format_bytes(static_cast<uint64_t>(result.freed_bytes())),
      counted(result.deleted.packs, "pack"), format_bytes(result.deleted.bytes),
      counted(result.written.packs, "pack"), format_bytes(result.written.bytes));
  if (result.condemned.packs > 0) {
    out += fmt::format("\n{} ({}) are to be deleted by a later prune, when nobody can need them any more.\n",
                       counted(result.condemned.packs, "pack"), format_bytes(result.condemned.bytes)) +
           waiting(result.waits_for);
  }
  if (result.damaged.packs > 0) {
    out += fmt::format(
        "\n{} {} ({}) are needed in part and damaged: they were left alone. See what that hurts: dbbackup "
        "check --read-data\n",
        style.paint(Tone::kWarning, "[WARN]"), counted(result.damaged.packs, "pack"),
        format_bytes(result.damaged.bytes));
  }
  return out;
}

class PruneCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"prune"},
            .operation = "Prune",
            .summary = "delete what no backup needs any more",
            .description =
                "Finds what no backup in the repository needs: data of forgotten backups, and what backups "
                "that were "
                "killed left. Packs that are needed in part are written anew without the rest. Prints what "
                "it would do; "
                "with --confirm it does it.\n\n"
                "Other processes, also on other hosts, may go on backing up and restoring meanwhile. If some "
                "are at "
                "work, deleting waits: this run marks what is to go, and a later prune deletes it once they "
                "have ended, "
                "or have shown no sign of life for the repository's grace (a day, unless `init --grace` said "
                "otherwise).",
            .examples = {{"See what would be deleted", "dbbackup prune"},
                         {"Free the space of forgotten backups", "dbbackup prune --confirm"},
                         {"Let at most 1 % of what is needed be waste",
                          "dbbackup prune --max-waste 1 --confirm"}},
            .connects = false};
  }
  OptionList options() override {
    return {.options = {{.names = "--confirm",
                         .value = "",
                         .description = "carry the plan out; without it, it is only printed",
                         .target = &confirm_},
                        {.names = "--max-waste",
                         .value = "PERCENT",
                         .description = "how much of what is needed may be wasted in half-needed packs (5)",
                         .target = &max_waste_,
                         .range = {0, 100}}}};
  }
  Outcome run(Context& context) override {
    const repository::PruneOptions options = {.host = context.host(),
                                              .max_wasted = max_waste_.value_or(5) / 100.0};
    const World& world = context.world();
    repository::Repository& repository = context.repository();
    if (!confirm_) {
      const auto plan = repository.plan_prune(options, world.clock, context.events(), world.stop);
      return {.text = text_of(plan, context.style()), .json = prune_plan_document(plan)};
    }
    try {
      const auto result = repository.prune(options, world.clock, context.events(), world.stop);
      return {.text = text_of(result, context.style()), .json = prune_document(result)};
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kDiskFull) throw no_room_to_begin(error);
      throw;
    }
  }

 private:
  // Whoever prunes because the disk is full must hear how little it takes.
  static Error no_room_to_begin(const Error& error) {
    return Error(ErrorCode::kDiskFull,
                 {.message = error.message(),
                  .cause = error.cause(),
                  .solution = {"Some kB are enough to begin, and every pack that is deleted gives more. Move "
                               "any other file off that disk for the time being: df -h; df -i",
                               "Where packs are written anew, more is needed for a while: --max-waste 100 "
                               "leaves them as they are.",
                               "Then run it again: dbbackup prune --confirm"}});
  }

  bool confirm_ = false;
  std::optional<int> max_waste_;
};

}  // namespace

std::unique_ptr<Command> make_prune_command() { return std::make_unique<PruneCommand>(); }

}  // namespace dbb::cli
