#include "logical/preflight_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "logical/fill_mark.h"
#include "logical/source.h"
#include "logical/timescale.h"

namespace dbb::logical {
namespace {

// Its script refuses every database but the one that cron.database_name names.
constexpr std::string_view kCronExtension = "pg_cron";

std::string old_and_new(const DatabasePlan& plan) {
  switch (plan.action) {
    case DatabaseAction::kCreate:
      return fmt::format("\"{}\" is created", plan.name);
    case DatabaseAction::kSwap:
      if (plan.drop_first) {
        return fmt::format("\"{}\" is DROPPED FIRST: if the restore fails, it is gone", plan.name);
      }
      if (plan.is_stranger) {
        return fmt::format(
            "\"{}\" was not there when this restore began; it gives way when the new one is complete, and is "
            "kept "
            "as \"{}\"",
            plan.name, plan.kept_name.value_or(""));
      }
      return fmt::format(
          "\"{}\" is replaced when the new one is complete; the old one is {}", plan.name,
          plan.drop_old ? "dropped then" : fmt::format("kept as \"{}\"", plan.kept_name.value_or("")));
    case DatabaseAction::kFillSystem:
      return fmt::format("Skipping create for system database (assume exists): \"{}\" is filled", plan.name);
    case DatabaseAction::kSkip:
      break;
  }
  return fmt::format("\"{}\" is skipped: {}", plan.name, plan.reason);
}

// A system database that an earlier restore left half filled.
PreflightLine begun_line(const DatabasePlan& plan) {
  const std::string name = fmt::format("\"{}\"", plan.name);
  PreflightLine line{Verdict::kWarning, fmt::format("begun: {}", plan.name),
                     fmt::format("restore {} began to fill {} and did not finish", plan.begun_by, name),
                     "What it put there is removed first: all of it is in the backup it came from."};
  if (plan.in_doubt.empty()) return line;
  line.verdict = Verdict::kRefused;
  line.only = {plan.source};
  line.finding += fmt::format("; more may be there than it put there: {}", plan.in_doubt);
  line.remedy = fmt::format(
      "If what is there is to stay: ALTER DATABASE {} RESET {}; it is then left alone. If not: save what you "
      "need, make it anew (from another database: DROP DATABASE {}; CREATE DATABASE {} TEMPLATE template0; "
      "template1 has to be ALTER DATABASE template1 IS_TEMPLATE false first), and restore again.",
      name, kFillSetting, name, name);
  return line;
}

void judge_bindings(const PreflightInput& in, const DatabasePlan& plan, const postgres::Bindings& bindings,
                    std::vector<PreflightLine>& lines) {
  const std::string check = fmt::format("database: {}", plan.name);
  if (bindings.prepared_transactions > 0) {
    lines.push_back(
        {Verdict::kRefused,
         check,
         fmt::format("{} prepared transaction{} in it cannot be carried over and block the swap",
                     bindings.prepared_transactions, bindings.prepared_transactions == 1 ? "" : "s"),
         "COMMIT PREPARED or ROLLBACK PREPARED them; see pg_prepared_xacts.",
         {plan.source}});
  }
  std::vector<std::string> bound;
  for (const std::string& name : bindings.subscriptions) bound.push_back("subscription " + name);
  for (const std::string& name : bindings.logical_slots) bound.push_back("logical slot " + name);
  if (bound.empty()) return;
  if (plan.drop_old && !in.options.drop_slots) {
    lines.push_back({Verdict::kRefused,
                     check,
                     fmt::format("would be dropped with it: {}", join_names(bound)),
                     "Keep the old database with --old keep, or add --drop-slots.",
                     {plan.source}});
  } else {
    lines.push_back(
        {Verdict::kWarning, check, fmt::format("bound to the old database: {}", join_names(bound)),
         plan.drop_old ? "They are dropped with it."
                       : "They stay with the old database under its new name; subscriptions in it are "
                         "disabled."});
  }
}

// The old one may be the only one that has what the backup lacks.
void judge_drop_first(const PreflightInput& in, const DatabasePlan& plan, std::vector<PreflightLine>& lines) {
  const DatabaseRecord* record = in.document.find(plan.source);
  if (!plan.drop_first || in.options.old == OldDatabase::kDrop || record == nullptr) return;
  const bool is_foreign = is_of_another_system(in.document, in.facts.server);
  const auto cannot = in.facts.cannot_give.find(plan.source);
  const bool gives_all = cannot == in.facts.cannot_give.end() || cannot->second.nothing();
  if (!is_foreign && gives_all && record->state == DatabaseState::kComplete) return;
  lines.push_back(
      {Verdict::kRefused,
       fmt::format("database: {}", plan.name),
       fmt::format("--in-place would drop it first, and {}",
                   is_foreign   ? "the backup is that of another server"
                   : !gives_all ? fmt::format("{} cannot give back all of it", in.facts.server.role)
                                : "it is incomplete in the backup"),
       "Restore without --in-place, which keeps it; or say so with --old drop.",
       {plan.source}});
}

}  // namespace

std::string join_names(std::span<const std::string> names) {
  static constexpr size_t kShown = 10;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

void judge_extensions(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  std::vector<std::string> bound_to_name;
  std::vector<std::string> missing;
  std::vector<std::string> other_version;
  std::map<std::string, std::set<std::string>> needed_broken;  // the databases that need it
  std::vector<std::string> not_ours;
  std::map<const void*, std::set<std::string>> only;  // by the list it stands in: databases
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord& record) {
    for (const postgres::ExtensionNeed& need : record.extensions) {
      if (need.name == kCronExtension && plan.action != DatabaseAction::kFillSystem) {
        bound_to_name.push_back(fmt::format("{} (for {})", need.name, plan.source));
        only[&bound_to_name].insert(plan.source);
      }
      const bool takes_superuser =
          !in.facts.server.is_superuser && in.facts.superuser_extensions.contains(need.name);
      // What template0 has is there already.
      if (takes_superuser && need.name != "plpgsql") {
        not_ours.push_back(fmt::format("{} (for {})", need.name, plan.source));
        only[&not_ours].insert(plan.source);
      } else if (in.facts.broken_extensions.contains(need.name)) {
        needed_broken[need.name].insert(plan.source);
      } else if (!in.facts.extensions.contains(need.name)) {
        missing.push_back(fmt::format("{} (for {})", need.name, plan.source));
        only[&missing].insert(plan.source);
      } else if (in.facts.extension_versions.contains(need.name + " " + need.version)) {
        continue;
      } else if (need.name == kTimescaleExtension) {  // its catalog's rows fit no other version
        missing.push_back(fmt::format("{} {} (for {})", need.name, need.version, plan.source));
        only[&missing].insert(plan.source);
      } else {
        other_version.push_back(fmt::format("{} {} (for {})", need.name, need.version, plan.source));
      }
    }
  });
  if (!missing.empty()) {
    lines.push_back(
        {Verdict::kRefused, "extensions", fmt::format("not installed on the target: {}", join_names(missing)),
         "Install their packages there; pg_available_extensions shows what is there.", only[&missing]});
  }
  for (const auto& [name, problem] : in.facts.broken_extensions) {
    const bool is_needed = needed_broken.contains(name);
    lines.push_back({is_needed ? Verdict::kRefused : Verdict::kWarning, fmt::format("extension: {}", name),
                     fmt::format("its control file on the target cannot be read: {}", problem),
                     is_needed ? "Mend the file there, or install its package anew."
                               : "The backup does not need it; it hides the versions of the others from us.",
                     is_needed ? needed_broken[name] : std::set<std::string>{}});
  }
  if (!not_ours.empty()) {
    lines.push_back({Verdict::kRefused, "extensions",
                     fmt::format("only a superuser may create: {}", join_names(not_ours)),
                     "Restore as a superuser with -U.", only[&not_ours]});
  }
  if (!other_version.empty()) {
    lines.push_back({Verdict::kWarning, "extensions",
                     fmt::format("not in the recorded version: {}", join_names(other_version)),
                     "The target's default version is installed."});
  }
  if (!bound_to_name.empty()) {
    lines.push_back(
        {Verdict::kRefused, "extensions",
         fmt::format("cannot be created in a database that is not named yet: {}", join_names(bound_to_name)),
         "pg_cron lives only in the database that cron.database_name names, and a restore builds "
         "beside it. Restore the other databases one by one; for this one, back up again after "
         "DROP EXTENSION pg_cron, or keep pg_cron in database postgres.",
         only[&bound_to_name]});
  }
  if (missing.empty() && needed_broken.empty() && other_version.empty() && bound_to_name.empty() &&
      not_ours.empty())
    lines.push_back({Verdict::kOk, "extensions", "all are available"});
}

