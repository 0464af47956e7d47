#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "logical/document.h"
#include "logical/operation.h"
#include "repository/repository.h"

namespace dbb::logical {

struct BackupOptions {
  std::optional<std::string> database = {};  // only this one; otherwise the whole cluster
  int jobs = 0;                              // workers that read rows; 0: one per processor
  int parallel_databases = 2;  // opened at once; lowered to what locks and connection slots allow
  std::chrono::seconds lock_wait_timeout{60};
  bool serializable_deferrable = false;
  std::vector<std::string> exclude_databases = {};  // patterns; of a whole cluster
  Selection selection = {};                         // of `database`
  bool pause_replay = false;                        // the source must be a standby
  bool statistics = false;                          // the planner's, too; takes pg_dump 18
  std::filesystem::path state_directory = {};       // see replay_trace.h; "": nothing is remembered
};

struct BackupResult {
  repository::Manifest manifest;  // committed; its `complete` says whether all that was there is in it
  Document document;
};

// Makes one backup. Order and reasons: DESIGN section 7. A database that fails, or a table that may not be
// read, does not end the run: it is recorded, and the backup is committed as incomplete; the caller decides
// the exit code. Throws when nothing could be saved (server, rights, client programs, repository,
// cancellation); then no backup exists.
//
// Steps for hooks: "replay-paused" with ""; "snapshot-taken", "schema-dumped", "tables-locked", "rows-begun",
// "rows-done" per database; "globals-saved", "before-commit" with "".
BackupResult back_up(repository::Repository& repository, const BackupOptions& options,
                     const Operation& operation);

}  // namespace dbb::logical
