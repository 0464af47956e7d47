#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace dbb {

// Threads that cannot outlive the scope that started them. The first task that throws stops the others;
// join() throws what it threw. Confined to one thread, except that running tasks may call spawn().
class TaskGroup {
 public:
  // Stops when `parent` does.
  explicit TaskGroup(std::stop_token parent);
  // Requests stop and joins; errors that join() was never asked for are dropped.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // `name` shows in the thread list of the system (first 15 bytes).
  void spawn(const std::string& name, std::function<void(std::stop_token)> task);
  // Waits for every task, also those spawned meanwhile; then throws the first error, if any. Leaves the group
  // empty.
  void join();

  void request_stop() { stop_.request_stop(); }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  void join_all();

  std::stop_source stop_;
  std::stop_callback<std::function<void()>> parent_stop_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;  // guarded by mutex_
  std::exception_ptr first_error_;    // guarded by mutex_
};

}  // namespace dbb
