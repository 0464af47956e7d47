#include "cli/restore_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/units.h"
#include "cli/restore_gaps.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

using logical::DatabaseAction;
using logical::Verdict;

std::string seconds_text(double seconds) {
  return format_duration(std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9)));
}

Cell verdict_cell(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return Cell("ok", Tone::kGood);
    case Verdict::kWarning:
      return Cell("warning", Tone::kWarning);
    case Verdict::kRefused:
      return Cell("refused", Tone::kBad);
  }
  return Cell("");
}

Cell verdict_cell(const logical::RestorePlan& plan, const logical::DatabaseOutcome& database) {
  if (failed_in_backup(plan, database.name)) return Cell("not in the backup", Tone::kBad);
  if (database.skipped) return Cell("skipped", Tone::kWarning);
  if (database.failure) return Cell("failed", Tone::kBad);
  if (!database.restored) return Cell(database.interrupted ? "stopped" : "not begun", Tone::kBad);
  if (!database.missing.empty() || !gaps_in_backup(plan, database.name).empty())
    return Cell("incomplete", Tone::kWarning);
  return database.proven ? Cell(database.restored_before ? "proven before" : "proven", Tone::kGood)
                         : Cell("restored, not proven", Tone::kWarning);
}

std::string where_it_failed(const logical::DatabaseFailure& failure) {
  std::string where = failure.phase;
  if (!failure.object.empty()) where += fmt::format("{}{}", where.empty() ? "" : ", ", failure.object);
  if (!failure.left_as.empty()) where += fmt::format("; what was built is there as \"{}\"", failure.left_as);
  return where;
}

std::string names_of(const logical::RestoreResult& result,
                     bool (*is_meant)(const logical::DatabaseOutcome&)) {
  std::string names;
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (is_meant(database)) names += fmt::format("{}{}", names.empty() ? "" : ", ", database.name);
  }
  return names;
}

// Whoever comes to a restore that did not come to its end reads here what there is and what to do.
std::string how_far_it_came(const logical::RestoreResult& result, const std::string& way_on,
                            const Style& style) {
  using Outcome = logical::DatabaseOutcome;
  const std::string open =
      names_of(result, [](const Outcome& one) { return !one.restored && !one.skipped && !one.failure; });
  const std::string failed =
      names_of(result, [](const Outcome& one) { return one.failure.has_value() && !one.restored; });
  if (open.empty() && failed.empty()) return "";
  const auto line = [&](std::string_view what, const std::string& names) {
    return names.empty() ? "" : fmt::format("{} {}\n", what, printable(names));
  };
  std::string out =
      "\n" + line("Restored:", names_of(result, [](const Outcome& one) { return one.restored; }));
  out += line("Failed:", failed);
  out += line("Not begun, or stopped:", open);
  if (!result.failures.empty()) out += fmt::format("Report of the failures: {}\n", result.failures.string());
  if (!way_on.empty()) out += fmt::format("To continue: {}\n", style.paint(Tone::kStrong, way_on));
  return out;
}

// The command only shows: others may be kept, of earlier restores, and what a backup lacks may be nowhere
// else.
std::string what_was_kept(const logical::RestoreResult& result) {
  std::string names;
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (database.kept_as.empty()) continue;
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", database.kept_as);
  }
  if (names.empty()) return "";
  return fmt::format("\nKept of what was replaced: {}\nSee all that are kept: dbbackup cleanup --kept\n",
                     printable(names));
}

// System databases that have contents of their own: easily taken for restored.
std::string what_was_left_alone(const logical::RestorePlan& plan, const logical::RestoreResult& result) {
  std::string names;
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (!database.skipped || failed_in_backup(plan, database.name)) continue;
    names += (names.empty() ? "" : ", ") + database.name;
  }
  return names.empty() ? "" : fmt::format("Left as they are, for the reasons above: {}\n", printable(names));
}

