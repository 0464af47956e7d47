#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event.h"

namespace dbb::logical {

// A session that stands in the way of another.
struct LockHolder {
  int pid = 0;           // 0: a prepared transaction
  bool is_ours = false;  // a session of the same run
  std::string
      text;  // "process 4711 (user alice, application "psql", idle in transaction for 12 s): ALTER ..."
};

// A session of this run that waits for a lock, as one look found it.
struct LockWait {
  int pid = 0;
  std::string database;   // to which it is connected
  std::string lock;       // "exclusive lock", "lock"
  std::string object;     // "database app", "relation 16390"
  std::string statement;  // its own, cut
  double seconds = 0;     // it has waited
  std::vector<LockHolder> holders;

  // Sessions of one run may wait for each other for a while; that is nobody's fault and ends by itself.
  bool is_for_others() const;
};

// Who of this run waits for whom: filled by the watcher, asked by whoever was refused a lock. Thread-safe.
class LockWaits {
 public:
  // `timeout`: after which the server gives up (lock_timeout); 0: never.
  explicit LockWaits(std::chrono::milliseconds timeout) : timeout_(timeout) {}

  // What a look found, complete; returns what is to be told now. A wait for somebody else is told when it has
  // lasted two seconds, and then each time it has doubled; that its time is nearly over, once, from 70 % on.
  std::vector<Notice> update(std::vector<LockWait> found, std::chrono::steady_clock::time_point now);

  // "waiting for a lock held by process 4711 ..." for a line of progress; "" when nobody waits for others.
  std::string line() const;
  // Whether that session, when it was last seen waiting, waited for sessions of this run only.
  bool waited_for_ourselves(int pid) const;
  // Error kLockTimeout with the holders added that were seen last; any other error as it is.
  Error explained(const Error& error) const;

 private:
  struct Told {
    LockWait wait;       // as it was last seen
    double tell_at = 0;  // seconds of waiting
    bool was_told = false;
    bool was_warned = false;
    std::chrono::steady_clock::time_point seen;
    bool is_waiting = true;
  };

  void tell(Told& told, std::vector<Notice>& notices) const;
  bool may_have_timed_out(const Told& told, std::chrono::steady_clock::time_point now) const;

  const std::chrono::milliseconds timeout_;
  mutable std::mutex mutex_;
  std::map<int, Told> told_;  // by pid; guarded by mutex_
};

}  // namespace dbb::logical
