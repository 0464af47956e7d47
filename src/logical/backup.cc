#include "logical/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/task_group.h"
#include "logical/carried_statistics.h"
#include "logical/database_backup.h"
#include "logical/fill_mark.h"
#include "logical/names.h"
#include "logical/record_stream.h"
#include "logical/source.h"
#include "logical/standby.h"
#include "postgres/name_pattern.h"
#include "postgres/server.h"

namespace dbb::logical {
namespace {

using postgres::DatabaseProperties;

constexpr int kTopologyProbes = 3;
constexpr int kInvalidConnectionLimit = -2;  // an interrupted DROP DATABASE (trap 12)

// The mark of a restore that did not finish is none of their properties.
std::vector<DatabaseProperties> read_databases(postgres::Connection& control, const Operation& operation) {
  std::vector<DatabaseProperties> databases = postgres::read_databases(control);
  for (DatabaseProperties& database : databases) {
    const std::optional<FillMark> mark = take_fill_mark(database);
    if (!mark) continue;
    operation.warn("database-unfinished",
                   fmt::format("{} holds a part only of what restore {} was to put there; the next restore "
                               "of it begins again.",
                               database.name, mark->run.text()),
                   {{"database", database.name}, {"run", mark->run.text()}});
  }
  return databases;
}

struct ChosenDatabases {
  std::vector<DatabaseProperties> databases;  // largest first
  std::vector<DatabaseProperties> closed;     // nobody may connect to them
  std::vector<std::string> debris;
  std::vector<std::string> excluded;  // as was asked
};

std::set<std::string> databases_to_exclude(postgres::Connection& control, const BackupOptions& options,
                                           const Operation& operation) {
  std::set<std::string> names;
  for (const std::string& pattern : options.exclude_databases) {
    const std::vector<std::string> found = postgres::databases_matching(control, pattern);
    if (found.empty()) {
      operation.warn("pattern-matches-nothing",
                     fmt::format("No database matches --exclude-database {}.", pattern),
                     {{"pattern", pattern}});
    }
    names.insert(found.begin(), found.end());
  }
  return names;
}

ChosenDatabases select_databases(std::vector<DatabaseProperties> all, const std::set<std::string>& excluded,
                                 const BackupOptions& options, const Operation& operation) {
  ChosenDatabases selection;
  for (DatabaseProperties& database : all) {
    if (options.database && database.name != *options.database) continue;
    if (excluded.contains(database.name)) {
      selection.excluded.push_back(database.name);
      continue;
    }
    const auto mark = parse_comment(database.comment.value_or(""));
    if (database.connection_limit == kInvalidConnectionLimit) {
      operation.warn(
          "database-invalid",
          fmt::format("{} is what an interrupted DROP DATABASE left; it is not backed up.", database.name),
          {{"database", database.name}});
    } else if (mark && has_given_name(*mark, database.name) && !options.database) {
      operation.notice("debris",
                       fmt::format("{} belongs to dbbackup itself; it is not backed up.", database.name),
                       {{"database", database.name}});
      selection.debris.push_back(database.name);
    } else if (!database.allow_connections) {
      selection.closed.push_back(std::move(database));
    } else {
      selection.databases.push_back(std::move(database));
    }
  }
  if (options.database && selection.databases.empty() && selection.closed.empty()) {
    throw Error(ErrorCode::kDatabaseNotFound,
                {.message = fmt::format("There is no database \"{}\" to back up.", *options.database),
                 .solution = {"See which there are: psql -l",
                              "Mind upper and lower case: the name is taken as it is."}});
  }
  std::ranges::stable_sort(selection.databases, std::greater<>{}, &DatabaseProperties::size_bytes);
  return selection;
}

struct Parallelism {
  int workers;
  int databases;
};

// A database that is open needs its leader, and pg_dump for a moment; each worker a session; one is for the
// rest.
Parallelism fit_connections(const BackupOptions& options, const postgres::ServerFacts& server,
                            size_t databases, const Operation& operation) {
  Parallelism wanted{
      .workers = options.jobs > 0 ? options.jobs : static_cast<int>(std::thread::hardware_concurrency()),
      .databases = std::max(1, options.parallel_databases)};
  wanted.workers = std::max(1, wanted.workers);
  wanted.databases = std::clamp(wanted.databases, 1, std::max(1, static_cast<int>(databases)));
  const int free_slots = server.max_connections - server.used_connections -
                         (server.is_superuser ? 0 : server.reserved_connections);
  Parallelism fits = wanted;
  const auto need = [](const Parallelism& p) { return p.workers + 2 * p.databases + 1; };
  while (need(fits) > free_slots && (fits.databases > 1 || fits.workers > 1)) {
    --(fits.databases > 1 ? fits.databases : fits.workers);
  }
  if (fits.workers != wanted.workers || fits.databases != wanted.databases) {
    operation.warn(
        "connections-few",
        fmt::format("{} connection slots are free, {} workers and {} databases at once would need {}: "
                    "going on with {} workers and {} databases.",
                    free_slots, wanted.workers, wanted.databases, need(wanted), fits.workers,
                    fits.databases));
  }
  return fits;
}

// Parts are a series of their own: none of them stands in for a backup of everything when old ones go.
std::string subject_of(const BackupOptions& options) {
  const std::string part = options.database ? options.selection.text()
                                            : option_text("--exclude-database", options.exclude_databases);
  std::string whole = options.database.value_or("");
  if (part.empty()) return whole;
  return fmt::format("{}{}({})", whole, whole.empty() ? "" : " ", part);
}

// One backup under way: leaders that each see one database through, and the workers that read rows for all of
// them.
class ClusterBackup {
 public:
  ClusterBackup(const BackupEnvironment& environment, const Parallelism& parallelism,
                std::vector<DatabaseProperties> databases)
      : env_(environment), parallelism_(parallelism) {
    for (DatabaseProperties& properties : databases) {
      backups_.push_back(std::make_unique<DatabaseBackup>(env_, std::move(properties)));
    }
    records_.resize(backups_.size());
    failures_.resize(backups_.size());
  }

