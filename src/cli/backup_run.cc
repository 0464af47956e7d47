#include "cli/backup_run.h"

#include <fmt/format.h>

#include "base/units.h"
#include "cli/clock_warning.h"
#include "cli/context.h"
#include "cli/host_memory.h"
#include "cli/json_documents.h"
#include "cli/selection_text.h"
#include "cli/table.h"
#include "logical/backup.h"

namespace dbb::cli {
namespace {

std::string text_of(const logical::BackupResult& result, const Style& style) {
  Table table({{"DATABASE"},
               {"RESULT"},
               {"TABLES", Align::kRight},
               {"ROWS", Align::kRight},
               {"ROWS AS TEXT", Align::kRight},
               {"LARGE OBJECTS", Align::kRight},
               {"TIME", Align::kRight}});
  for (const auto& database : result.document.databases) {
    const bool failed = database.state == logical::DatabaseState::kFailed;
    const Tone tone = failed                                                  ? Tone::kBad
                      : database.state == logical::DatabaseState::kIncomplete ? Tone::kWarning
                                                                              : Tone::kGood;
    table.add(
        {Cell(database.name()), Cell(std::string(logical::name_of(database.state)), tone),
         Cell(failed ? "" : format_count(database.tables)), Cell(failed ? "" : format_count(database.rows)),
         Cell(failed ? "" : format_bytes(database.row_bytes)),
         Cell(database.large_objects == 0 ? "" : format_count(database.large_objects)),
         Cell(format_duration(std::chrono::nanoseconds(static_cast<int64_t>(database.seconds * 1e9))))});
  }
  const auto& manifest = result.manifest;
  const auto took =
      std::chrono::microseconds(manifest.finished.microseconds() - manifest.started.microseconds());
  std::string out = result.document.databases.empty() ? "" : table.render(style) + "\n";
  const std::string omitted = omitted_text(result.document);
  if (!omitted.empty()) out += omitted + "\n";
  out += fmt::format("Backup {}: {} read in {}, of which {} new; the repository grew by {}.\n",
                     manifest.id.text(), format_bytes(manifest.totals.logical_bytes), format_duration(took),
                     format_bytes(manifest.totals.new_bytes_raw), format_bytes(manifest.totals.stored_bytes));
  return out;
}

// Rights would not help: the database takes no connections, whoever asks.
bool is_closed(const logical::DatabaseRecord& database) {
  return database.state == logical::DatabaseState::kFailed && !database.properties.allow_connections;
}

std::vector<std::string> remedies(const logical::BackupResult& result) {
  std::vector<std::string> steps;
  bool something_else = !result.document.globals_left_out.empty();
  for (const auto& database : result.document.databases) {
    if (is_closed(database)) {
      steps.push_back(fmt::format("Database {0} takes no connections. Leave it out: --exclude-database '{0}'",
                                  database.name()));
      steps.push_back(
          fmt::format("Or let it be read, as a superuser: ALTER DATABASE \"{}\" WITH "
                      "ALLOW_CONNECTIONS true",
                      database.name()));
    } else if (database.state != logical::DatabaseState::kComplete) {
      something_else = true;
    }
  }
  if (!something_else) {
    steps.push_back("Run the backup again.");
    return steps;
  }
  const size_t of_closed = steps.size();
  for (const auto& database : result.document.databases) {
    for (const std::string& grant : database.grants) {
      steps.push_back(fmt::format("As a superuser, in database {}: {}", database.name(), grant));
    }
  }
  steps.push_back(steps.size() == of_closed
                      ? "Give the role the missing rights, or connect as a superuser (-U postgres)."
                      : "Or connect as a superuser (-U postgres), who may read everything.");
  steps.push_back("Check with: dbbackup doctor");
  steps.push_back("Run the backup again.");
  return steps;
}

Error incomplete(const logical::BackupResult& result) {
  std::string cause;
  for (const auto& database : result.document.databases) {
    if (!database.error.empty()) cause += fmt::format("{}: {}\n", database.name(), database.error);
    for (const std::string& missing : database.left_out)
      cause += fmt::format("{}: {}\n", database.name(), missing);
  }
  for (const std::string& missing : result.document.globals_left_out) cause += missing + "\n";
  return Error(ErrorCode::kBackupIncomplete,
               {.message = fmt::format("Backup {} was stored, but not everything is in it.",
                                       result.manifest.id.text()),
                .cause = std::move(cause),
                .solution = remedies(result)});
}

}  // namespace

std::vector<OptionSpec> BackupRunOptions::specs() {
  return {
      {.names = "-j,--jobs",
       .value = "N",
       .description = "workers that read rows (one per processor)",
       .target = &jobs},
      {.names = "--parallel-dbs",
       .value = "N",
       .description = "databases open at once (2; fewer if locks or connection slots demand it)",
       .target = &parallel_databases},
      {.names = "--lock-wait-timeout",
       .value = "SECONDS",
       .description = "how long to wait for a lock that somebody else holds (60)",
       .target = &lock_wait_timeout},
      {.names = "--serializable-deferrable",
       .value = "",
       .description = "wait for a snapshot that no concurrent serializable transaction can contradict",
       .target = &serializable_deferrable},
      {.names = "--pause-replay",
       .value = "",
       .description =
           "of a standby: hold replay still until the rows are read, so that no query is cancelled",
       .target = &pause_replay},
      {.names = "--statistics",
       .value = "",
       .description =
           "also what the planner knows of the rows, for \"restore --statistics\" (from PostgreSQL 18 on)",
       .target = &statistics},
  };
}

Outcome run_backup(Context& context, const BackupRunOptions& options,
                   const std::optional<std::string>& database) {
  const Configuration& configured = context.configuration();
  const logical::BackupOptions defaults;
  const logical::BackupOptions backup{
      .database = database,
      .jobs = first_of(options.jobs, configured.jobs, defaults.jobs),
      .parallel_databases =
          first_of(options.parallel_databases, configured.parallel_databases, defaults.parallel_databases),
      .lock_wait_timeout =
          first_of(options.lock_wait_timeout, configured.lock_wait_timeout, defaults.lock_wait_timeout),
      .serializable_deferrable = options.serializable_deferrable,
      .exclude_databases = options.exclude_databases,
      .selection = options.selection,
      .pause_replay = options.pause_replay,
      .statistics = options.statistics,
      .state_directory = state_directory(context.world().environment),
  };
  // The repository first: without one, nobody should type a password.
  repository::Repository& repository = context.repository();
  const logical::BackupResult result = logical::back_up(repository, backup, context.operation());
  context.remember_repository();
  if (const auto newest = repository.newest_readable_backup()) warn_of_clock_ahead(context, {*newest});
  Outcome outcome{.text = text_of(result, context.style()), .json = backup_document(result)};
  if (!result.manifest.complete) outcome.error = incomplete(result);
  return outcome;
}

}  // namespace dbb::cli
