// The documents of restores: plans, results, locks.

#include "cli/json_documents.h"
#include "cli/json_text.h"
#include "cli/restore_gaps.h"

namespace dbb::cli {
namespace {

std::string_view name_of(logical::Verdict verdict) {
  switch (verdict) {
    case logical::Verdict::kOk:
      return "ok";
    case logical::Verdict::kWarning:
      return "warning";
    case logical::Verdict::kRefused:
      return "refused";
  }
  return "";
}

// Of what the plan was to restore.
Json failure_json(const logical::DatabaseFailure& failure) {
  return {{"code", failure.code},
          {"phase", failure.phase},
          {"object", failure.object},
          {"statement", failure.statement},
          {"sqlstate", failure.sqlstate},
          {"message", failure.message},
          {"cause", failure.cause},
          {"hint", failure.solution},
          {"attempts", failure.attempts},
          {"tables_loaded", failure.tables_loaded},
          {"left_as", or_null(failure.left_as)}};
}

std::string_view name_of(logical::DatabaseAction action) {
  switch (action) {
    case logical::DatabaseAction::kCreate:
      return "create";
    case logical::DatabaseAction::kSwap:
      return "swap";
    case logical::DatabaseAction::kFillSystem:
      return "fill-system";
    case logical::DatabaseAction::kSkip:
      return "skip";
  }
  return "";
}

Json locks_json(const logical::LockBudget& locks) {
  Json hungriest = Json::array();
  for (const logical::StatementLocks& statement : locks.hungriest)
    hungriest.push_back({{"statement", statement.statement}, {"locks", statement.locks}});
  return {{"current_locks", locks.setting},
          {"optimal_locks", locks.setting_for_all},
          {"minimal_locks", locks.setting_for_one},
          {"recommended_lock_boost", locks.setting_for_all > locks.setting ? locks.setting_for_all : 0},
          {"auto_action", auto_action(locks)},
          {"strategy", locks.is_single_threaded() ? "conservative" : "parallel"},
          {"sufficient", locks.need_asked <= locks.available},
          {"fits", locks.fits},
          {"workers_asked", locks.asked.total()},
          {"jobs_asked", locks.asked.workers},
          {"parallel_databases_asked", locks.asked.parallel},
          {"workers", locks.given.total()},
          {"jobs", locks.given.workers},
          {"parallel_databases", locks.given.parallel},
          {"need_asked", locks.need_asked},
          {"need", locks.need},
          {"capacity_documented", locks.documented},
          {"capacity", locks.available + locks.in_use},
          {"in_use", locks.in_use},
          {"available", locks.available},
          {"headroom", locks.headroom()},
          {"headroom_percent", locks.headroom_percent()},
          {"hungriest", std::move(hungriest)}};
}

Json plan_json(const logical::RestorePlan& plan) {
  Json out{{"backup", plan.manifest.id.text()}, {"backup_complete", plan.manifest.complete},
           {"refused", plan.refused()},         {"workers", plan.workers},
           {"proof", plan.options.proof},       {"with_owners", plan.with_owners}};
  const logical::Selection& selection = plan.options.selection;
  out["selection"] = selection.is_everything() ? Json(nullptr) : Json(selection.text());
  out["parallel_databases"] = plan.parallel_databases;
  out["profile"] = name_of(plan.options.profile);
  out["profile_numbers"] = plan.profile;
  out["maintenance_work_mem_mib"] =
      plan.maintenance_memory_mib ? Json(*plan.maintenance_memory_mib) : Json(nullptr);
  out["expected_seconds"] = plan.expected.seconds;
  out["expected_bytes_per_second"] = plan.expected.bytes_per_second;
  out["expected_assumption"] = plan.expected.assumption;
  out["locks"] = locks_json(plan.locks);
  out["preflight"] = Json::array();
  for (const auto& line : plan.preflight) {
    out["preflight"].push_back({{"check", line.check},
                                {"verdict", name_of(line.verdict)},
                                {"finding", line.finding},
                                {"remedy", line.remedy}});
  }
  out["databases"] = Json::array();
  for (const auto& database : plan.databases) {
    out["databases"].push_back({{"source", database.source},
                                {"name", database.name},
                                {"action", name_of(database.action)},
                                {"reason", database.reason},
                                {"refusal", or_null(database.refusal)},
                                {"kept_name", database.kept_name ? Json(*database.kept_name) : Json(nullptr)},
                                {"drop_old", database.drop_old},
                                {"drop_first", database.drop_first},
                                {"restored_before", database.restored_before},
                                {"begun_by", or_null(database.begun_by)},
                                {"carry_statistics", database.carry_statistics},
                                {"tables", database.tables},
                                {"row_bytes", database.row_bytes},
                                {"size_bytes", database.size_bytes}});
  }
  out["globals_to_create"] = plan.globals_to_create;
  out["globals_that_differ"] = plan.globals_that_differ;
  out["globals_to_align"] = plan.globals_to_align;
  return out;
}

Json table_plan_json(const logical::TablePlan& plan) {
  const logical::RestoreTableOptions& options = plan.options;
  Json tables = Json::array();
  for (const auto& [schema, name] : plan.tables) tables.push_back({{"schema", schema}, {"table", name}});
  return {{"backup", options.backup.text()},
          {"backup_complete", plan.backup_complete},
          {"database", options.database},
          {"schema", options.table.first},
          {"table", options.table.second},
          {"into", options.into},
          {"as_schema", options.as.first},
          {"as_table", options.as.second},
          {"exists", plan.exists},
          {"kept_name", or_null(plan.kept_name)},
          {"still_refer", plan.still_refer},
          {"tables", tables},
          {"rows", plan.rows},
          {"row_bytes", plan.row_bytes},
          {"entries", plan.entries},
          {"left_behind", plan.left_behind},
          {"publications", plan.publications}};
}

}  // namespace

std::string plan_document(const logical::RestorePlan& plan) {
  Json out{{"executed", false}};
  out.update(plan_json(plan));
  return text_of(out);
}

std::string restore_document(const logical::RestorePlan& plan, const logical::RestoreResult& result,
                             const std::string& way_on) {
  Json out{{"executed", true},
           {"backup", plan.manifest.id.text()},
           {"backup_complete", plan.manifest.complete},
           {"status", status_of(plan, result)},
           {"seconds", result.seconds},
           {"proof_seconds", result.proof_seconds},
           {"globals_aligned", result.globals_aligned}};
  out["databases"] = Json::array();
  for (const auto& database : result.databases) {
    const std::vector<std::string> gaps = gaps_in_backup(plan, database.name);
    out["databases"].push_back(
        {{"name", database.name},
         {"restored", database.restored},
         {"complete", database.is_complete() && gaps.empty()},
         {"skipped", database.skipped},
         {"proven", database.proven},
         {"interrupted", database.interrupted},
         {"restored_before", database.restored_before},
         {"error", database.failure ? Json(database.failure->one_line()) : Json(nullptr)},
         {"failure", database.failure ? failure_json(*database.failure) : Json(nullptr)},
         {"kept_as", or_null(database.kept_as)},
         {"tables", database.tables},
         {"rows", database.rows},
         {"row_bytes", database.row_bytes},
         {"large_objects", database.large_objects},
         {"seconds", database.seconds},
         {"load_seconds", database.load_seconds},
         {"index_seconds", database.index_seconds},
         {"proof_seconds", database.proof_seconds},
         {"swap_window_seconds", database.swap_window_seconds},
         {"missing", database.missing},
         {"missing_in_backup", gaps},
         {"failed_in_backup", failed_in_backup(plan, database.name)},
         {"other_rows_in_old", database.newer},
         {"warnings", database.warnings}});
  }
  out["manifest"] = or_null(result.manifest.string());
  out["failure_report"] = or_null(result.failures.string());
  out["continue_with"] = or_null(way_on);
  out["plan"] = plan_json(plan);
  return text_of(out);
}

std::string auto_action(const logical::LockBudget& budget) {
  if (budget.given == budget.asked) return "none";
  return budget.is_single_threaded() ? "forcing sequential restore" : "lowering parallelism";
}

std::string locks_document(const logical::LockCalculation& calculation) {
  Json out = locks_json(calculation.budget);
  out["backup"] = or_null(calculation.backup);
  out["server"] = or_null(calculation.address);
  out["max_connections"] = calculation.server.max_connections;
  out["max_prepared_transactions"] = calculation.server.max_prepared_transactions;
  return text_of(out);
}

std::string table_plan_document(const logical::TablePlan& plan) {
  Json out{{"executed", false}};
  out.update(table_plan_json(plan));
  return text_of(out);
}

std::string table_document(const logical::TablePlan& plan, const logical::TableResult& result) {
  return text_of({{"executed", true},
                  {"rows", result.rows},
                  {"row_bytes", result.row_bytes},
                  {"proven", result.proven},
                  {"kept_as", or_null(result.kept_as)},
                  {"seconds", result.seconds},
                  {"not_restored", result.warnings},
                  {"plan", table_plan_json(plan)}});
}

}  // namespace dbb::cli