  // Records in the order of the databases.
  std::vector<DatabaseRecord> run(TaskGroup& tasks, const std::vector<DatabaseProperties>& properties) {
    std::atomic<int> leaders = parallelism_.databases;
    for (int i = 0; i < parallelism_.databases; ++i) {
      tasks.spawn("leader", [this, &leaders, &properties](const std::stop_token&) {
        lead(properties);
        if (--leaders == 0) env_.queue.close();
      });
    }
    for (int i = 0; i < parallelism_.workers; ++i) {
      tasks.spawn("reader", [this](const std::stop_token& stop) { work(stop); });
    }
    tasks.join();
    return std::move(records_);
  }

  // Why a database failed, by its place; after run().
  const std::optional<Error>& failure(size_t index) const { return failures_.at(index); }

 private:
  void lead(const std::vector<DatabaseProperties>& properties) {
    while (true) {
      const size_t index = next_.fetch_add(1);
      if (index >= backups_.size()) return;
      try {
        records_[index] = backups_[index]->run();
        report(records_[index]);
      } catch (const Error& error) {
        if (!concerns_one_database(error)) throw;
        if (error.code() == ErrorCode::kConnectionLost || error.code() == ErrorCode::kConnectionRefused) {
          // Ended by an administrator, this session alone is gone; otherwise this throws for all.
          env_.operation.connect(maintenance_database(env_.operation), "probe");
        }
        records_[index] = failed_record(properties[index], error);
        failures_[index] = error;
        report(records_[index]);
      }
      env_.progress.database_done();
    }
  }

  void work(const std::stop_token& stop) {
    std::optional<SnapshotSession> session;
    const DatabaseBackup* session_of = nullptr;
    std::string session_snapshot;
    while (true) {
      std::optional<RowTask> task = env_.queue.try_pop();
      if (!task) {
        session.reset();  // an idle snapshot would hold back vacuum
        session_of = nullptr;
        task = env_.queue.pop(stop);
        if (!task) return;
      }
      if (session_of != task->database || session_snapshot != task->database->snapshot()) {
        session.reset();
        session_of = nullptr;
        if (!open(*task, session)) continue;
        session_of = task->database;
        session_snapshot = task->database->snapshot();
      }
      task->database->run_task(*task, *session);
    }
  }

  // False: the database was told, and the task counts as done.
  bool open(const RowTask& task, std::optional<SnapshotSession>& session) {
    try {
      session.emplace(env_.operation, task.database->name(), task.database->snapshot());
      return true;
    } catch (const Error& error) {
      if (!concerns_one_database(error)) throw;
      task.database->fail_task(std::current_exception());
      return false;
    }
  }

  static DatabaseRecord failed_record(const DatabaseProperties& properties, const Error& error) {
    DatabaseRecord record;
    record.properties = properties;
    record.state = DatabaseState::kFailed;
    record.error = fmt::format("{}: {}", error.info().name, error.what());
    return record;
  }

  void report(const DatabaseRecord& record) const {
    const std::vector<std::pair<std::string, std::string>> fields = {
        {"database", record.name()},
        {"state", std::string(name_of(record.state))},
        {"rows", std::to_string(record.rows)}};
    if (record.state == DatabaseState::kFailed) {
      env_.operation.warn("database-failed", fmt::format("{}: {}", record.name(), record.error), fields);
      return;
    }
    for (const std::string& missing : record.left_out) {
      env_.operation.warn("left-out", fmt::format("{}: not in the backup: {}", record.name(), missing),
                          fields);
    }
    env_.operation.notice(
        "database-done",
        fmt::format("{}: {} tables, {} rows, {}", record.name(), format_count(record.tables),
                    format_count(record.rows), format_bytes(record.row_bytes)),
        fields);
  }

