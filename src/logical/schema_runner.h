#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "logical/operation.h"
#include "logical/restore_marks.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"
#include "logical/schema_plan.h"
#include "logical/schema_queue.h"

namespace dbb::logical {

// Who owns what a restore makes.
struct SchemaOwners {
  bool given = true;  // false: everything stays with the connected role
};

// The SQL of one entry, to be sent in one go: it is one transaction. Empty for an entry that does nothing.
std::string sql_of(const postgres::ArchiveEntry& entry, const SchemaOwners& owners);

// Runs the statements of a schema archive in one database, over sessions of its own. The error of a statement
// has the object, the statement (unless it may hold a password) and the SQLSTATE.
class SchemaRunner {
 public:
  // `shown_database` is for the progress. The references outlive it.
  SchemaRunner(const Operation& operation, const WorkSession& work, const postgres::ArchiveToc& toc,
               SchemaOwners owners, RestoreProgress& progress, std::string shown_database);

  // From now on an error for which this returns true does not end run(): the entry is left out. Called from
  // many threads; without effect within one transaction.
  using Tolerance = std::function<bool(const Error&, const postgres::ArchiveEntry&)>;
  void tolerate(Tolerance tolerance) { tolerance_ = std::move(tolerance); }

  // From now on run() and run_refreshes() mark what is complete, and pass over what is marked.
  void keep_marks(RestoreMarks& marks) { marks_ = &marks; }

  // For the progress: these are the indexes and what else follows the rows.
  void announce_indexes(const SchemaTasks& tasks) const;
  // Runs what the queue of the `tasks` hands out, in one session, until all of them are handed out. To be
  // called by several threads at once, each with its own stop token in `mine`.
  void work_off(std::string_view phase, const SchemaTasks& tasks, SchemaQueue& queue,
                const Operation& mine) const;
  // `workers` statements at once, shown as `phase`. The first error stops the others.
  void run(std::string_view phase, const SchemaTasks& tasks, int workers) const;
  // One after the other, all or nothing, after the statement `first`, if there is one.
  void run_in_one_transaction(const SchemaTasks& tasks, const std::string& first = "") const;
  // As run(), but a view that cannot be refreshed does not end it: a warning for each. One that could be once
  // others were is tried again.
  std::vector<std::string> run_refreshes(const SchemaTasks& tasks, int workers) const;

 private:
  void run_in(const WorkSession& work, std::string_view phase, const SchemaTasks& tasks, int workers,
              const Tolerance& tolerated) const;
  void run_task(std::string_view phase, postgres::Connection& session, const SchemaTask& task,
                const Operation& mine, const Tolerance& tolerated) const;
  // `mark`: "", or a statement that marks it as complete.
  void run_entry(std::string_view phase, postgres::Connection& session, const postgres::ArchiveEntry& entry,
                 const std::string& mark) const;

  const Operation& operation_;
  WorkSession work_;
  SchemaOwners owners_;
  RestoreProgress& progress_;
  const std::string shown_database_;
  Tolerance tolerance_;
  RestoreMarks* marks_ = nullptr;
};

}  // namespace dbb::logical
