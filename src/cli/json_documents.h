#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event.h"
#include "cli/doctor.h"
#include "logical/backup.h"
#include "logical/lock_calculation.h"
#include "logical/restore.h"
#include "logical/restore_table.h"
#include "repository/check.h"
#include "repository/repository.h"

// The JSON documents of `--json`, field by field as docs/json.md describes them. Each is one object, ended by
// a newline. Fields are only ever added.
namespace dbb::cli {

// What is printed in the end: `document` (empty: nothing came of the work) with the fields "warnings" and, if
// there is one, "error".
std::string finished_document(const std::string& document, const std::vector<Notice>& warnings,
                              const std::optional<Error>& error);

std::string version_document();
// `encryption`: "none", or the kind of its first key. `key_file`: one that was made.
std::string init_document(const std::filesystem::path& repository, const std::string& id,
                          const std::string& encryption,
                          const std::optional<std::filesystem::path>& key_file);
std::string list_document(const std::filesystem::path& repository, const repository::BackupList& list,
                          const std::vector<repository::Hold>& holds);
std::string show_document(const repository::Manifest& manifest);
std::string items_document(const repository::Manifest& manifest, const std::vector<repository::Item>& items);
std::string backup_document(const logical::BackupResult& result);
std::string plan_document(const logical::RestorePlan& plan);
// `plan` is what was executed, `result` as far as it came.
// `way_on`: the command that continues; "" when there is none.
std::string restore_document(const logical::RestorePlan& plan, const logical::RestoreResult& result,
                             const std::string& way_on);
std::string locks_document(const logical::LockCalculation& calculation);
// What is done by itself about too few locks: "none", "lowering parallelism", "forcing sequential restore".
std::string auto_action(const logical::LockBudget& budget);
std::string table_plan_document(const logical::TablePlan& plan);
std::string table_document(const logical::TablePlan& plan, const logical::TableResult& result);
std::string prune_plan_document(const repository::PrunePlan& plan);
std::string prune_document(const repository::PruneResult& result);
std::string forget_document(const repository::ForgetPlan& plan, bool executed);
std::string hold_document(const BackupId& backup, bool held, bool changed);
std::string repair_index_document(const repository::IndexRepairPlan& plan,
                                  const std::optional<repository::IndexRepairResult>& result);
std::string stats_document(const repository::RepositoryStats& stats);
std::string stats_document(const repository::BackupStats& backup, const repository::ContentStats& contents);
std::string check_document(const repository::CheckReport& report, const repository::CheckOptions& options);

struct CleanupItem {
  logical::Leftover leftover;
  bool removed = false;
  std::string kept_because = {};  // "its run is alive"
};
std::string cleanup_document(const std::vector<CleanupItem>& items, bool executed);
std::string doctor_document(const std::vector<Diagnosis>& diagnoses);

}  // namespace dbb::cli
