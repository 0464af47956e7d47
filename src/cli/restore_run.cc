#include "cli/restore_run.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "cli/json_documents.h"
#include "cli/restore_text.h"
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

}  // namespace

std::vector<OptionSpec> RestoreRunOptions::specs() {
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
           "proof, keep without)",
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
      {.names = "--drop-slots",
       .value = "",
       .description = "allow dropping an old database that has subscriptions or logical slots",
       .target = &drop_slots},
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
  restore.drop_slots = options.drop_slots;
  restore.validate_fully = options.validate == "full";
  restore.jobs = first_of(options.jobs, configured.jobs, restore.jobs);
  restore.parallel_databases =
      first_of(options.parallel_databases, configured.parallel_databases, restore.parallel_databases);
  restore.lock_timeout = first_of(options.lock_timeout, configured.lock_timeout, restore.lock_timeout);

  repository::Repository& repository = context.repository();
  const logical::Operation& operation = context.operation();
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
  } catch (const Error& error) {
    failure = error;
  }
  return {.text = render_result(plan, result, context.style()),
          .json = restore_document(plan, result),
          .error = std::move(failure)};
}

}  // namespace dbb::cli
