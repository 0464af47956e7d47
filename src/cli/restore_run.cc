#include "cli/restore_run.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/restore_text.h"
#include "postgres/startup_options.h"
#include "repository/session.h"

namespace dbb::cli {
namespace {

Outcome only_plan(const logical::RestorePlan& plan, Context& context) {
  const Style& style = context.style();
  std::string text = render_plan(plan, context.world().out_width, style);
  text += plan.refused() ? "\n" + style.paint(Tone::kBad, "This restore would be refused") +
                               ": see the refused lines above. Nothing was changed.\n"
                         : "\nNothing was changed. To carry this out, run the same command with " +
                               style.paint(Tone::kStrong, "--confirm") + ".\n";
  return {.text = std::move(text), .json = plan_document(plan)};
}

// Everything was carried out, and something of the backup is not there all the same.
std::optional<Error> incomplete(const logical::RestoreResult& result) {
  std::string cause;
  for (const logical::DatabaseOutcome& database : result.databases) {
    for (const std::string& missing : database.missing) {
      cause += fmt::format("{}{}: {}", cause.empty() ? "" : "\n", database.name, missing);
    }
  }
  if (cause.empty()) return std::nullopt;
  return Error(ErrorCode::kRestoreIncomplete,
               {.message = "The databases were restored, but not everything of the backup is in them.",
                .cause = std::move(cause),
                .solution = {"A view that was not refreshed: mend what its query needs, then REFRESH "
                             "MATERIALIZED VIEW ...",
                             "A table that was not restored: take a backup that has what it refers to, or "
                             "make that first, then: dbbackup restore table",
                             "Old databases that were replaced are kept: see them with dbbackup cleanup "
                             "--kept, and drop them when nothing is missing any more."}});
}

}  // namespace

// As in pg_restore.
std::vector<OptionSpec> RestoreRunOptions::rule_specs() {
  const std::string group = "What is restored, and whose it becomes";
  std::vector<OptionSpec> specs = {
      {.names = "--no-owner",
       .value = "",
       .description = "everything belongs to the role that restores",
       .target = &no_owner},
      {.names = "--no-acl,--no-privileges",
       .value = "",
       .description = "grant and revoke nothing",
       .target = &no_acl},
      {.names = "--role",
       .value = "ROLE",
       .description = "do everything as this role, which the role that connects must be a member of",
       .target = &role},
      {.names = "--map-role",
       .value = "OLD=NEW",
       .description = "what is of role OLD in the backup becomes NEW's, its privileges too; may be repeated",
       .target = &map_roles},
      {.names = "--no-comments", .value = "", .description = "no comments", .target = &no_comments},
      {.names = "--no-publications",
       .value = "",
       .description = "no publications",
       .target = &no_publications},
      {.names = "--no-subscriptions",
       .value = "",
       .description = "no subscriptions",
       .target = &no_subscriptions},
      {.names = "--no-security-labels",
       .value = "",
       .description = "no security labels",
       .target = &no_security_labels},
      {.names = "--no-tablespaces",
       .value = "",
       .description = "everything in the default tablespace, and none created",
       .target = &no_tablespaces},
      {.names = "--no-refresh",
       .value = "",
       .description = "leave materialized views unpopulated",
       .target = &no_refresh},
  };
  for (OptionSpec& spec : specs) spec.group = group;
  return specs;
}

logical::EntryRules RestoreRunOptions::rules() const {
  logical::EntryRules rules{.owners = !no_owner,
                            .privileges = !no_acl,
                            .comments = !no_comments,
                            .publications = !no_publications,
                            .subscriptions = !no_subscriptions,
                            .security_labels = !no_security_labels,
                            .tablespaces = !no_tablespaces,
                            .refreshes = !no_refresh};
  for (const std::string& pair : map_roles) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size()) {
      throw Error(ErrorCode::kUsage,
                  {.message = fmt::format("\"{}\" does not say which role becomes which.", pair),
                   .solution = {"Write both names: --map-role old_name=new_name"}});
    }
    rules.roles[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return rules;
}

logical::Operation RestoreRunOptions::as_role(const logical::Operation& operation) const {
  if (!role) return operation;
  logical::Operation changed = operation;
  std::string options = changed.target.value("options");
  postgres::append_startup_option(options, "role", *role);
  changed.target = changed.target.with("options", options);
  return changed;
}

std::vector<OptionSpec> RestoreRunOptions::specs() {
  std::vector<OptionSpec> all = own_specs();
  for (OptionSpec& spec : rule_specs()) all.push_back(std::move(spec));
  return all;
}

std::vector<OptionSpec> RestoreRunOptions::own_specs() {
  return {
      {.names = "--confirm",
       .value = "",
       .description = "carry the plan out; without it, it is only printed",
       .target = &confirm},
      {.names = "--dry-run",
       .value = "",
       .description = "only print the plan, also with --confirm",
       .target = &dry_run},
      {.names = "--old",
       .value = "WHAT",
       .description =
           "what becomes of a database that is replaced: drop, or keep as NAME_before_TIME (drop after a "
           "proof; keep without one, or when the backup is incomplete or of another server)",
       .target = &old,
       .choices = {"drop", "keep"}},
      {.names = "--no-proof",
       .value = "",
       .description = "do not read the rows again and compare; the old database is then kept",
       .target = &no_proof},
      {.names = "-j,--jobs",
       .value = "N",
       .description = "workers per database (one per processor)",
       .target = &jobs},
      {.names = "--parallel-dbs",
       .value = "N",
       .description = "databases restored at once (1)",
       .target = &parallel_databases},
      {.names = "--lock-timeout",
       .value = "SECONDS",
       .description = "how long to wait for a lock (60)",
       .target = &lock_timeout},
      {.names = "--system-databases",
       .value = "WHAT",
       .description = "postgres and template1, where they are not empty: skip or merge (skip)",
       .target = &system_databases,
       .choices = {"skip", "merge"}},
      {.names = "--globals",
       .value = "WHAT",
       .description = "roles and tablespaces: create what is missing; align also gives those that differ "
                      "what the backup "
                      "says, after the last swap and never the role that restores; or none (missing)",
       .target = &globals,
       .choices = {"missing", "align", "none"}},
      {.names = "--statistics",
       .value = "",
       .description =
           "carry over what the planner knew of the rows, instead of ANALYZE: of a backup made with "
           "--statistics, from PostgreSQL 18 on. Tables with extended statistics (CREATE STATISTICS) "
           "are analyzed all the same, because pg_dump does not write these; and so are all where "
           "there is nothing to carry over",
       .target = &statistics},
      {.names = "--drop-slots",
       .value = "",
       .description = "allow dropping an old database that has subscriptions or logical slots",
       .target = &drop_slots},
      {.names = "--replace-with-part",
       .value = "",
       .description = "let a part of a database take the place of the whole one, which loses the rest",
       .target = &replace_with_part},
      {.names = "--validate",
       .value = "LEVEL",
       .description = "before the first change: quick looks for every piece, full reads every byte (quick)",
       .target = &validate,
       .choices = {"quick", "full"}},
  };
}

Outcome run_restore(Context& context, const RestoreRunOptions& options, logical::RestoreOptions restore) {
  const Configuration& configured = context.configuration();
  if (options.old)
    restore.old = *options.old == "drop" ? logical::OldDatabase::kDrop : logical::OldDatabase::kKeep;
  restore.proof = !options.no_proof;
  if (options.system_databases == "merge") restore.system_databases = logical::SystemDatabases::kMerge;
  if (options.globals == "align") restore.globals = logical::Globals::kAlign;
  if (options.globals == "none") restore.globals = logical::Globals::kNone;
  restore.statistics = options.statistics;
  restore.drop_slots = options.drop_slots;
  restore.replace_with_part = options.replace_with_part;
  restore.rules = options.rules();
  restore.validate_fully = options.validate == "full";
  restore.jobs = first_of(options.jobs, configured.jobs, restore.jobs);
  restore.parallel_databases =
      first_of(options.parallel_databases, configured.parallel_databases, restore.parallel_databases);
  restore.lock_timeout = first_of(options.lock_timeout, configured.lock_timeout, restore.lock_timeout);

  repository::Repository& repository = context.repository();
  const logical::Operation operation = options.as_role(context.operation());
  // From before the plan on, so that what it found is not pruned away.
  const auto presence =
      repository.announce({.operation = "restore", .host = context.host(), .backup = restore.backup.text()},
                          context.world().clock);
  const logical::RestorePlan plan = logical::plan_restore(repository, restore, operation);
  if (!options.confirm || options.dry_run) return only_plan(plan, context);
  if (plan.refused()) {
    return {.text = render_plan(plan, context.world().out_width, context.style()),
            .json = plan_document(plan),
            .error = refusal_of(plan)};
  }
  logical::RestoreResult result;
  std::optional<Error> failure;
  try {
    logical::execute_restore(repository, plan, operation, result);
    failure = incomplete(result);
  } catch (const Error& error) {
    failure = error;
  }
  return {.text = render_result(plan, result, context.style()),
          .json = restore_document(plan, result),
          .error = std::move(failure)};
}

}  // namespace dbb::cli
