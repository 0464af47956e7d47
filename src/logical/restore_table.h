#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "logical/entry_rules.h"
#include "logical/operation.h"
#include "logical/table_entries.h"
#include "repository/repository.h"

// One table out of a backup, with its partitions or children, into a database that is in use.
namespace dbb::logical {

struct RestoreTableOptions {
  BackupId backup;
  std::string database;   // in the backup
  QualifiedName table;    // in the backup; the schema may be "" where the name is there once
  std::string into;       // the database it is restored into
  QualifiedName as = {};  // its name there; "" for what it is in the backup
  bool replace = false;   // a table of that name is renamed away and kept
  bool proof = true;
  EntryRules rules = {};
  int jobs = 0;  // 0: one per processor
  std::chrono::seconds lock_timeout{60};
  bool debug_locks = false;  // tell what every look at the locks finds
};

struct TablePlan {
  RestoreTableOptions options;  // with every name filled in
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
  bool exists = false;                   // a table, or something else, has the name
  std::string kept_name = {};            // the old one's, when it is replaced
  std::vector<std::string> entries;      // what comes with it, for people
  std::vector<std::string> left_behind;  // what does not
  std::vector<QualifiedName> tables;     // by their names in the backup: the table, and those below it
  std::vector<std::string>
      still_refer;  // to the old one after it is replaced: views, foreign keys, functions
  std::vector<std::string> publications = {};  // that every table there is in; rows restored are not sent
  bool backup_complete = true;
};

struct TableResult {
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
  bool proven = false;
  std::string kept_as = {};  // name of the old one
  double seconds = 0;
  std::vector<std::string> warnings = {};
};

// Looks at what can be known before; changes nothing. kDatabaseNotFound, kUsage (no such table in the backup,
// an ambiguous name, no such schema), kTargetExists (the name is taken, and `replace` was not asked for),
// kVersionDowngrade.
TablePlan plan_restore_table(repository::Repository& repository, const RestoreTableOptions& options,
                             const Operation& operation);

// Builds the table in a schema of its own, with rows, indexes and constraints, reads the rows again and
// compares them, and moves it to its place in one transaction. A failure or a stop leaves the database as it
// was. Foreign keys, triggers and privileges that refer to what the database does not have are left out, with
// a warning each.
//
// Steps for hooks: "table-built", "before-move", "moved" with the database.
TableResult execute_restore_table(repository::Repository& repository, const TablePlan& plan,
                                  const Operation& operation);

}  // namespace dbb::logical