void judge_indexes(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord& record) {
    if (record.invalid_indexes.empty()) return;
    lines.push_back({Verdict::kWarning, fmt::format("indexes: {}", plan.source),
                     fmt::format("invalid on the source, and so not in the backup: {}",
                                 join_names(record.invalid_indexes)),
                     "Create them again afterwards, where they are needed; a unique one may find rows that "
                     "are there twice."});
  });
}

void judge_security_labels(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  if (!in.facts.missing_providers.empty()) {
    const std::vector<std::string> missing(in.facts.missing_providers.begin(),
                                           in.facts.missing_providers.end());
    lines.push_back(
        {Verdict::kRefused, "security labels",
         fmt::format("the target has not loaded their provider: {}", join_names(missing)),
         "Add its library to shared_preload_libraries there and restart PostgreSQL; or restore without "
         "them: --no-security-labels"});
  } else if (!in.facts.label_providers.empty()) {
    const std::vector<std::string> there(in.facts.label_providers.begin(), in.facts.label_providers.end());
    lines.push_back(
        {Verdict::kOk, "security labels", fmt::format("their providers are loaded: {}", join_names(there))});
  }
}

void judge_locales(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  std::vector<std::string> unchecked;
  bool fine = true;
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord& record) {
    const postgres::DatabaseProperties& wanted = record.properties;
    const auto found = in.facts.locales.find(plan.source);
    const TargetDatabase* target = in.facts.find(plan.name);
    if (plan.action == DatabaseAction::kFillSystem && target != nullptr) {
      const postgres::DatabaseProperties& there = target->properties;
      if (there.encoding != wanted.encoding || there.collate != wanted.collate ||
          there.ctype != wanted.ctype) {
        fine = false;
        lines.push_back({Verdict::kWarning, fmt::format("locale: {}", plan.name),
                         fmt::format("{}, {} in the backup; {}, {} on the target", wanted.encoding,
                                     wanted.collate, there.encoding, there.collate),
                         "A system database keeps the target's."});
      }
      return;
    }
    if (found == in.facts.locales.end()) return;
    const LocaleFinding& finding = found->second;
    if (!finding.checked) unchecked.push_back(plan.source);
    if (!finding.problem.empty()) {
      fine = false;
      lines.push_back(
          {Verdict::kRefused,
           fmt::format("locale: {}", plan.source),
           finding.problem,
           "Install the locale on the target (dpkg-reconfigure locales) and restart PostgreSQL there.",
           {plan.source}});
    } else if (!wanted.collation_version.empty() && !finding.collation_version.empty() &&
               wanted.collation_version != finding.collation_version) {
      fine = false;
      lines.push_back(
          {Verdict::kWarning, fmt::format("locale: {}", plan.source),
           fmt::format("collation version {} in the backup, {} on the target", wanted.collation_version,
                       finding.collation_version),
           "Indexes are built anew; rows of tables partitioned by text may belong elsewhere and are refused "
           "before the swap if so."});
    }
  });
  if (!unchecked.empty()) {
    lines.push_back({Verdict::kOk, "locales", fmt::format("not tried for {}", join_names(unchecked))});
  } else if (fine) {
    lines.push_back({Verdict::kOk, "locales", "the target has all"});
  }
}

