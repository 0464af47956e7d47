#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "logical/restore_contents.h"
#include "logical/restore_marks.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"

// Puts rows and large objects into the tables of a staging database.
namespace dbb::logical {

// One piece of work of one worker.
struct LoadTask {
  enum class Kind : uint8_t {
    kTable,  // all parts in one transaction: TRUNCATE, then COPY with FREEZE
    kPart,   // one part of a large table whose parts are loaded at once
    kRoot,   // all leaves below one root, loaded through it
    kLargeObjects,
  };
  Kind kind = Kind::kTable;
  std::vector<size_t> tables = {};  // in DatabaseContent::tables
  size_t part = 0;                  // of kPart; of kLargeObjects, the stream
  uint64_t bytes = 0;

  bool operator==(const LoadTask&) const = default;
};

// Largest first. A table in several parts is split only when it is clearly more than one worker's share:
// otherwise it is better frozen in one transaction. Configuration tables of extensions are not in it. A pure
// function.
std::vector<LoadTask> plan_load(const DatabaseContent& content, int workers);

// The mark of a table whose rows came in one transaction.
std::string mark_of_table(const TableAttributes& table);
// The tables, quoted, that no transaction of their own froze.
std::set<std::string> tables_not_frozen(const postgres::Connection& session, const DatabaseContent& content,
                                        int workers, const RestoreMarks* marks);

struct LoadOptions {
  int workers = 1;
  bool may_split = true;  // false: every table is loaded in one transaction
  bool with_owners = true;
  RestoreMarks* marks = nullptr;  // of what is complete, which is not loaded again; nullptr: none are kept
  std::function<void(postgres::LargeObject&)> change = [](postgres::LargeObject&) {
  };  // see LargeObjectOptions
};

// What the workers do besides loading, in their threads. Nothing of it has a session of the loader's open.
struct BesideLoading {
  // All rows of that table are in. Called from many threads, also for tables without rows; of some tables not
  // at all.
  std::function<void(const TableAttributes&)> table_is_in = [](const TableAttributes&) {};
  // Called once, when all rows of all tables are in.
  std::function<void(const Operation& mine)> all_are_in = [](const Operation&) {};
  // Called by every worker for which nothing more is left to load; others may still load. After the last
  // one's all_are_in(), if it is that. May block.
  std::function<void(const Operation& mine)> then = [](const Operation&) {};
};

// `work.database` holds the schema before its indexes, constraints and triggers. Every table has its recorded
// number of rows after return. Error contexts name the table.
void load_rows(repository::BackupReader& backup, const DatabaseContent& content, const Operation& operation,
               const WorkSession& work, const LoadOptions& options, RestoreProgress& progress,
               const std::string& shown_database, const BesideLoading& beside = {});

// Configuration rows of extensions, before all others, in the order of their foreign keys, beside what the
// extension put there itself.
void load_extension_rows(repository::BackupReader& backup, const DatabaseContent& content,
                         const Operation& operation, const WorkSession& work, bool is_superuser,
                         RestoreMarks* marks);

// "schema"."table" ("a", "b"): without a list where there are no columns to name.
std::string with_columns(const postgres::Connection& session, const std::string& table,
                         const std::vector<std::string>& columns);
// "a", "b"
std::string column_list(const postgres::Connection& session, const std::vector<std::string>& columns);

}  // namespace dbb::logical
