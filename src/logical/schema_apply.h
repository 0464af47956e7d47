#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "logical/operation.h"
#include "logical/restore_session.h"
#include "postgres/client_programs.h"
#include "repository/backup_reader.h"
#include "system/memory_file.h"

namespace dbb::logical {

// A database's schema archive as pg_restore can read it. It holds secrets (user mappings, subscriptions), and
// so never lies on a disk: docs/decisions/0014.
class SchemaArchive {
 public:
  SchemaArchive(repository::BackupReader& backup, const repository::StreamRef& stream,
                const postgres::ClientPrograms& programs);

  const std::filesystem::path& path() const { return file_.path(); }
  // All statements as SQL text.
  std::string script(const system::StopEvent& stop) const;
  // The lines of `pg_restore -l` for one section: "" for all.
  std::vector<std::string> list(std::string_view section, const system::StopEvent& stop) const;

  const postgres::ClientPrograms& programs() const { return programs_; }

 private:
  system::MemoryFile file_;
  const postgres::ClientPrograms& programs_;
};

// Post-data in the order in which it must run: what depends on nothing behind it, refreshes of materialized
// views, and event triggers, which would otherwise fire for the restore itself.
struct PostData {
  std::vector<std::string> main;
  std::vector<std::string> refreshes;
  std::vector<std::string> event_triggers;
};
PostData split_post_data(const std::vector<std::string>& lines);

// Runs the statements of an archive in one database. Every statement's error ends the call, but for
// refreshes. This is the one place that calls pg_restore on a database, and what a runner of our own will
// replace.
class SchemaApplier {
 public:
  SchemaApplier(const SchemaArchive& archive, const Operation& operation, const WorkSession& work,
                bool with_owners)
      : archive_(archive), operation_(operation), work_(work), with_owners_(with_owners) {}

  void apply_pre_data(bool in_one_transaction);
  // `workers` statements at once. Returns a warning for each materialized view that could not be refreshed.
  std::vector<std::string> apply_post_data(int workers);

 private:
  void run(std::vector<std::string> arguments) const;
  // Only the entries of these lines of SchemaArchive::list(), in their order.
  void run_listed(const std::vector<std::string>& lines, std::vector<std::string> arguments) const;

  const SchemaArchive& archive_;
  const Operation& operation_;
  const WorkSession& work_;
  bool with_owners_;
};

}  // namespace dbb::logical
