#include "base/task_group.h"

#include <pthread.h>

#include <utility>

namespace dbb {

TaskGroup::TaskGroup(std::stop_token parent)
    : parent_stop_(std::move(parent), [this] { stop_.request_stop(); }) {}

TaskGroup::~TaskGroup() {
  stop_.request_stop();
  join_all();
}

void TaskGroup::spawn(const std::string& name, std::function<void(std::stop_token)> task) {
  const std::scoped_lock lock(mutex_);
  threads_.emplace_back([this, name = name.substr(0, 15), task = std::move(task)] {
    pthread_setname_np(pthread_self(), name.c_str());
    try {
      task(stop_.get_token());
    } catch (...) {
      {
        const std::scoped_lock error_lock(mutex_);
        if (!first_error_) first_error_ = std::current_exception();
      }
      stop_.request_stop();
    }
  });
}

void TaskGroup::join() {
  join_all();
  const std::exception_ptr error = [&] {
    const std::scoped_lock lock(mutex_);
    return std::exchange(first_error_, nullptr);
  }();
  if (error) std::rethrow_exception(error);
}

void TaskGroup::join_all() {
  // A joined task may have spawned another: go on until a look finds none.
  while (true) {
    std::vector<std::thread> batch;
    {
      const std::scoped_lock lock(mutex_);
      batch.swap(threads_);
    }
    if (batch.empty()) return;
    for (std::thread& thread : batch) thread.join();
  }
}

}  // namespace dbb
