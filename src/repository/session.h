#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "repository/core.h"
#include "repository/state_object.h"
#include "system/clock.h"

namespace dbb::repository {

struct SessionOptions {
  std::string operation;  // "backup", "restore", "prune", ...
  std::string host = {};
  std::string backup = {};  // the id of the backup that is written or read
};

// The presence of a process in a repository, so that pruning waits for it: a session object that a thread
// renews every twentieth part of the grace, and that is removed at the end. Thread-safe.
class Session {
 public:
  // Present once this returns. Where the repository cannot be written to (rights, a full disk) there is no
  // object, and no error: who only reads needs none but to keep a prune from deleting what is forgotten
  // meanwhile.
  enum class Writes : uint8_t { kNeeded, kIfPossible };
  Session(std::shared_ptr<RepositoryCore> core, const SessionOptions& options, Writes writes,
          system::Clock& clock);
  ~Session();

  const std::string& id() const { return record_.id; }
  // The object stays at the end: something has to be looked at by whoever takes this session for dead.
  void leave_behind();
  // Shows a sign of life now. A store that does not answer is no error: silence counts, in the end.
  void beat();
  // Error kSessionSilent when there was no sign of life for more than half the grace at any time, by wall
  // clock or by the clock that also runs while the host is suspended.
  void refuse_if_silent();

 private:
  void put_record();
  void remove_written();
  std::chrono::microseconds silence();
  void beat_until_stopped(const std::stop_token& stop);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  system::Clock& clock_;
  const std::chrono::microseconds grace_;
  std::mutex mutex_;
  SessionRecord record_;  // guarded by mutex_ but for its id, like the two below
  uint32_t next_sequence_ = 0;
  std::vector<std::string> written_;  // objects that are there, or may be
  bool present_ = false;
  bool left_behind_ = false;
  std::chrono::steady_clock::time_point beat_steady_;
  std::chrono::microseconds longest_silence_{0};
  std::condition_variable_any stopped_;
  TaskGroup tasks_;  // last: its thread uses all of the above
};

}  // namespace dbb::repository