std::string what_happens(const logical::DatabasePlan& database) {
  if (!database.refusal.empty()) return "not restored: " + database.refusal;
  switch (database.action) {
    case DatabaseAction::kCreate:
      return "created";
    case DatabaseAction::kSwap:
      if (database.drop_first) return "replaces the old one, which is DROPPED FIRST (--in-place)";
      if (database.drop_old) return "replaces the old one, which is dropped after the proof";
      return fmt::format("replaces the old one, which is kept as \"{}\"", database.kept_name.value_or(""));
    case DatabaseAction::kFillSystem:
      return database.begun_by.empty()
                 ? "filled where it is"
                 : "emptied of what an earlier restore left unfinished, and filled where it is";
    case DatabaseAction::kSkip:
      return "skipped: " + database.reason;
  }
  return "";
}

std::string bullets(const std::string& heading, const std::vector<std::string>& lines, const Style& style) {
  if (lines.empty()) return "";
  std::string out = "\n" + style.paint(Tone::kStrong, heading) + "\n";
  for (const std::string& line : lines) out += "  " + indent_rest(printable(line), "    ") + "\n";
  return out;
}

std::vector<const logical::PreflightLine*> refused_lines(const logical::RestorePlan& plan) {
  std::vector<const logical::PreflightLine*> out;
  for (const auto& line : plan.preflight) {
    if (line.verdict == Verdict::kRefused) out.push_back(&line);
  }
  return out;
}

}  // namespace

std::string render_plan(const logical::RestorePlan& plan, size_t width, const Style& style) {
  std::string out = fmt::format("Backup {} of {}, {}{}\n\n", plan.manifest.id.text(),
                                plan.document.server_address, plan.manifest.started.iso(),
                                plan.manifest.complete ? "" : style.paint(Tone::kWarning, " (incomplete)"));

  Table checks({{"CHECK"}, {"VERDICT"}, {"FINDING", Align::kLeft, true}, {"REMEDY", Align::kLeft, true}});
  for (const auto& line : plan.preflight) {
    checks.add({Cell(line.check), verdict_cell(line.verdict), Cell(line.finding), Cell(line.remedy)});
  }
  out += checks.render(style, width);

  Table databases({{"DATABASE"},
                   {"FROM"},
                   {"TABLES", Align::kRight},
                   {"ROWS AS TEXT", Align::kRight},
                   {"SIZE", Align::kRight},
                   {"WHAT HAPPENS", Align::kLeft, true}});
  for (const auto& database : plan.databases) {
    const bool skipped = database.action == DatabaseAction::kSkip;
    databases.add({Cell(database.name), Cell(database.source == database.name ? "" : database.source),
                   Cell(format_count(database.tables)), Cell(format_bytes(database.row_bytes)),
                   Cell(format_bytes(database.size_bytes)),
                   Cell(what_happens(database), skipped ? Tone::kWarning : Tone::kPlain)});
  }
  out += "\n" + databases.render(style, width);
  out += bullets("Created first:", plan.globals_to_create, style);
  if (plan.options.globals == logical::Globals::kAlign) {
    out += bullets("Aligned with the backup after the last swap:", plan.globals_to_align, style);
  } else {
    out +=
        bullets("Left as it is on the target, but different in the backup:", plan.globals_that_differ, style);
  }
  out += fmt::format("\nProfile: {}.\nExpected: {}.\n", plan.profile, describe(plan.expected));
  out += fmt::format("\nWorkers: {}. Databases at once: {}. Proof: {}.{}\n", plan.workers,
                     plan.parallel_databases,
                     plan.options.proof ? "rows are read again and compared" : "left out (--no-proof)",
                     plan.with_owners ? "" : " Owners: everything will belong to the role that restores.");
  return out;
}

