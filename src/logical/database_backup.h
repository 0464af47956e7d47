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
#include "logical/document.h"
#include "logical/large_objects.h"
#include "logical/operation.h"
#include "logical/row_queue.h"
#include "postgres/catalog.h"
#include "postgres/server.h"
#include "repository/backup_writer.h"

namespace dbb::logical {

// Adds up what all workers have read and tells the world. Thread-safe.
class BackupProgress {
 public:
  BackupProgress(const Operation& operation, uint32_t databases_total)
      : operation_(operation), databases_total_(databases_total) {}
  void expect(int64_t bytes);  // may be negative: an estimate that is replaced
  void advance(uint64_t bytes, const std::string& object);
  void database_done();

 private:
  const Operation& operation_;
  const uint32_t databases_total_;
  std::mutex mutex_;
  Progress now_{.phase = "rows", .object = {}};
};

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

// A worker's session in the snapshot of one database.
class SnapshotSession {
 public:
  SnapshotSession(const BackupEnvironment& environment, const std::string& database,
                  const std::string& snapshot);
  postgres::Connection& connection() { return connection_; }
  // Ends the transaction, and with it the locks it gathered or the error it died of, and takes the same
  // snapshot again.
  void reopen();
  void count_table();  // reopens now and then, so that a worker's locks do not add up

 private:
  postgres::Connection connection_;
  std::string snapshot_;
  int tables_since_reopen_ = 0;
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
  };

  void attempt(postgres::Connection& leader);
  void begin_snapshot(postgres::Connection& leader);
  void find_tables(postgres::Connection& leader);
  repository::StreamRef dump_schema(postgres::Connection& leader);
  void lock_tables(postgres::Connection& leader);
  void refuse_rewritten(postgres::Connection& leader);
  void schedule();
  void wait_for_tasks(postgres::Connection& leader);
  void save_table_part(const RowTask& task, postgres::Connection& connection);
  void save_objects(postgres::Connection& connection, const std::function<void()>& reopen);
  void table_failed(size_t table, const Error& error);
  void task_done();
  void add_items(postgres::Connection& leader, repository::StreamRef schema);

  const BackupEnvironment& env_;
  const postgres::DatabaseProperties properties_;
  std::string snapshot_;
  std::vector<postgres::Table> tables_;
  std::vector<std::string> excluded_;  // tables the role may not read, quoted
  std::vector<std::string> left_out_;  // what is missing, for people
  int64_t expected_bytes_ = 0;         // told to progress

  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_ while tasks are under way.
  size_t open_tasks_ = 0;
  std::deque<RowTask> for_leader_;  // tables a worker was not let near: the leader holds their locks already
  std::exception_ptr failure_;
  std::vector<TableState> states_;
  std::optional<repository::StreamRef> large_objects_stream_;
  LargeObjectTotals large_objects_;
};

// Whether the other databases can go on after this error: it came from the server or a client program, not
// from the repository, this host, or a person.
bool concerns_one_database(const Error& error);

}  // namespace dbb::logical
