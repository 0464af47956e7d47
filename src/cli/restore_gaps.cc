#include "cli/restore_gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace dbb::cli {
namespace {

using logical::DatabasePlan;
using logical::DatabaseRecord;

const DatabasePlan* plan_of(const logical::RestorePlan& plan, std::string_view database) {
  const auto found = std::ranges::find(plan.databases, database, &DatabasePlan::name);
  return found == plan.databases.end() ? nullptr : &*found;
}

// "rows of table public.orders: ...", "value of sequence public.ids: ..."
bool names_a_relation(std::string_view gap) {
  return gap.starts_with("table ") || gap.starts_with("rows of table ") ||
         gap.starts_with("value of sequence ");
}

bool is_of_part(const std::string& gap, const logical::ChosenPart& part,
                const logical::Selection& selection) {
  if (!names_a_relation(gap)) return part.everything_else;
  const bool is_chosen = std::ranges::any_of(part.relations, [&](const logical::QualifiedName& relation) {
    return gap.find(fmt::format(" {}.{}:", relation.first, relation.second)) != std::string::npos;
  });
  // What could not be read at all is no relation of the backup: a pattern of schemas may have meant it.
  return is_chosen || selection.tables.empty();
}

}  // namespace

bool failed_in_backup(const logical::RestorePlan& plan, std::string_view database) {
  const DatabasePlan* mine = plan_of(plan, database);
  const DatabaseRecord* record = mine != nullptr ? plan.document.find(mine->source) : nullptr;
  return record != nullptr && record->state == logical::DatabaseState::kFailed;
}

std::vector<std::string> gaps_in_backup(const logical::RestorePlan& plan, std::string_view database) {
  const DatabasePlan* mine = plan_of(plan, database);
  const DatabaseRecord* record = mine != nullptr ? plan.document.find(mine->source) : nullptr;
  if (record == nullptr || record->state != logical::DatabaseState::kIncomplete) return {};
  std::vector<std::string> gaps = record->left_out;
  if (gaps.empty()) gaps.emplace_back("the backup does not say what");
  if (mine->part) {
    std::erase_if(
        gaps, [&](const std::string& gap) { return !is_of_part(gap, *mine->part, plan.options.selection); });
  }
  return gaps;
}

std::vector<std::string> all_gaps(const logical::RestorePlan& plan, const logical::RestoreResult& result) {
  static constexpr size_t kNamed = 5;  // of each database
  std::vector<std::string> lines;
  for (const logical::DatabaseOutcome& database : result.databases) {
    if (failed_in_backup(plan, database.name)) {
      lines.push_back(fmt::format("{}: nothing of it is in the backup", database.name));
    }
    if (!database.restored) continue;
    const std::vector<std::string> gaps = gaps_in_backup(plan, database.name);
    for (const std::string& gap : std::span(gaps).first(std::min(gaps.size(), kNamed))) {
      lines.push_back(fmt::format("{}: incomplete in the backup: {}", database.name, gap));
    }
    if (gaps.size() > kNamed) {
      lines.push_back(fmt::format("{}: and {} more: dbbackup show {}", database.name, gaps.size() - kNamed,
                                  plan.manifest.id.text()));
    }
  }
  return lines;
}

std::string_view status_of(const logical::RestorePlan& plan, const logical::RestoreResult& result) {
  bool any = false;
  bool all = true;
  for (const logical::DatabaseOutcome& database : result.databases) {
    const bool has_failed_before = failed_in_backup(plan, database.name);
    if (database.skipped && !has_failed_before) continue;
    any = any || database.restored;
    all = all && database.is_complete() && gaps_in_backup(plan, database.name).empty();
  }
  return all ? "complete" : any ? "partial" : "failed";
}

}  // namespace dbb::cli
