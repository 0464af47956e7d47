#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "logical/backup.h"
#include "logical/backup_progress.h"
#include "logical/backup_scope.h"
#include "logical/document.h"
#include "logical/large_objects.h"
#include "logical/operation.h"
#include "logical/row_queue.h"
#include "logical/snapshot_session.h"
#include "postgres/catalog.h"
#include "postgres/server.h"
#include "repository/backup_writer.h"

namespace dbb::logical {

// What all databases of one backup share.
struct BackupEnvironment {
  const Operation& operation;
  const BackupOptions& options;
  const postgres::ServerFacts& server;
  const postgres::ClientPrograms& programs;
  repository::BackupWriter& writer;
  RowQueue& queue;
  WeightGate& lock_gate;  // in locks
  BackupProgress& progress;
};

// Saves one database in the order of DESIGN section 7. run() belongs to the database's leader thread;
// run_task() is called by workers.
class DatabaseBackup {
 public:
  DatabaseBackup(const BackupEnvironment& environment, postgres::DatabaseProperties properties);

  // Throws what concerns this database alone as well as what ends the run; see concerns_one_database().
  DatabaseRecord run();

  // Never throws what concerns this database alone: run() does then.
  void run_task(const RowTask& task, SnapshotSession& session);
  // For a task that could not even begin.
  void fail_task(std::exception_ptr error);
  const std::string& name() const { return properties_.name; }
  const std::string& snapshot() const { return snapshot_; }

 private:
  struct TableState {
    std::vector<repository::StreamRef> parts;
    std::vector<Fingerprint> fingerprints;  // per part
    uint64_t row_bytes = 0;
    uint32_t part_blocks = 0;
    std::string failure;  // why its rows are not in the backup
    bool bypass = false;  // because the role has no BYPASSRLS
    RowFormat format = RowFormat::kText;
  };

  void attempt(postgres::Connection& leader);
  void begin_snapshot(postgres::Connection& leader);
  void leave_out_large_objects(postgres::Connection& leader);
  repository::StreamRef dump_schema(postgres::Connection& leader);
  std::optional<repository::StreamRef> dump_statistics(postgres::Connection& leader);
  repository::StreamRef run_pg_dump(postgres::Connection& leader, std::string_view kind,
                                    std::vector<std::string> arguments);
  void lock_tables(postgres::Connection& leader);
  void refuse_rewritten(postgres::Connection& leader);
  void schedule();
  std::vector<RowTask> tasks_of(size_t table, RowFormat format);
  void wait_for_tasks(postgres::Connection& leader);
  void save_table_part(const RowTask& task, postgres::Connection& connection);
  void begin_binary(size_t table);
  void save_objects(postgres::Connection& connection, const std::function<void()>& reopen);
  void table_failed(size_t table, const Error& error);
  void task_done();
  void add_items(postgres::Connection& leader);
  void add_archive(std::string_view kind, std::optional<repository::StreamRef>& archive);
  void add_tables(const std::string& quoted_role);
  void read_sequences(postgres::Connection& leader);
  void add_sequences(postgres::Connection& leader);

  const BackupEnvironment& env_;
  const postgres::DatabaseProperties properties_;
  std::string snapshot_;
  std::optional<repository::StreamRef> schema_;
  std::optional<repository::StreamRef> statistics_;
  BackupScope scope_;           // of this attempt
  int64_t expected_bytes_ = 0;  // told to progress

  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_ while tasks are under way.
  size_t open_tasks_ = 0;
  std::deque<RowTask> for_leader_;  // tables a worker was not let near: the leader holds their locks already
  std::exception_ptr failure_;
  std::vector<TableState> states_;
  std::optional<repository::StreamRef> large_objects_stream_;
  LargeObjectTotals large_objects_;
  postgres::SequenceValues sequences_;
};

// Whether the other databases can go on after this error: it came from the server or a client program, not
// from the repository, this host, or a person.
bool concerns_one_database(const Error& error);

}  // namespace dbb::logical
