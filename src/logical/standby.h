#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "logical/operation.h"

// Backing up a standby, which replays what its primary does while we read.
namespace dbb::logical {

// Replay held still for as long as the object lives. Confined to one thread.
//
// Pausing is asynchronous: the constructor returns when the server says it has paused. One that was paused
// before stays so. A process that is killed without a chance to resume leaves replay paused; `SELECT
// pg_wal_replay_resume()` ends that, and so does promotion; and so does the next run that finds its trace.
class ReplayPause {
 public:
  // kPermissionDenied with the GRANT that helps; kLockTimeout when replay does not come to a halt in time,
  // which happens while it waits for somebody's query itself; kServerError when the standby is promoted.
  // `state_directory` is where the trace is left, "" for none.
  ReplayPause(const Operation& operation, std::string maintenance, std::chrono::seconds timeout,
              const std::filesystem::path& state_directory);
  // Resumes over a session of its own and within its own time, since the operation may have been stopped; a
  // warning when that fails.
  ~ReplayPause();
  ReplayPause(const ReplayPause&) = delete;
  ReplayPause& operator=(const ReplayPause&) = delete;

 private:
  void wait_until_paused(postgres::Connection& session, std::chrono::seconds timeout);
  void resume() noexcept;

  const Operation& operation_;
  const std::string maintenance_;
  const std::filesystem::path trace_;
  bool is_ours_ = false;
};

// Of a standby that we find paused.
struct PausedReplay {
  std::optional<BackupId>
      run;              // a run of ours, from this host, paused it, and replay stands where it did then
  bool in_use = false;  // a run of ours that is at work holds it, or may
};
// Empty when the server is no standby, or replays. `session` is to any database.
std::optional<PausedReplay> find_paused_replay(postgres::Connection& session, const Operation& operation,
                                               const std::filesystem::path& state_directory);

// Sets replay going again and forgets the trace. kPermissionDenied.
void resume_replay(postgres::Connection& session, const Operation& operation,
                   const std::filesystem::path& state_directory);

// What a backup of a standby does first: resumes what a killed run of ours left paused, and warns of any
// other pause.
void settle_replay(postgres::Connection& session, const Operation& operation,
                   const std::filesystem::path& state_directory);

// Whether replay ended a query or a session of ours. Only to be asked of errors met on a standby.
bool is_recovery_conflict(const Error& error);
// The same error with what can be done about it.
Error explained_conflict(const Error& error);

}  // namespace dbb::logical
