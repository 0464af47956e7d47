#include "cli/restore_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/context.h"
#include "cli/copied_command.h"
#include "cli/host_memory.h"
#include "cli/json_documents.h"
#include "cli/restore_effort.h"
#include "cli/restore_text.h"
#include "logical/restore_manifest.h"
#include "postgres/startup_options.h"
#include "repository/session.h"

namespace dbb::cli {
namespace {

constexpr size_t kPlanWidth = 160;  // in a debug log

// What has to change in the command for the plan to be carried out.
std::string what_carries_out(const RestoreRunOptions& options, const Style& style) {
  if (!options.dry_run) return "with " + style.paint(Tone::kStrong, "--confirm");
  const std::string without = "without " + style.paint(Tone::kStrong, "--dry-run");
  return options.confirm ? without : without + " and with " + style.paint(Tone::kStrong, "--confirm");
}

Outcome only_plan(const logical::RestorePlan& plan, const RestoreRunOptions& options, Context& context) {
  const Style& style = context.style();
  std::string text = render_plan(plan, context.world().out_width, style);
  text += plan.refused() ? "\n" + style.paint(Tone::kBad, "This restore would be refused") +
                               ": see the refused lines above. Nothing was changed.\n"
                         : "\nNothing was changed. To carry this out, run the same command " +
                               what_carries_out(options, style) + ".\n";
  return {.text = std::move(text), .json = plan_document(plan)};
}

logical::Operation as_role(const logical::Operation& operation, const std::string& role) {
  if (role.empty()) return operation;
  logical::Operation changed = operation;
  std::string options = changed.target.value("options");
  postgres::append_startup_option(options, "role", role);
  changed.target = changed.target.with("options", options);
  return changed;
}

std::filesystem::path report_directory(const RestoreRunOptions& options, const Context& context) {
  if (options.report_directory)
    return std::filesystem::absolute(*options.report_directory).lexically_normal();
  return state_directory(context.world().environment);
}

// As it was typed, or else in the directory for reports.
std::filesystem::path manifest_file(const RestoreRunOptions& options, const Context& context) {
  const std::filesystem::path typed = *options.resume_from_manifest;
  std::error_code ignored;
  if (typed.is_absolute() || std::filesystem::exists(typed, ignored)) return std::filesystem::absolute(typed);
  const std::filesystem::path reported = report_directory(options, context) / typed;
  return std::filesystem::exists(reported, ignored) ? reported : std::filesystem::absolute(typed);
}

void tell_journal(const logical::RestoreJournal& journal, const logical::Operation& operation) {
  if (!journal.problem().empty()) {
    operation.warn(
        "manifest-not-written",
        fmt::format("No manifest could be written, so this restore cannot be resumed: {} Name another "
                    "directory with --report-dir.",
                    journal.problem()));
  } else if (!journal.file().empty()) {
    operation.notice("manifest", fmt::format("Manifest: {}", journal.file().string()),
                     {{"file", journal.file().string()}});
  }
}

logical::RestorePlan plan_or_tell_where(repository::Repository& repository,
                                        const logical::RestoreOptions& restore,
                                        const logical::Operation& operation,
                                        const logical::RestoreManifest* earlier,
                                        const std::string& reached_by) {
  try {
    logical::RestorePlan plan = logical::plan_restore(repository, restore, operation, earlier);
    for (logical::PreflightLine& line : plan.preflight) line.remedy = with_reach(line.remedy, reached_by);
    return plan;
  } catch (const Error& error) {
    throw tell_where(error, restore.database, operation.target);
  }
}

// Plans and carries out what is confirmed. `earlier`: the run that is gone on with.
Outcome run_plan(Context& context, const RestoreRunOptions& options, const logical::RestoreOptions& restore,
                 const std::string& role, const logical::RestoreManifest* earlier) {
  repository::Repository& repository = context.repository();
  const std::string reached_by = context.options().reached_by();
  logical::Operation operation = as_role(context.operation(), role);
  if (earlier != nullptr) operation.run = earlier->run;
  // From before the plan on, so that what it found is not pruned away.
  const auto presence =
      repository.announce({.operation = "restore", .host = context.host(), .backup = restore.backup.text()},
                          context.world().clock);
  const logical::RestorePlan plan = plan_or_tell_where(repository, restore, operation, earlier, reached_by);
  if (context.is_logged()) context.note("plan", render_plan(plan, kPlanWidth, Style()));
  if (!options.confirm || options.dry_run) return only_plan(plan, options, context);
  if (plan.refused()) {
    return {.text = render_plan(plan, context.world().out_width, context.style()),
            .json = plan_document(plan),
            .error = tell_where(refusal_of(plan), restore.database, operation.target)};
  }
  logical::RestoreManifest manifest =
      earlier != nullptr ? *earlier : logical::manifest_of(plan, operation.run, operation.clock.now());
  manifest.role = role;
  manifest.reached_by = reached_by;
  manifest.options = plan.options;
  logical::RestoreJournal journal =
      earlier != nullptr
          ? logical::RestoreJournal::of_run_that_goes_on(manifest_file(options, context), std::move(manifest))
          : logical::RestoreJournal::of_new_run(report_directory(options, context), std::move(manifest));
  tell_journal(journal, operation);
  tell_lowered(plan, operation);
  // Other tools unpack an archive first. Here the rows go from the repository into the server.
  if (options.keep_temp)
    operation.notice("no-temporary-files",
                     "A restore makes no temporary directory: there is nothing to keep.");
  logical::RestoreResult result;
  std::optional<Error> failure;
  try {
    logical::execute_restore(repository, plan, operation, journal, result);
    failure = verdict_on(plan, result);
  } catch (const Error& error) {
    failure = tell_where(error, restore.database, operation.target);
  }
  const bool is_over = std::ranges::all_of(result.databases, [](const logical::DatabaseOutcome& database) {
    return database.restored || database.skipped;
  });
  const std::string way_on = is_over ? "" : journal.command();
  if (failure) failure = with_way_on(*failure, way_on);
  return {.text = with_reach(render_result(plan, result, way_on, context.style()), reached_by),
          .json = restore_document(plan, result, way_on),
          .error = std::move(failure)};
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
  return cli::as_role(operation, role.value_or(""));
}

std::vector<OptionSpec> RestoreRunOptions::specs() {
  std::vector<OptionSpec> all = own_specs();
  for (OptionSpec& spec : failures.specs()) all.push_back(std::move(spec));
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
      {.names = "--keep-temp",
       .value = "",
       .description = "keep temporary directories: dbbackup makes none in a restore, and says so",
       .target = &keep_temp},
      {.names = "--old",
       .value = "WHAT",
       .description =
           "what becomes of a database that is replaced: drop, or keep as NAME_before_TIME (drop after a "
           "proof; keep without one, and when the database is incomplete in the backup, or the backup is of "
           "another server)",
       .target = &old,
       .choices = {"drop", "keep"}},
      {.names = "--no-proof",
       .value = "",
       .description = "do not read the rows again and compare; the old database is then kept",
       .target = &no_proof},
      {.names = "-j,--jobs",
       .value = "N",
       .description = "workers per database (as the profile says: one per processor)",
       .target = &jobs,
       .range = {1, logical::kMostJobs}},
      {.names = "--parallel-dbs",
       .value = "N",
       .description = "databases restored at once (as the profile says: 1)",
       .target = &parallel_databases,
       .range = {1, logical::kMostParallelDatabases}},
      profile_option(profile),
      {.names = "--lock-timeout",
       .value = "SECONDS",
       .description = "how long a statement waits for somebody else's lock before the restore fails (60)",
       .target = &lock_timeout},
      {.names = "--debug-locks",
       .value = "",
       .description = "write twice a second how full the server's lock table is, what every session of the "
                      "restore does, and who waits for whom",
       .target = &debug_locks},
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
      {.names = "--swap",
       .value = "WHEN",
       .description =
           "each: a database takes its name when it is complete; together: all in one transaction, when "
           "all are complete, and none if one fails (each)",
       .target = &swap,
       .choices = {"each", "together"}},
      {.names = "--in-place",
       .value = "",
       .description =
           "DROP what is replaced before its replacement is built: needs less disk, and if the restore "
           "fails the old database is gone",
       .target = &in_place},
      {.names = "--resume-from-manifest",
       .value = "FILE",
       .description = "go on with a restore that was stopped: restore-manifest-DATE.json says which. What is "
                      "restored, or loaded and still there, is not done again",
       .target = &resume_from_manifest},
      {.names = "--report-dir",
       .value = "DIR",
       .description = "where restore-manifest-DATE.json and cluster-restore-failures-DATE.json are written "
                      "(~/.local/state/dbbackup)",
       .target = &report_directory},
      {.names = "--validate",
       .value = "LEVEL",
       .description = "before the first change: quick looks for every piece, full reads every byte (quick)",
       .target = &validate,
       .choices = {"quick", "full"}},
  };
}

void RestoreRunOptions::apply_manner(const Configuration& configured,
                                     logical::RestoreOptions& restore) const {
  const std::string against = old == "keep"                                  ? "--old keep"
                              : restore.swap == logical::SwapTime::kTogether ? "--swap together"
                                                                             : "";
  if (restore.in_place && !against.empty()) {
    throw Error(
        ErrorCode::kUsage,
        {.message = fmt::format("--in-place and {} exclude each other.", against),
         .cause = "--in-place drops every old database before its new one is built.",
         .solution = {"Leave out --in-place: the old ones are then kept until the new ones are complete."}});
  }
  if (old) restore.old = *old == "drop" ? logical::OldDatabase::kDrop : logical::OldDatabase::kKeep;
  if (no_proof) restore.proof = false;
  if (drop_slots) restore.drop_slots = true;
  if (debug_locks) restore.debug_locks = true;
  if (validate) restore.validate_fully = *validate == "full";
  restore = with_profile(std::move(restore), profile, jobs, parallel_databases, configured);
  restore.lock_timeout = first_of(lock_timeout, configured.lock_timeout, restore.lock_timeout);
  failures.apply(restore.failures);
}

std::vector<std::string> RestoreRunOptions::content_options() const {
  std::vector<std::string> given;
  const auto add = [&](bool is_given, const char* name) {
    if (is_given) given.emplace_back(name);
  };
  add(system_databases.has_value(), "--system-databases");
  add(globals.has_value(), "--globals");
  add(statistics, "--statistics");
  add(replace_with_part, "--replace-with-part");
  add(role.has_value(), "--role");
  add(no_owner, "--no-owner");
  add(no_acl, "--no-acl");
  add(no_comments, "--no-comments");
  add(no_publications, "--no-publications");
  add(no_subscriptions, "--no-subscriptions");
  add(no_security_labels, "--no-security-labels");
  add(no_tablespaces, "--no-tablespaces");
  add(no_refresh, "--no-refresh");
  add(!map_roles.empty(), "--map-role");
  add(swap.has_value(), "--swap");
  add(in_place, "--in-place");
  return given;
}

Outcome run_restore(Context& context, const RestoreRunOptions& options, logical::RestoreOptions restore) {
  restore.in_place = options.in_place;
  if (options.swap == "together") restore.swap = logical::SwapTime::kTogether;
  options.apply_manner(context.configuration(), restore);
  if (options.system_databases == "merge") restore.system_databases = logical::SystemDatabases::kMerge;
  if (options.globals == "align") restore.globals = logical::Globals::kAlign;
  if (options.globals == "none") restore.globals = logical::Globals::kNone;
  restore.statistics = options.statistics;
  restore.replace_with_part = options.replace_with_part;
  restore.rules = options.rules();
  return run_plan(context, options, restore, options.role.value_or(""), nullptr);
}

Outcome resume_restore(Context& context, const RestoreRunOptions& options, bool is_of_cluster,
                       const std::vector<std::string>& others) {
  std::vector<std::string> given = options.content_options();
  given.insert(given.end(), others.begin(), others.end());
  if (!given.empty()) {
    throw Error(ErrorCode::kUsage,
                {.message = fmt::format("{} cannot be given together with --resume-from-manifest.",
                                        fmt::join(given, ", ")),
                 .cause = "What is restored was settled when the restore began, and stands in the manifest.",
                 .solution = {"Leave it out; or restore anew, without --resume-from-manifest."}});
  }
  const logical::RestoreManifest earlier = logical::read_restore_manifest(manifest_file(options, context));
  if (earlier.options.database.has_value() == is_of_cluster) {
    throw Error(ErrorCode::kUsage,
                {.message = "The manifest is that of another command.",
                 .solution = {fmt::format(
                     "Run: {}", logical::command_to_continue(earlier, manifest_file(options, context)))}});
  }
  logical::RestoreOptions restore = earlier.options;
  options.apply_manner({}, restore);
  return run_plan(context, options, restore, earlier.role, &earlier);
}

}  // namespace dbb::cli
