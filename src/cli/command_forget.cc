#include <fmt/format.h>

#include <algorithm>

#include "cli/clock_warning.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

std::string text_of(const repository::ForgetPlan& plan, bool executed, const Style& style) {
  Table table({{"BACKUP"}, {"OF"}, {executed ? "RESULT" : "WHAT HAPPENS"}, {"WHY"}});
  for (const auto& entry : plan.entries) {
    const std::string fate = entry.forget ? (executed ? "forgotten" : "would be forgotten") : "stays";
    table.add({Cell(entry.id.text()), Cell(entry.group),
               Cell(fate, entry.forget ? Tone::kWarning : Tone::kPlain), Cell(entry.reason)});
  }
  std::string out = table.render(style);
  if (plan.to_forget().empty()) return out + "\nThere is nothing to forget.\n";
  if (!executed) {
    return out + "\nNothing was changed. To forget them, run the same command with " +
           style.paint(Tone::kStrong, "--confirm") + ".\n";
  }
  return out + "\nTheir data is still there. To free the space: dbbackup prune\n";
}

class ForgetCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {
        .path = {"forget"},
        .operation = "Forget",
        .summary = "remove backups from the repository",
        .description =
            "Removes backups, those that are named and those that --keep-last does not keep. What only they "
            "need is "
            "deleted by `dbbackup prune`. Prints what it would do; with --confirm it does it, and a "
            "forgotten backup "
            "cannot be brought back.\n\n"
            "Backups of the same source, kind and database are a group. The newest complete one of each "
            "group is "
            "never forgotten, unless --last-too says so; nor is one that is held (`dbbackup hold`). One that "
            "was made while a clock was ahead by more than an hour goes only by name, and counts as none.",
        .examples = {{"See what would be forgotten", "dbbackup forget --keep-last 7"},
                     {"Keep seven backups of everything", "dbbackup forget --keep-last 7 --confirm"},
                     {"Forget two backups", "dbbackup forget 20261120T201502Z 20261119T201502Z --confirm"}},
        .connects = false};
  }
  OptionList options() override {
    return {.arguments = {{.name = "BACKUP",
                           .description = "backups to forget: ids, or unique beginnings of them",
                           .target = nullptr,
                           .required = false,
                           .targets = &backups_}},
            .options = {{.names = "--keep-last",
                         .value = "N",
                         .description = "forget all but the newest N complete backups of each group",
                         .target = &keep_last_,
                         .range = {1, 1'000'000}},
                        {.names = "--last-too",
                         .value = "",
                         .description = "also the newest complete backup of a group",
                         .target = &last_too_},
                        {.names = "--confirm",
                         .value = "",
                         .description = "forget them; without it, they are only listed",
                         .target = &confirm_}}};
  }
  Outcome run(Context& context) override {
    if (backups_.empty() && !keep_last_) {
      throw Error(ErrorCode::kUsage, {.message = "forget needs a BACKUP or --keep-last N.",
                                      .solution = {"See what there is: dbbackup list",
                                                   "Keep the last seven: dbbackup forget --keep-last 7"}});
    }
    repository::Repository& repository = context.repository();
    repository::ForgetOptions options = {
        .last_too = last_too_, .by = context.user_and_host(), .now = context.world().clock.now()};
    for (const std::string& typed : backups_)
      options.backups.push_back(repository.resolve(typed, options.now));
    if (keep_last_) options.keep_last = static_cast<uint32_t>(*keep_last_);
    const repository::ForgetPlan plan = repository.plan_forget(options);
    std::vector<BackupId> staying;
    for (const auto& entry : plan.entries) {
      if (!entry.forget) staying.push_back(entry.id);
    }
    warn_of_clock_ahead(context, staying);
    if (confirm_) {
      // The oldest first: whatever ends this half-way, the newer ones are still there.
      std::vector<BackupId> ids = plan.to_forget();
      std::ranges::sort(ids);
      for (const BackupId& id : ids) {
        if (context.world().stop.stop_requested()) throw cancelled();
        repository.forget(id, options.by, context.world().clock);
      }
    }
    return {.text = text_of(plan, confirm_, context.style()), .json = forget_document(plan, confirm_)};
  }

 private:
  std::vector<std::string> backups_;
  std::optional<int> keep_last_;
  bool last_too_ = false;
  bool confirm_ = false;
};

}  // namespace

std::unique_ptr<Command> make_forget_command() { return std::make_unique<ForgetCommand>(); }

}  // namespace dbb::cli