  const BackupEnvironment& env_;
  const Parallelism parallelism_;
  std::vector<std::unique_ptr<DatabaseBackup>> backups_;  // outlive every thread: workers look at them
  std::vector<DatabaseRecord> records_;                   // each written by one leader
  std::vector<std::optional<Error>> failures_;            // likewise
  std::atomic<size_t> next_ = 0;
};

// False when the role may not read all of it.
bool save_globals(const Operation& operation, const postgres::ClientPrograms& programs,
                  const std::string& database, const postgres::ServerFacts& server,
                  postgres::Connection& control, repository::BackupWriter& writer) {
  const auto save = [&](std::vector<std::string> arguments) {
    const auto stream = writer.open_stream({.item_key = globals_key()}, repository::StreamClass::kRecords);
    LineAppender lines(*stream);
    const system::StopEvent stop(operation.stop);
    postgres::run_program(programs, "pg_dumpall", operation.target.with_database(database),
                          {.arguments = std::move(arguments),
                           .settings = postgres::settings_beside(control),
                           .application_name = operation.application_name("globals"),
                           .on_output = [&](ByteView bytes) { lines.add(bytes); }},
                          stop);
    lines.finish();
    writer.add_item({.kind = std::string(kGlobalsKind),
                     .key = globals_key(),
                     .attributes = to_json(PartAttributes{.database = "", .count = 1}),
                     .parts = {stream->finish()}});
  };
  try {
    save({"--globals-only"});
    return true;
  } catch (const Error& error) {
    if (server.is_superuser ||
        (error.code() != ErrorCode::kPermissionDenied && error.code() != ErrorCode::kClientProgramFailed)) {
      throw;
    }
  }
  operation.warn(
      "no-passwords",
      "The role may not read the passwords of roles: they are not in the backup. A superuser could.");
  save({"--globals-only", "--no-role-passwords"});
  return false;
}

void refuse_wrong_kind_of_server(const postgres::ServerFacts& server, const BackupOptions& options) {
  if (options.pause_replay && !server.in_recovery) {
    throw Error(ErrorCode::kUsage,
                {.message = "--pause-replay is for a standby, and this server is a primary.",
                 .solution = {"Leave it out, or name the standby with -h and -p."}});
  }
  if (options.serializable_deferrable && server.in_recovery) {
    throw Error(ErrorCode::kUsage, {.message = "--serializable-deferrable is not possible on a standby.",
                                    .cause = "PostgreSQL has no serializable snapshots there.",
                                    .solution = {"Leave it out, or back up the primary."}});
  }
}

void warn_of_missing_statistics(const BackupOptions& options, const postgres::ClientPrograms& programs,
                                const Operation& operation) {
  if (!options.statistics || programs.version.major() >= kFirstWithStatistics) return;
  operation.warn("statistics-unavailable",
                 fmt::format("pg_dump {} writes no statistics of the planner, {} is the first that does: the "
                             "backup is made without them, and a restore computes them anew (ANALYZE).",
                             programs.version.major(), kFirstWithStatistics));
}

// What was read is right all the same: the snapshots outlive the promotion.
void warn_of_promotion(const postgres::ServerFacts& server, postgres::Connection& control,
                       const Operation& operation) {
  if (!server.in_recovery) return;
  if (control.execute("SELECT pg_catalog.pg_is_in_recovery()").boolean(0, 0)) return;
  operation.warn("promoted",
                 "The standby was promoted while it was backed up; the backup is of the time before.");
}

// What stood in the way of the first database, which mostly stood in the way of all.
Error nothing_saved(const ClusterBackup& backup, const std::vector<DatabaseRecord>& records) {
  if (!records.empty() && backup.failure(0)) {
    Error error = *backup.failure(0);
    error.add_context("Database", records.front().name());
    return error;
  }
  return Error(ErrorCode::kServerError,
               {.message = "There is no database that could be backed up, so there is no backup.",
                .cause = "No database of the server lets anybody connect.",
                .solution = {"See which there are: psql -l",
                             "Allow connections to one: ALTER DATABASE ... ALLOW_CONNECTIONS true"}});
}

}  // namespace

BackupResult back_up(repository::Repository& repository, const BackupOptions& options,
                     const Operation& operation) {
  postgres::probe_topology(operation.target.with_database(maintenance_database(operation)), kTopologyProbes,
                           operation.stop);
  const std::string maintenance = maintenance_database(operation);
  postgres::Connection control = operation.connect(maintenance, "control");
  const postgres::ServerFacts server = postgres::read_server_facts(control);
  const postgres::ClientPrograms& programs = postgres::choose_for_dump(operation.programs, server.version);
  if (programs.version.major() > server.version.major()) {
    operation.warn(
        "client-newer",
        fmt::format("The client programs are of version {}, the server is {}: a restore to version {} is "
                    "then not supported. Install postgresql-client-{}.",
                    programs.version.major(), server.version.major(), server.version.major(),
                    server.version.major()));
  }
  warn_of_missing_statistics(options, programs, operation);
  refuse_wrong_kind_of_server(server, options);
  ChosenDatabases selection =
      select_databases(read_databases(control, operation), databases_to_exclude(control, options, operation),
                       options, operation);
  if (!selection.excluded.empty() && selection.databases.empty() && selection.closed.empty()) {
    throw Error(ErrorCode::kUsage, {.message = "Every database was excluded: there is nothing to back up.",
                                    .solution = {"Mind what a pattern matches: '*' is every name."}});
  }
  const Parallelism parallelism = fit_connections(options, server, selection.databases.size(), operation);

  const auto writer = repository.begin_backup({.kind = options.database ? "database" : "cluster",
                                               .source = source_identity(server, operation),
                                               .subject = subject_of(options),
                                               .program_version = DBB_VERSION,
                                               .host = operation.host},
                                              operation.clock, operation.stop);
  std::optional<ReplayPause> replay;
  if (server.in_recovery) settle_replay(control, operation, options.state_directory);
  if (options.pause_replay)
    replay.emplace(operation, maintenance, options.lock_wait_timeout, options.state_directory);
  const bool passwords_saved = save_globals(operation, programs, maintenance, server, control, *writer);
  operation.at_step("globals-saved", "");

  RowQueue queue;
  WeightGate lock_gate(
      static_cast<uint64_t>(std::max<int64_t>(1, postgres::lock_capacity(server).available())));
  BackupProgress progress(operation, static_cast<uint32_t>(selection.databases.size()));
  for (const DatabaseProperties& database : selection.databases) {
    progress.expect(static_cast<int64_t>(database.size_bytes));
  }
  TaskGroup tasks(operation.stop);
  Operation inner = operation;  // whose sessions end as well when a sibling fails
  inner.stop = tasks.token();
  const BackupEnvironment environment{.operation = inner,
                                      .options = options,
                                      .server = server,
                                      .programs = programs,
                                      .writer = *writer,
                                      .queue = queue,
                                      .lock_gate = lock_gate,
                                      .progress = progress};
  ClusterBackup backup(environment, parallelism, selection.databases);

  Document document;
  document.databases = backup.run(tasks, selection.databases);
  warn_of_promotion(server, control, operation);
  replay.reset();
  const bool any_saved = std::ranges::any_of(document.databases, [](const DatabaseRecord& record) {
    return record.state != DatabaseState::kFailed;
  });
  if (!any_saved) throw nothing_saved(backup, document.databases);
  for (const DatabaseProperties& closed : selection.closed) {
    DatabaseRecord record;
    record.properties = closed;
    record.state = DatabaseState::kFailed;
    record.error =
        "PERMISSION_DENIED: connections to it are not allowed (ALTER DATABASE ... ALLOW_CONNECTIONS true)";
    operation.warn("database-failed", fmt::format("{}: {}", closed.name, record.error),
                   {{"database", closed.name}});
    document.databases.push_back(std::move(record));
  }
  document.server_version = server.version;
  document.system_identifier = server.system_identifier;
  document.server_address = operation.target.host_and_port();
  document.client_version = programs.version;
  document.has_globals = true;
  document.money_locale = kMoneyLocale;
  document.from_standby = server.in_recovery;
  if (!passwords_saved) {
    document.globals_left_out.push_back(
        fmt::format("passwords of roles: the role may not read them (in database {}: GRANT SELECT ON "
                    "pg_catalog.pg_authid TO {})",
                    maintenance, control.quote_identifier(server.role)));
  }
  document.debris = std::move(selection.debris);
  document.exclude_databases = options.exclude_databases;
  document.excluded_databases = std::move(selection.excluded);

  const bool complete =
      passwords_saved && std::ranges::all_of(document.databases, [](const DatabaseRecord& record) {
        return record.state == DatabaseState::kComplete;
      });
  operation.at_step("before-commit", "");
  repository::Manifest manifest = writer->commit({.complete = complete, .document = to_json(document)});
  return {.manifest = std::move(manifest), .document = std::move(document)};
}

}  // namespace dbb::logical
