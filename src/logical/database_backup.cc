#include "logical/database_backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/units.h"
#include "logical/carried_statistics.h"
#include "logical/lock_wait.h"
#include "logical/record_stream.h"
#include "logical/schema_archive.h"
#include "logical/sequences.h"
#include "logical/standby.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr uint64_t kProgressStep = 1024 * 1024;
constexpr size_t kTablesPerLockStatement = 100;
constexpr int kAttempts = 3;  // snapshots taken before a database that is rewritten all the time fails

bool is_lock_not_available(const Error& error) { return error.code() == ErrorCode::kLockTimeout; }

Error rows_do_not_add_up(const postgres::Table& table, uint64_t counted, uint64_t told) {
  return Error(ErrorCode::kServerError,
               {.message = fmt::format("The rows of {}.{} did not all arrive.", table.schema, table.name),
                .cause = fmt::format("{} rows came, the server says it sent {}.", counted, told)});
}

// The leader waits while others read: that its session was ended shows in them as a snapshot that is gone.
std::optional<Error> conflict_that_ended(Connection& leader) {
  try {
    leader.execute("SELECT 1");
  } catch (const Error& error) {
    if (is_recovery_conflict(error)) return error;
  }
  return std::nullopt;
}

// What is loaded through a root is compared with its sisters' rows, which are text.
bool may_be_binary(const RowTask& task, const postgres::Table& table) {
  return task.format == RowFormat::kText && table.load_through.empty() && !table.is_extension_config;
}

uint64_t weight_of(const postgres::Table& table) { return table.heap_bytes + table.toast_bytes; }

}  // namespace

bool concerns_one_database(const Error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate() != "57014" && error.code() != ErrorCode::kCancelled;
  switch (error.code()) {
    case ErrorCode::kConnectionLost:
    case ErrorCode::kConnectionRefused:
    case ErrorCode::kDatabaseNotFound:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kServerError:
    case ErrorCode::kClientProgramFailed:
    case ErrorCode::kLockTimeout:
    case ErrorCode::kLockExhaustion:
    case ErrorCode::kTableChanged:
      return true;
    default:
      return false;
  }
}

DatabaseBackup::DatabaseBackup(const BackupEnvironment& environment, postgres::DatabaseProperties properties)
    : env_(environment),
      properties_(std::move(properties)),
      expected_bytes_(static_cast<int64_t>(properties_.size_bytes)) {}

DatabaseRecord DatabaseBackup::run() {
  const auto begun = env_.operation.clock.steady_now();
  Connection leader = env_.operation.connect_to_read(name(), "leader");
  for (int tries_left = kAttempts - 1;; --tries_left) {
    try {
      attempt(leader);
      break;
    } catch (const Error& error) {
      if (env_.server.in_recovery) {
        if (is_recovery_conflict(error)) throw explained_conflict(error);
        if (const auto conflict = conflict_that_ended(leader)) throw explained_conflict(*conflict);
      }
      // pg_dump looks some things up as they are now: with an index that was dropped since the snapshot it
      // fails.
      const bool worth_another =
          error.code() == ErrorCode::kTableChanged || error.code() == ErrorCode::kClientProgramFailed;
      if (!worth_another || tries_left == 0) throw;
      env_.operation.warn("snapshot-repeated",
                          fmt::format("{}: {} Taking a new snapshot.", name(), error.message()),
                          {{"database", name()}});
      leader.execute("ROLLBACK");
    }
  }

  DatabaseRecord record;
  record.properties = properties_;
  record.left_out = scope_.left_out;
  record.invalid_indexes = scope_.invalid_indexes;
  record.grants.assign(scope_.grants.begin(), scope_.grants.end());
  record.selection = env_.options.selection;
  record.omitted = scope_.omitted;
  record.tables_omitted = scope_.tables_omitted;
  record.tables_without_rows = scope_.tables_without_rows;
  record.state = scope_.left_out.empty() ? DatabaseState::kComplete : DatabaseState::kIncomplete;
  // pg_dump takes none with a part that was chosen by names.
  if (!record.selection.names_what_to_take()) record.extensions = postgres::read_extensions(leader);
  leader.execute("COMMIT");
  for (const TableState& state : states_) {
    if (!state.failure.empty()) continue;
    ++record.tables;
    for (const Fingerprint& part : state.fingerprints) record.rows += part.rows;
    record.row_bytes += state.row_bytes;
  }
  record.large_objects = large_objects_.objects;
  record.seconds = std::chrono::duration<double>(env_.operation.clock.steady_now() - begun).count();
  return record;
}