void judge_tablespaces(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  std::set<std::string> wanted;
  for_each_restored(in, [&](const DatabasePlan& plan, const DatabaseRecord& record) {
    wanted.insert(record.properties.tablespace);
    const auto schema = in.facts.schemas.find(plan.source);
    if (schema != in.facts.schemas.end()) {
      wanted.insert(schema->second.tablespaces.begin(), schema->second.tablespaces.end());
    }
  });
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    const auto named = [&](const auto& place) { return place == name; };
    if (name.empty() || std::ranges::any_of(in.facts.places, named, &DiskPlace::tablespace)) continue;
    if (std::ranges::any_of(in.facts.globals.tablespaces, named, &TablespaceToCreate::name)) continue;
    missing.push_back(name);
  }
  bool fine = missing.empty();
  if (!missing.empty()) {
    lines.push_back({Verdict::kRefused, "tablespaces",
                     fmt::format("missing, and not in the backup: {}", join_names(missing)),
                     "Create them on the target: CREATE TABLESPACE ..."});
  }
  for (const auto& [name, problem] : in.facts.locations) {
    if (problem.empty()) continue;
    fine = false;
    lines.push_back(
        {Verdict::kRefused, fmt::format("tablespace: {}", name), fmt::format("its location {}", problem),
         fmt::format("Create tablespace {} on the target by hand, at a location of its own.", name)});
  }
  if (!fine) return;
  std::vector<std::string> created;
  for (const TablespaceToCreate& one : in.facts.globals.tablespaces) created.push_back(one.name);
  lines.push_back(
      {Verdict::kOk, "tablespaces",
       created.empty() ? "all are there" : fmt::format("will be created: {}", join_names(created))});
}

void judge_replaced_databases(const PreflightInput& in, std::vector<PreflightLine>& lines) {
  for (const DatabasePlan& plan : in.databases) {
    if (!plan.begun_by.empty()) lines.push_back(begun_line(plan));
    const bool is_risk = plan.drop_first || plan.is_stranger ||
                         (plan.action == DatabaseAction::kSkip && !plan.restored_before);
    const Verdict verdict = is_risk ? Verdict::kWarning : Verdict::kOk;
    lines.push_back({verdict, fmt::format("database: {}", plan.name), old_and_new(plan)});
    const TargetDatabase* old = in.facts.find(plan.name);
    if (plan.action != DatabaseAction::kSwap || old == nullptr) continue;
    judge_bindings(in, plan, old->bindings, lines);
    judge_drop_first(in, plan, lines);
    if (old->is_ours) continue;
    lines.push_back(
        {Verdict::kRefused,
         fmt::format("database: {}", plan.name),
         fmt::format("belongs to {}; {} may not rename it", old->properties.owner, in.facts.server.role),
         "Restore as its owner or as a superuser with -U, or under another name with --as.",
         {plan.source}});
  }
}

}  // namespace dbb::logical