std::string render_result(const logical::RestorePlan& plan, const logical::RestoreResult& result,
                          const std::string& way_on, const Style& style) {
  Table table({{"DATABASE"},
               {"RESULT"},
               {"TABLES", Align::kRight},
               {"ROWS", Align::kRight},
               {"LARGE OBJECTS", Align::kRight},
               {"LOAD", Align::kRight},
               {"INDEXES", Align::kRight},
               {"PROOF", Align::kRight},
               {"SWAP", Align::kRight},
               {"OLD ONE KEPT AS"}});
  std::vector<std::string> remarks;
  size_t restored = 0;
  for (const auto& database : result.databases) {
    restored += database.restored ? 1 : 0;
    const Cell verdict = verdict_cell(plan, database);
    table.add({Cell(database.name), verdict, Cell(format_count(database.tables)),
               Cell(format_count(database.rows)),
               Cell(database.large_objects == 0 ? "" : format_count(database.large_objects)),
               Cell(seconds_text(database.load_seconds)), Cell(seconds_text(database.index_seconds)),
               Cell(seconds_text(database.proof_seconds)), Cell(seconds_text(database.swap_window_seconds)),
               Cell(database.kept_as)});
    if (database.failure) {
      remarks.push_back(fmt::format("{}: {} ({})", database.name, database.failure->one_line(),
                                    where_it_failed(*database.failure)));
    }
    for (const std::string& warning : database.warnings) {
      remarks.push_back(fmt::format("{}: {}", database.name, warning));
    }
  }
  std::string out = result.databases.empty() ? "" : table.render(style);
  for (const auto& database : plan.databases) {
    if (database.action == DatabaseAction::kSkip) {
      remarks.push_back(fmt::format("{}: skipped: {}", database.name, database.reason));
    }
  }
  out += bullets("Remarks:", remarks, style);
  out += bullets("The backup itself lacks:", all_gaps(plan, result), style);
  out += what_was_kept(result);
  out += how_far_it_came(result, way_on, style);
  out += fmt::format("\n{} of {} databases restored from {} in {}, of which proof {}.\n", restored,
                     result.databases.size(), plan.manifest.id.text(), seconds_text(result.seconds),
                     seconds_text(result.proof_seconds));
  return out + what_was_left_alone(plan, result);
}

Error refusal_of(const logical::RestorePlan& plan) {
  const auto refused = refused_lines(plan);
  std::string cause;
  std::vector<std::string> solution;
  for (const auto* line : refused) {
    cause += (cause.empty() ? "" : "\n") + fmt::format("{}: {}", line->check, line->finding);
    if (!line->remedy.empty()) solution.push_back(line->remedy);
  }
  solution.emplace_back("Run the command without --confirm to see the plan again.");

  const auto is = [](std::string_view check) {
    return [check](const auto* line) { return line->check == check; };
  };
  ErrorCode code = ErrorCode::kPreflightRefused;
  std::string message = "The checks before the restore speak against it. Nothing was changed.";
  if (std::ranges::any_of(refused, is("backup data"))) {
    // Damage is its own family: whatever else is refused, this is what somebody must know.
    code = ErrorCode::kCorruptedBackup;
    message = fmt::format("Backup {} is damaged. Nothing was changed.", plan.manifest.id.text());
  } else if (std::ranges::any_of(refused, is("version")) &&
             std::ranges::all_of(refused, [&](const auto* line) {
               // Client programs are chosen by the target's version: their line follows from it.
               return is("version")(line) || is("client programs")(line);
             })) {
    code = ErrorCode::kVersionDowngrade;
  }
  return Error(code,
               {.message = std::move(message), .cause = std::move(cause), .solution = std::move(solution)});
}

Error tell_where(Error error, const std::optional<std::string>& database,
                 const postgres::ConnectionTarget& target) {
  error.add_context("Database", database.value_or("every one of the backup"));
  error.add_context("Host", target.host_and_port());
  error.add_context("User", target.value("user"));
  return error;
}

}  // namespace dbb::cli