void DatabaseBackup::attempt(Connection& leader) {
  begin_snapshot(leader);
  scope_ = find_scope({.operation = env_.operation,
                       .selection = env_.options.selection,
                       .server = env_.server,
                       .database = name(),
                       .snapshot = snapshot_},
                      leader);
  int64_t bytes = 0;
  for (const postgres::Table& table : scope_.tables) bytes += static_cast<int64_t>(weight_of(table));
  env_.progress.expect(bytes - std::exchange(expected_bytes_, bytes));
  const WeightGate::Pass locks = env_.lock_gate.enter(scope_.tables.size(), env_.operation.stop);
  schema_ = dump_schema(leader);
  statistics_ = dump_statistics(leader);
  env_.operation.at_step("schema-dumped", name());
  lock_tables(leader);
  refuse_rewritten(leader);
  read_sequences(leader);
  env_.operation.at_step("tables-locked", name());
  schedule();
  env_.operation.at_step("rows-begun", name());
  wait_for_tasks(leader);
  add_items(leader);
  env_.operation.at_step("rows-done", name());
}

void DatabaseBackup::begin_snapshot(Connection& leader) {
  leader.execute(env_.options.serializable_deferrable
                     ? "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"
                     : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  snapshot_ = leader.execute("SELECT pg_catalog.pg_export_snapshot()").string(0, 0);
  env_.operation.at_step("snapshot-taken", name());
}

void DatabaseBackup::leave_out_large_objects(Connection& leader) {
  static constexpr size_t kNamed = 20;
  const std::vector<std::string>& unreadable = large_objects_.unreadable;
  if (unreadable.empty()) return;
  for (size_t i = 0; i < std::min(unreadable.size(), kNamed); ++i) {
    scope_.left_out.push_back(fmt::format("{}: the role may not read it", unreadable[i]));
  }
  if (unreadable.size() > kNamed) {
    scope_.left_out.push_back(fmt::format("{} more large objects: the role may not read them",
                                          format_count(unreadable.size() - kNamed)));
  }
  const std::string role = leader.quote_identifier(env_.server.role);
  scope_.grants.insert(
      fmt::format("SELECT format('GRANT SELECT ON LARGE OBJECT %s TO %s', oid, {}) FROM "
                  "pg_largeobject_metadata \\gexec",
                  leader.quote_literal(role)));
}

repository::StreamRef DatabaseBackup::dump_schema(Connection& leader) {
  return run_pg_dump(leader, kSchemaKind, {kSchemaArguments.begin(), kSchemaArguments.end()});
}

// In an archive of its own: those of tables belong to the section of their rows, and they change where the
// schema does not.
std::optional<repository::StreamRef> DatabaseBackup::dump_statistics(Connection& leader) {
  const bool has_rows = !env_.options.selection.schema_only;
  if (!env_.options.statistics || !has_rows || env_.programs.version.major() < kFirstWithStatistics)
    return {};
  return run_pg_dump(leader, kStatisticsKind, {"--format=custom", "--compress=0", "--statistics-only"});
}

repository::StreamRef DatabaseBackup::run_pg_dump(Connection& leader, std::string_view kind,
                                                  std::vector<std::string> arguments) {
  const auto stream =
      env_.writer.open_stream({.item_key = database_key(name(), kind)}, repository::StreamClass::kRecords);
  LineAppender lines(*stream);
  const auto timeout_ms = std::chrono::milliseconds(env_.options.lock_wait_timeout).count();
  postgres::ProgramRun run{.arguments = std::move(arguments),
                           .settings = {{"lc_monetary", std::string(kMoneyLocale)}},
                           .application_name = env_.operation.application_name("schema"),
                           .on_output = [&](ByteView bytes) { lines.add(bytes); },
                           .on_error_line =
                               [&](std::string_view line) {
                                 if (line.find("warning:") == std::string_view::npos) return;
                                 env_.operation.warn("client-program", fmt::format("{}: {}", name(), line),
                                                     {{"database", name()}});
                               }};
  run.arguments.push_back("--snapshot=" + snapshot_);
  run.arguments.push_back(fmt::format("--lock-wait-timeout={}", timeout_ms));
  for (auto& setting : postgres::settings_beside(leader)) run.settings.push_back(std::move(setting));
  // pg_dump locks what it describes, and gives up at the first table it may not lock.
  for (const std::string& table : scope_.excluded) run.arguments.push_back("--exclude-table=" + table);
  for (const std::string& name : scope_.excluded_values)
    run.arguments.push_back("--exclude-table-data=" + name);
  for (std::string& argument : env_.options.selection.arguments())
    run.arguments.push_back(std::move(argument));
  try {
    const system::StopEvent stop(env_.operation.stop);
    postgres::run_program(env_.programs, "pg_dump", env_.operation.target.with_database(name()), run, stop);
  } catch (Error& error) {
    if (is_lock_not_available(error)) throw with_lock_holders(error, leader);
    throw;
  }
  lines.finish();
  return stream->finish();
}

void DatabaseBackup::lock_tables(Connection& leader) {
  const auto timeout_ms = std::chrono::milliseconds(env_.options.lock_wait_timeout).count();
  leader.execute(fmt::format("SET LOCAL lock_timeout = {}", timeout_ms));
  for (size_t begin = 0; begin < scope_.tables.size(); begin += kTablesPerLockStatement) {
    std::string list;
    for (size_t i = begin; i < std::min(begin + kTablesPerLockStatement, scope_.tables.size()); ++i) {
      list += fmt::format("{}ONLY {}", list.empty() ? "" : ", ",
                          leader.qualified(scope_.tables[i].schema, scope_.tables[i].name));
    }
    try {
      leader.execute(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", list));
    } catch (const Error& error) {
      if (is_lock_not_available(error)) {
        Connection other = env_.operation.connect(name(), "watcher");
        throw with_lock_holders(error, other);
      }
      // Undefined table or schema: dropped or renamed since the snapshot.
      if (error.sqlstate() == "42P01" || error.sqlstate() == "3F000") {
        throw Error(ErrorCode::kTableChanged,
                    {.message = "A table was dropped while the backup began.",
                     .cause = error.message(),
                     .solution = {"Run the backup when no tables are dropped or renamed."}});
      }
      throw;
    }
  }
  leader.execute("SET LOCAL lock_timeout = 0");
}

void DatabaseBackup::refuse_rewritten(Connection& leader) {
  const std::vector<std::string> rewritten = postgres::tables_rewritten_since(leader, scope_.tables);
  if (rewritten.empty()) return;
  throw Error(
      ErrorCode::kTableChanged,
      {.message = fmt::format(
           "{} was truncated or rewritten between the snapshot and its lock{}.", rewritten.front(),
           rewritten.size() > 1 ? fmt::format(" (and {} more)", rewritten.size() - 1) : ""),
       .cause = "The snapshot would read such a table as empty, without an error.",
       .solution = {"Run the backup when no TRUNCATE, CLUSTER, VACUUM FULL or rewriting ALTER TABLE runs."}});
}

void DatabaseBackup::schedule() {
  std::vector<RowTask> tasks;
  states_.assign(scope_.tables.size(), TableState{});
  for (size_t i = 0; i < scope_.tables.size(); ++i)
    std::ranges::move(tasks_of(i, RowFormat::kText), std::back_inserter(tasks));
  large_objects_ = {};
  large_objects_stream_.reset();
  const Selection& selection = env_.options.selection;
  if (!selection.schema_only && !selection.names_what_to_take()) tasks.push_back({.database = this});
  {
    const std::scoped_lock lock(mutex_);
    open_tasks_ = tasks.size();
  }
  for (const RowTask& task : tasks) env_.queue.push(task);
}

// Begins the table's state anew.
std::vector<RowTask> DatabaseBackup::tasks_of(size_t table, RowFormat format) {
  const PartPlan plan = plan_parts(scope_.tables[table], env_.server.version);
  const size_t count = plan.ranges.size();
  states_[table] = {.parts = std::vector<repository::StreamRef>(count),
                    .fingerprints = std::vector<Fingerprint>(count),
                    .part_blocks = plan.part_blocks,
                    .format = format};
  std::vector<RowTask> tasks;
  for (size_t part = 0; part < count; ++part) {
    tasks.push_back({.database = this,
                     .table = table,
                     .part = static_cast<uint32_t>(part),
                     .range = plan.ranges[part],
                     .format = format,
                     .weight_bytes = weight_of(scope_.tables[table]) / count});
  }
  return tasks;
}

void DatabaseBackup::wait_for_tasks(Connection& leader) {
  std::unique_lock lock(mutex_);
  while (open_tasks_ > 0) {
    if (!changed_.wait(lock, env_.operation.stop, [&] { return open_tasks_ == 0 || !for_leader_.empty(); }))
      throw cancelled();
    while (!for_leader_.empty()) {
      const RowTask task = for_leader_.front();
      for_leader_.pop_front();
      lock.unlock();
      try {
        save_table_part(task, leader);
        task_done();
      } catch (const Error& error) {
        if (!concerns_one_database(error)) throw;
        fail_task(std::current_exception());  // the leader's transaction is the snapshot: there is no other
      }
      lock.lock();
    }
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void DatabaseBackup::run_task(const RowTask& task, SnapshotSession& session) {
  {
    const std::scoped_lock lock(mutex_);
    const bool pointless =
        failure_ ||
        (task.table && (!states_[*task.table].failure.empty() || states_[*task.table].format != task.format));
    if (pointless) {
      --open_tasks_;
      changed_.notify_all();
      return;
    }
  }
  try {
    if (task.table) {
      const postgres::Table& table = scope_.tables[*task.table];
      Connection& connection = session.connection();
      // Waiting would be for ever: whoever waits for an exclusive lock waits for our leader.
      connection.execute(fmt::format("LOCK TABLE ONLY {} IN ACCESS SHARE MODE NOWAIT",
                                     connection.qualified(table.schema, table.name)));
      save_table_part(task, connection);
      session.count_table();
    } else {
      save_objects(session.connection(), [&] { session.reopen(); });
    }
  } catch (const Error& error) {
    if (!concerns_one_database(error)) throw;
    if (is_lock_not_available(error)) {
      session.reopen();
      const std::scoped_lock lock(mutex_);
      for_leader_.push_back(task);
      changed_.notify_all();
      return;
    }
    if (task.table && error.code() != ErrorCode::kConnectionLost &&
        error.code() != ErrorCode::kLockExhaustion) {
      if (may_be_binary(task, scope_.tables[*task.table]) && is_too_long_as_text(error)) {
        begin_binary(*task.table);
      } else {
        table_failed(*task.table, error);
      }
      session.reopen();
    } else {
      fail_task(std::current_exception());
      return;
    }
  }
  task_done();
}

void DatabaseBackup::fail_task(std::exception_ptr error) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  --open_tasks_;
  changed_.notify_all();
}

void DatabaseBackup::task_done() {
  const std::scoped_lock lock(mutex_);
  --open_tasks_;
  changed_.notify_all();
}

void DatabaseBackup::table_failed(size_t table, const Error& error) {
  const std::scoped_lock lock(mutex_);
  TableState& state = states_[table];
  if (!state.failure.empty()) return;
  state.failure = error.what();
  if (scope_.tables[table].row_security && error.code() == ErrorCode::kPermissionDenied) {
    state.failure = fmt::format("row-level security would hide rows from the role ({})", error.message());
    state.bypass = true;
  } else if (env_.server.in_recovery && is_recovery_conflict(error)) {
    state.failure += " (a recovery conflict of the standby: --pause-replay avoids it)";
  }
}

// A row has one place to be in a restored table, and nobody knows which row it was: so all of the table
// changes its format, for rows to be read alike when they are proven.
void DatabaseBackup::begin_binary(size_t table) {
  const std::scoped_lock lock(mutex_);
  if (states_[table].format == RowFormat::kBinary) return;
  const std::vector<RowTask> tasks = tasks_of(table, RowFormat::kBinary);
  open_tasks_ += tasks.size();
  for (const RowTask& task : tasks) env_.queue.push(task);
}

void DatabaseBackup::save_table_part(const RowTask& task, Connection& connection) {
  const postgres::Table& table = scope_.tables[*task.table];
  const std::string object = fmt::format("{}: {}.{}", name(), table.schema, table.name);
  const auto stream =
      env_.writer.open_stream({.item_key = table_key(name(), table.schema, table.name), .part = task.part},
                              repository::StreamClass::kRows);
  Fingerprint fingerprint;
  uint64_t bytes = 0;
  uint64_t reported = 0;
  postgres::CopyOut copy =
      connection.copy_out(copy_out_statement(connection, table, task.range, task.format));
  for (ByteView message; copy.next(message);) {
    const std::optional<ByteView> row = row_in(message, task.format);
    stream->append(message, row ? fingerprint.add(*row) : 0);
    bytes += message.size();
    if (bytes - reported >= kProgressStep && bytes <= task.weight_bytes) {
      env_.progress.advance(bytes - std::exchange(reported, bytes), object);
    }
  }
  if (copy.command_tag_rows() != fingerprint.rows) {
    throw rows_do_not_add_up(table, fingerprint.rows, copy.command_tag_rows());
  }
  repository::StreamRef ref = stream->finish();
  env_.progress.advance(task.weight_bytes - std::min(reported, task.weight_bytes), object);

  const std::scoped_lock lock(mutex_);
  TableState& state = states_[*task.table];
  if (state.format != task.format) return;  // all of it is read again
  state.parts[task.part] = std::move(ref);
  state.fingerprints[task.part] = fingerprint;
  state.row_bytes += bytes;
}

void DatabaseBackup::save_objects(Connection& connection, const std::function<void()>& reopen) {
  const auto stream = env_.writer.open_stream({.item_key = database_key(name(), kLargeObjectsKind)},
                                              repository::StreamClass::kRecords);
  LargeObjectTotals totals = save_large_objects(connection, reopen, *stream);
  repository::StreamRef ref = stream->finish();
  const std::scoped_lock lock(mutex_);
  large_objects_stream_ = std::move(ref);
  large_objects_ = std::move(totals);
}

void DatabaseBackup::add_archive(std::string_view kind, std::optional<repository::StreamRef>& archive) {
  if (!archive) return;
  env_.writer.add_item({.kind = std::string(kind),
                        .key = database_key(name(), kind),
                        .attributes = to_json(PartAttributes{.database = name(), .count = 1}),
                        .parts = {std::move(*archive)}});
}

void DatabaseBackup::add_items(Connection& leader) {
  add_tables(leader.quote_identifier(env_.server.role));
  add_sequences(leader);
  add_archive(kSchemaKind, schema_);
  add_archive(kStatisticsKind, statistics_);
  if (!large_objects_stream_) return;
  leave_out_large_objects(leader);
  env_.writer.add_item({.kind = std::string(kLargeObjectsKind),
                        .key = database_key(name(), kLargeObjectsKind),
                        .attributes = to_json(PartAttributes{.database = name(),
                                                             .count = large_objects_.objects,
                                                             .fingerprint = large_objects_.fingerprint,
                                                             .owners = large_objects_.owners,
                                                             .in_privileges = large_objects_.in_privileges}),
                        .parts = {std::move(*large_objects_stream_)}});
}

void DatabaseBackup::add_tables(const std::string& quoted_role) {
  for (size_t i = 0; i < scope_.tables.size(); ++i) {
    const postgres::Table& table = scope_.tables[i];
    TableState& state = states_[i];
    if (!state.failure.empty()) {
      scope_.left_out.push_back(
          fmt::format("rows of table {}.{}: {}", table.schema, table.name, state.failure));
      if (state.bypass) scope_.grants.insert("ALTER ROLE " + quoted_role + " BYPASSRLS");
      continue;
    }
    TableAttributes attributes{.database = name(),
                               .schema = table.schema,
                               .name = table.name,
                               .columns = table.columns,
                               .fingerprint = {},
                               .row_bytes = state.row_bytes,
                               .heap_bytes = table.heap_bytes,
                               .index_bytes = table.index_bytes,
                               .part_blocks = state.part_blocks,
                               .load_through = table.load_through,
                               .format = state.format,
                               .is_extension_config = table.is_extension_config,
                               .extension = table.extension,
                               .extension_condition = table.extension_condition};
    for (const Fingerprint& part : state.fingerprints) attributes.fingerprint += part;
    env_.writer.add_item({.kind = std::string(kTableKind),
                          .key = table_key(name(), table.schema, table.name),
                          .attributes = to_json(attributes),
                          .parts = std::move(state.parts)});
  }
}

// Read as they stand: after the snapshot, so never behind its rows. A sequence cannot be locked, and the
// schema names it as it is called now where it is used (in defaults) and as the snapshot has it where it is
// made: both must be the same.
void DatabaseBackup::read_sequences(Connection& leader) {
  if (env_.options.selection.schema_only) return;
  const auto changed = [](const std::string& which, const std::string& cause) {
    return Error(ErrorCode::kTableChanged,
                 {.message = fmt::format("{} was dropped or renamed while the backup began.", which),
                  .cause = cause,
                  .solution = {"Run the backup when no sequences are dropped or renamed."}});
  };
  // Rolled back, so that nobody who drops or renames one later has to wait for the end of the backup.
  leader.execute("SAVEPOINT sequences");
  try {
    sequences_ = postgres::read_sequences(
        leader, [&](postgres::Oid oid) { return scope_.selected.has_contents(oid); });
  } catch (const Error& error) {
    if (error.sqlstate() != "42P01" && error.sqlstate() != "3F000") throw;
    throw changed("A sequence", error.message());
  }
  leader.execute("ROLLBACK TO SAVEPOINT sequences");
  if (!sequences_.changed.empty()) throw changed("Sequence " + sequences_.changed.front(), "");
}

void DatabaseBackup::add_sequences(Connection& leader) {
  if (env_.options.selection.schema_only) return;
  const std::string role = leader.quote_identifier(env_.server.role);
  for (const std::string& unreadable : sequences_.unreadable) {
    if (env_.server.in_recovery && env_.server.is_superuser) {
      scope_.left_out.push_back(
          fmt::format("value of sequence {}: it is unlogged, and a standby has none", unreadable));
      continue;
    }
    const std::string grant = fmt::format("GRANT SELECT ON SEQUENCE {} TO {}", unreadable, role);
    scope_.left_out.push_back(
        fmt::format("value of sequence {}: the role may not read it ({})", unreadable, grant));
    scope_.grants.insert(grant_that_helps(env_.server, role, grant));
  }
  const auto stream = env_.writer.open_stream({.item_key = database_key(name(), kSequencesKind)},
                                              repository::StreamClass::kRecords);
  save_sequences(sequences_.values, *stream);
  env_.writer.add_item(
      {.kind = std::string(kSequencesKind),
       .key = database_key(name(), kSequencesKind),
       .attributes = to_json(PartAttributes{.database = name(), .count = sequences_.values.size()}),
       .parts = {stream->finish()}});
}

}  // namespace dbb::logical
