#include "cli/lock_text.h"

#include <fmt/format.h>

#include "base/units.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

std::string number(int64_t value) {
  return value < 0 ? "-" + format_count(static_cast<uint64_t>(-value))
                   : format_count(static_cast<uint64_t>(value));
}

// What is left of `there` after `need`: "3,096 (75 %)".
std::string headroom(int64_t there, int64_t need) {
  const int64_t percent = there <= 0 ? 0 : (there - need) * 100 / there;
  return fmt::format("{} ({} %)", number(there - need), percent);
}

std::string_view sufficient(bool is) { return is ? "sufficient" : "insufficient"; }

std::string verdict_text(const logical::LockBudget& budget, const Style& style) {
  const std::string setting =
      fmt::format("max_locks_per_transaction = {} (it is {})", budget.setting_for_one, budget.setting);
  if (!budget.fits) {
    return style.paint(Tone::kBad, "refused") +
           fmt::format(": not even one worker fits. Set {} and restart the server.\n", setting);
  }
  if (budget.given == budget.asked) return style.paint(Tone::kGood, "sufficient") + ": nothing is lowered.\n";
  const std::string better = fmt::format("{} would need max_locks_per_transaction = {} (it is {}).",
                                         describe(budget.asked), budget.setting_for_all, budget.setting);
  const std::string what = budget.is_single_threaded() ? std::string(logical::kSingleThreaded)
                                                       : fmt::format("lowered to {}", describe(budget.given));
  return style.paint(Tone::kWarning, "insufficient") + fmt::format(": {}\n  {}\n", what, better);
}

}  // namespace

std::string render_locks(const logical::LockCalculation& calculation, size_t width, const Style& style) {
  const logical::LockBudget& budget = calculation.budget;
  const postgres::ServerFacts& server = calculation.server;
  Table table({{""}, {"LOCKS", Align::kRight}, {"HOW", Align::kLeft, true}});
  const auto row = [&](std::string_view label, const std::string& value, std::string how) {
    table.add({Cell(std::string(label)), Cell(value), Cell(std::move(how))});
  };
  row("needed by what was asked", number(budget.need_asked), describe(budget.asked));
  row("needed by what fits", number(budget.need), describe(budget.given));
  row("capacity as documented", number(budget.documented),
      fmt::format("max_locks_per_transaction {} x (max_connections {} + max_prepared_transactions {})",
                  budget.setting, server.max_connections, server.max_prepared_transactions));
  if (budget.available + budget.in_use != budget.documented) {
    row("capacity", number(budget.available + budget.in_use),
        "with the shares of autovacuum, background workers and WAL senders");
  }
  row("in use", number(budget.in_use), "");
  row("available", number(budget.available), "");
  row("headroom asked", headroom(budget.available, budget.need_asked),
      std::string(sufficient(budget.need_asked <= budget.available)));
  row("headroom", headroom(budget.available, budget.need), std::string(sufficient(budget.fits)));
  row("beside the plain setting", number(budget.setting),
      fmt::format("headroom {}: {} by the setting alone; the verdict rests on the capacity",
                  headroom(budget.setting, budget.need_asked),
                  sufficient(budget.need_asked <= budget.setting)));

  std::string out;
  if (!calculation.backup.empty()) {
    out += fmt::format("Locks of a restore of {} ({} database{}){}\n\n", calculation.backup,
                       calculation.databases, calculation.databases == 1 ? "" : "s",
                       calculation.address.empty() ? "" : " into " + calculation.address);
  }
  out += table.render(style, width);
  if (!budget.hungriest.empty()) {
    Table statements({{"HUNGRIEST STATEMENTS"}, {"LOCKS", Align::kRight}});
    for (const logical::StatementLocks& statement : budget.hungriest)
      statements.add({Cell(printable_line(statement.statement)), Cell(format_count(statement.locks))});
    out += "\n" + statements.render(style, width);
  }
  return out + "\nVerdict: " + verdict_text(budget, style);
}

}  // namespace dbb::cli
