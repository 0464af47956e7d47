#include "logical/plan_databases.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "logical/names.h"
#include "logical/restore_manifest.h"

namespace dbb::logical {
namespace {

std::string list_names(const Document& document) {
  std::string names;
  for (const DatabaseRecord& record : document.databases) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", record.name());
  }
  return names;
}

const DatabaseRecord& wanted_record(const Document& document, const RestoreOptions& options) {
  const DatabaseRecord* record = document.find(*options.database);
  if (record != nullptr) return *record;
  throw Error(ErrorCode::kDatabaseNotFound,
              {.message = fmt::format("Backup {} holds no database \"{}\".", options.backup.text(),
                                      *options.database),
               .cause = fmt::format("It holds: {}.", list_names(document)),
               .solution = {"Name one of these.", "Or look into other backups: dbbackup list"}});
}

void refuse_system_name(const std::string& name) {
  throw Error(ErrorCode::kNameIllegal,
              {.message = fmt::format("\"{}\" cannot be replaced by another database.", name),
               .cause = "System databases are never dropped or renamed.",
               .solution = {"Choose another name after --as."}});
}

void refuse_taken_name(const std::string& name) {
  throw Error(ErrorCode::kTargetExists,
              {.message = fmt::format("A database \"{}\" exists on the target.", name),
               .cause = "--as builds a new database and never touches one that is there.",
               .solution = {"Choose another name after --as.",
                            "Or add --replace, to have it replaced when the restored one is complete."}});
}

std::string unused_kept_name(const std::string& database, UtcTime now, const NamesOnTarget& target,
                             std::set<std::string>& taken) {
  static constexpr int64_t kSecond = 1'000'000;
  while (true) {
    const std::string name = kept_name(database, now);
    if (!target.names.contains(name) && taken.insert(name).second) return name;
    now = UtcTime(now.microseconds() + kSecond);
  }
}

}  // namespace

bool is_system_database(std::string_view name) { return name == "postgres" || name == "template1"; }

std::vector<DatabasePlan> plan_databases(const Document& document, const RestoreOptions& options,
                                         const NamesOnTarget& target, const BackupId& run, UtcTime now) {
  std::vector<const DatabaseRecord*> records;
  if (options.database) {
    records.push_back(&wanted_record(document, options));
  } else {
    for (const DatabaseRecord& record : document.databases) records.push_back(&record);
  }
  const auto last = [](const DatabaseRecord* record) { return is_system_database(record->name()); };
  std::ranges::stable_partition(records, [&](const DatabaseRecord* record) { return !last(record); });

  std::set<std::string> taken;
  std::vector<DatabasePlan> plans;
  for (const DatabaseRecord* record : records) {
    DatabasePlan plan{.source = record->name(), .name = options.as.value_or(record->name())};
    if (options.as) {
      check_database_name(plan.name);
      if (is_system_database(plan.name)) refuse_system_name(plan.name);
      if (target.names.contains(plan.name) && !options.replace) refuse_taken_name(plan.name);
    }
    plan.row_bytes = record->row_bytes;
    plan.size_bytes = record->properties.size_bytes;
    plan.tables = record->tables;
    const auto there = target.names.find(plan.name);
    const bool exists = there != target.names.end();
    if (record->state == DatabaseState::kFailed) {
      plan.action = DatabaseAction::kSkip;
      plan.reason = fmt::format("it failed in the backup: {}", record->error);
    } else if (is_system_database(plan.name) && exists) {
      plan.action = DatabaseAction::kFillSystem;
    } else {
      plan.action = exists ? DatabaseAction::kSwap : DatabaseAction::kCreate;
      plan.staging_name = staging_name(run, static_cast<int>(plans.size()) + 1);
    }
    if (plan.action == DatabaseAction::kSwap) {
      plan.old = there->second;
      plan.is_stranger = target.strangers.contains(plan.name);
      plan.drop_first = options.in_place && !plan.is_stranger;
      if (!plan.drop_first) plan.kept_name = unused_kept_name(plan.name, now, target, taken);
      // What the backup lacks, the old one may have.
      const bool may_be_dropped =
          options.old == OldDatabase::kDefault && options.proof && record->state == DatabaseState::kComplete;
      plan.drop_old =
          plan.drop_first || (!plan.is_stranger && (options.old == OldDatabase::kDrop || may_be_dropped));
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

void settle_earlier_attempt(DatabasePlan& plan, const ManifestDatabase& earlier, postgres::Oid there,
                            OldDatabase old) {
  const bool has_its_name = earlier.oid.value != 0 && earlier.oid == there;
  if (!has_its_name && (!earlier.outcome.restored || there.value == 0)) return;
  plan.action = DatabaseAction::kSkip;
  if (!has_its_name && earlier.oid.value != 0) {
    plan.reason = "an earlier attempt restored it, and somebody has put another database in its place since";
    return;
  }
  plan.reason = "restored by an earlier attempt";
  plan.restored_before = true;
  plan.old = earlier.old;
  plan.kept_name = earlier.kept_name.empty() ? std::nullopt : std::optional(earlier.kept_name);
  plan.drop_old = old == OldDatabase::kDrop || (old == OldDatabase::kDefault && earlier.drop_old);
  plan.drop_first = false;
}

void settle_system_database(DatabasePlan& plan, bool is_empty_on_target, const RestoreOptions& options) {
  if (is_empty_on_target || options.system_databases == SystemDatabases::kMerge) return;
  plan.action = DatabaseAction::kSkip;
  plan.reason = "a system database is never dropped, and this one has contents of its own on the target";
}

}  // namespace dbb::logical
