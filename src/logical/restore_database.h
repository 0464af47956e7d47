#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "logical/old_database.h"
#include "logical/restore.h"
#include "logical/restore_contents.h"
#include "logical/restore_manifest.h"
#include "logical/restore_marks.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"
#include "logical/restore_watch.h"
#include "logical/schema_plan.h"
#include "logical/schema_runner.h"
#include "logical/swap.h"
#include "logical/timescale.h"
#include "logical/upgrade.h"
#include "postgres/server.h"

namespace dbb::logical {

// What all databases of one restore share. The references outlive it; read by many threads.
struct RestoreShared {
  repository::Repository& repository;
  repository::BackupReader& backup;
  const RestorePlan& plan;
  const postgres::ServerFacts& server;
  const std::string maintenance;
  RestoreProgress& progress;
  RestoreJournal& journal;
  const RestoreWatch& watch;
};

// A staging database that is complete and closed.
struct BuiltDatabase {
  postgres::Oid staging;
  std::optional<postgres::Oid> old = {};  // the one whose name it takes
};

// Builds one database as its plan says, beside what exists, up to the proof; or fills a system database in
// place. Goes on where an earlier attempt of the same run stopped. Confined to one thread; starts its workers
// itself. What went wrong is thrown, with phase and object in its context; the staging database is then still
// there.
class DatabaseRestore {
 public:
  // `outcome` is filled as far as the restore comes.
  DatabaseRestore(const RestoreShared& shared, const DatabasePlan& plan, const Operation& operation,
                  int workers, DatabaseOutcome& outcome);
  BuiltDatabase build();
  void fill_system();

 private:
  template <typename Body>
  auto in_phases(Body&& body);
  bool adopt(postgres::Connection& session);
  bool may_lack_what_is_unlogged(postgres::Connection& session) const;
  void create(postgres::Connection& session);
  void begin_to_fill();
  void fill();
  void load_and_build(const SchemaRunner& runner, const SchemaTasks& after_rows);
  void load_sequences(const Operation& mine);
  std::vector<std::string> gates_of(const SchemaTasks& after_rows) const;
  EntryFilter entries_to_run(const postgres::ExtensionNeed* first) const;
  void begin_extensions(const SchemaRunner& runner, const postgres::ArchiveToc& toc);
  void end_extensions();
  void create_missing_schemas(const postgres::ArchiveToc& toc);
  bool may_be_left_out(const Error& error, const postgres::ArchiveEntry& entry);
  void settle_what_was_left_out();
  void leave_out_tables();
  Upgrade upgrade() const;
  void finish_schema(const SchemaRunner& runner, const SchemaPlan& plan, const postgres::ArchiveToc& toc);
  bool is_part() const { return record_.is_part() || plan_.part; }
  bool is_in_place() const { return plan_.action == DatabaseAction::kFillSystem; }
  bool lacks_something() const { return is_part() || record_.state == DatabaseState::kIncomplete; }
  void give_statistics();
  void prove();
  void end_schema(const SchemaRunner& runner, const SchemaPlan& plan);
  void make_durable();
  void give_properties(const std::string& database);
  void settle_outcome();
  void warn(const std::string& kind, std::string text);
  WorkSession work_session(std::string database) const;
  // In a system database a table has all its rows or none, so that what a killed run left can be told.
  bool may_split() const { return !is_in_place(); }
  // What is marked as complete is so for this content only.
  std::string content_text() const;
  RestoreMarks* marks() { return is_in_place() ? nullptr : &marks_; }

  const RestoreShared& shared_;
  const DatabasePlan& plan_;
  const Operation& operation_;
  const int workers_;
  DatabaseOutcome& outcome_;
  const DatabaseRecord& record_;
  const bool with_owners_;
  DatabaseContent content_;
  WorkSession work_;
  RestoreMarks marks_;
  bool is_ready_ = false;  // an earlier attempt came to the end of end_schema()
  const char* phase_ = "create";
  std::mutex mutex_;                   // guards the two below while statements run
  std::vector<std::string> left_out_;  // entries that refer to what the backup does not have, with the reason
  std::map<std::string, std::string> tables_left_out_;  // by "schema.table"; with the reason
};

// The swap of one database, and what becomes of the old one. Confined to one thread.
class DatabaseSwap {
 public:
  DatabaseSwap(const RestoreShared& shared, const DatabasePlan& plan, const Operation& operation,
               const BuiltDatabase& built, DatabaseOutcome& outcome);
  Swap prepare();
  // The names are exchanged.
  void done(double window_seconds);
  // What is then done with the old one; also of a swap that an earlier attempt of the run made.
  void settle_old();

 private:
  void disable_old_subscriptions();
  bool let_in(bool is_open);
  bool count_newer_rows();
  std::string reason_to_keep(bool is_counted) const;
  void drop_old();
  void warn(const std::string& kind, std::string text);

  const RestoreShared& shared_;
  const DatabasePlan& plan_;
  const Operation& operation_;
  const BuiltDatabase built_;
  DatabaseOutcome& outcome_;
  const DatabaseRecord& record_;
};

const DatabaseRecord& record_of(const RestorePlan& plan, const std::string& source);

}  // namespace dbb::logical
