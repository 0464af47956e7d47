#include <fmt/format.h>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/host_memory.h"
#include "cli/json_documents.h"
#include "cli/table.h"
#include "logical/standby.h"
#include "logical/table_leftovers.h"

namespace dbb::cli {
namespace {

constexpr std::string_view kReplayKind = "paused replay";

std::string text_of(const std::vector<CleanupItem>& items, bool executed, const Style& style) {
  if (items.empty()) return "Nothing is left over on this server.\n";
  Table table(
      {{"DATABASE"}, {"KIND"}, {"OF"}, {"SIZE", Align::kRight}, {executed ? "RESULT" : "WHAT HAPPENS"}});
  bool anything = false;
  for (const auto& item : items) {
    anything = anything || item.kept_because.empty();
    const std::string fate = item.kept_because.empty() ? (executed ? "removed" : "would be removed")
                                                       : "stays: " + item.kept_because;
    table.add({Cell(item.leftover.database), Cell(item.leftover.kind), Cell(item.leftover.original),
               Cell(format_bytes(item.leftover.size_bytes)), Cell(fate)});
  }
  std::string out = table.render(style);
  if (!executed && anything) {
    out += "\nNothing was changed. To remove them, run the same command with " +
           style.paint(Tone::kStrong, "--confirm") + ".\n";
  }
  return out;
}

CleanupItem item_of(const logical::PausedReplay& paused) {
  CleanupItem item{.leftover = {.kind = std::string(kReplayKind), .in_use = paused.in_use}};
  if (paused.run) item.leftover.run = paused.run->random_part();
  if (paused.in_use) {
    item.kept_because = "a backup that holds it is alive";
  } else if (!paused.run) {
    item.kept_because = "not known to be ours; to end it: SELECT pg_wal_replay_resume();";
  }
  return item;
}

class CleanupCommand final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"cleanup"},
            .operation = "Cleanup",
            .summary = "remove what earlier runs left on the server",
            .description =
                "Lists what dbbackup itself left on the server: staging databases of restores that were "
                "killed, the schema in which a `restore table` was building, the replay of a standby that a "
                "backup had paused, and, "
                "with --kept, old databases that restores kept under another name and what was built of "
                "databases "
                "that failed. With --confirm they are dropped. "
                "Databases are recognised by dbbackup's mark in their comment, never by name alone; "
                "one that was renamed since stays, as do those of "
                "a run "
                "that is still alive are left in peace.",
            .examples = {{"See what is left over", "dbbackup cleanup"},
                         {"Remove staging databases of dead runs", "dbbackup cleanup --confirm"},
                         {"Remove kept old databases too", "dbbackup cleanup --kept --confirm"}}};
  }
  OptionList options() override {
    return {.options = {
                {.names = "--kept",
                 .value = "",
                 .description = "also old databases that a restore kept, and failed ones (--on-failed-db)",
                 .target = &kept_},
                {.names = "--confirm",
                 .value = "",
                 .description = "remove them; without it, they are only listed",
                 .target = &confirm_},
            }};
  }

  Outcome run(Context& context) override {
    const logical::Operation& operation = context.operation();
    postgres::Connection session = operation.connect(logical::maintenance_database(operation), "cleanup");
    std::vector<CleanupItem> items;
    std::vector<logical::Leftover> leftovers = logical::find_leftovers(operation);
    for (logical::Leftover& leftover : logical::find_table_leftovers(operation))
      leftovers.push_back(std::move(leftover));
    for (logical::Leftover& leftover : leftovers) {
      CleanupItem item{.leftover = std::move(leftover)};
      if (item.leftover.in_use) {
        item.kept_because = "its run is alive";
      } else if (item.leftover.is_renamed) {
        item.kept_because = fmt::format(
            "renamed since, so it is somebody's; to have its comment as it was: COMMENT ON DATABASE {} IS "
            "{};",
            session.quote_identifier(item.leftover.database),
            item.leftover.original_comment.empty() ? "NULL"
                                                   : session.quote_literal(item.leftover.original_comment));
      } else if (item.leftover.kind != "staging" && item.leftover.kind != "schema" && !kept_) {
        item.kept_because = "only with --kept";
      }
      items.push_back(std::move(item));
    }
    const std::filesystem::path state = state_directory(context.world().environment);
    if (const auto paused = logical::find_paused_replay(session, operation, state)) {
      items.push_back(item_of(*paused));
    }
    std::optional<Error> failure;
    for (CleanupItem& item : items) {
      if (!confirm_ || !item.kept_because.empty()) continue;
      try {
        if (item.leftover.kind == "schema") {
          logical::remove_table_leftover(item.leftover, operation);
        } else if (item.leftover.kind == kReplayKind) {
          logical::resume_replay(session, operation, state);
        } else {
          logical::remove_leftover(item.leftover, operation);
        }
        item.removed = true;
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) throw;
        // The others are tried all the same; the first failure is the one that is reported.
        item.kept_because = error.message();
        if (!failure) failure = error;
      }
    }
    return {.text = text_of(items, confirm_, context.style()),
            .json = cleanup_document(items, confirm_),
            .error = std::move(failure)};
  }

 private:
  bool kept_ = false;
  bool confirm_ = false;
};

}  // namespace

std::unique_ptr<Command> make_cleanup_command() { return std::make_unique<CleanupCommand>(); }

}  // namespace dbb::cli
