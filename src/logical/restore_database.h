#pragma once

#include <map>
#include <mutex>
#include <string>

#include "logical/restore.h"
#include "logical/restore_contents.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"
#include "logical/schema_plan.h"
#include "logical/schema_runner.h"
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
};

// Restores one database as its plan says: builds it beside what exists, proves it, and swaps it in, or fills
// a system database in place. Confined to one thread; starts its workers itself.
class DatabaseRestore {
 public:
  // `outcome` is filled as far as the restore comes.
  DatabaseRestore(const RestoreShared& shared, const DatabasePlan& plan, const Operation& operation,
                  DatabaseOutcome& outcome);
  // Throws what went wrong, after the staging database was dropped.
  void run();

 private:
  void create();
  void build_and_swap();
  void fill_system();
  void begin_to_fill();
  void fill(bool in_one_transaction);
  void load();
  EntryFilter entries_to_run(const postgres::ExtensionNeed* first) const;
  void end_extensions();
  void create_missing_schemas(const postgres::ArchiveToc& toc);
  bool may_be_left_out(const Error& error, const postgres::ArchiveEntry& entry);
  void settle_what_was_left_out();
  Upgrade upgrade() const;
  void finish_schema(const SchemaRunner& runner, const SchemaPlan& plan, const postgres::ArchiveToc& toc);
  bool is_part() const { return record_.is_part() || plan_.part; }
  bool lacks_something() const { return is_part() || record_.state == DatabaseState::kIncomplete; }
  void give_statistics();
  void prove();
  void make_durable();
  void give_properties(const std::string& database, bool in_place);
  void swap_in();
  void drop_old();
  void settle_outcome();
  void warn(const std::string& kind, std::string text);
  WorkSession work_session(std::string database) const;
  int load_workers() const;

  const RestoreShared& shared_;
  const DatabasePlan& plan_;
  const Operation& operation_;
  DatabaseOutcome& outcome_;
  const DatabaseRecord& record_;
  const bool with_owners_;
  DatabaseContent content_;
  WorkSession work_;
  postgres::Oid staging_;
  std::optional<postgres::Oid> old_;
  std::mutex mutex_;                   // guards the two below while statements run
  std::vector<std::string> left_out_;  // entries that refer to what the backup does not have, with the reason
  std::map<std::string, std::string> tables_left_out_;  // by "schema.table"; with the reason
};

}  // namespace dbb::logical
