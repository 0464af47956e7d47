#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/task_group.h"
#include "logical/disk_watch.h"
#include "logical/lock_waits.h"
#include "logical/operation.h"
#include "logical/restore_progress.h"
#include "postgres/connection.h"

namespace dbb::logical {

struct WatchOptions {
  std::chrono::milliseconds lock_timeout{0};  // 0: wait for ever
  bool debug_locks = false;                   // every look at the locks is told
  std::vector<WatchedPlace> places = {};      // of the server's disk
  uint64_t wal_segment_bytes = 0;
};

// Looks on while a restore runs: twice a second at the locks its sessions wait for, over a session of its own
// (role "watch"); at the builds of its indexes; and at the server's file systems, more often the fuller they
// are. What it sees it tells as notices and in the progress. Without its session (no slot, a lost connection)
// the restore goes on, with a warning. Two threads.
class RestoreWatch {
 public:
  // The references outlive it. Throws nothing but std::bad_alloc and the like.
  RestoreWatch(const Operation& operation, std::string maintenance, WatchOptions options,
               RestoreProgress& progress);
  ~RestoreWatch();
  RestoreWatch(const RestoreWatch&) = delete;
  RestoreWatch& operator=(const RestoreWatch&) = delete;

  // What the restore works with: its sessions wait for locks as long as the options say, and everything is
  // stopped when the disk is nearly full.
  const Operation& watched() const { return watched_; }

  // The restore came to its end, so all that it waited for was given, also since the last look.
  void finished();

  // What is to be told instead of `error`: the reason of the stop, if that was ours; a lock that was not
  // granted with whoever held it; otherwise the same.
  Error reason(const Error& error) const;

 private:
  void watch_locks(const std::stop_token& stop);
  void watch_disk(const std::stop_token& stop);
  void look(postgres::Connection& session);

  const Operation& operation_;
  const std::string maintenance_;
  const WatchOptions options_;
  RestoreProgress& progress_;
  LockWaits waits_;
  mutable std::mutex mutex_;
  std::optional<Error> stopped_for_;  // guarded by mutex_
  TaskGroup threads_;
  Operation watched_;
};

// Whether `error` is a lock that was refused to `session` in time while it stood behind sessions of the same
// run only: they go on, and so may it, once more.
bool waited_for_ourselves(const Operation& operation, const postgres::Connection& session,
                          const Error& error);

}  // namespace dbb::logical
