#include "logical/row_queue.h"

#include "base/error.h"

namespace dbb::logical {

void RowQueue::push(const RowTask& task) {
  const std::scoped_lock lock(mutex_);
  tasks_.push(task);
  changed_.notify_one();
}

std::optional<RowTask> RowQueue::take() {
  if (tasks_.empty()) return std::nullopt;
  const RowTask task = tasks_.top();
  tasks_.pop();
  return task;
}

std::optional<RowTask> RowQueue::try_pop() {
  const std::scoped_lock lock(mutex_);
  return take();
}

std::optional<RowTask> RowQueue::pop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return closed_ || !tasks_.empty(); })) throw cancelled();
  return take();
}

void RowQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

WeightGate::Pass WeightGate::enter(uint64_t weight, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return inside_ == 0 || inside_ + weight <= limit_; }))
    throw cancelled();
  inside_ += weight;
  return Pass(*this, weight);
}

void WeightGate::leave(uint64_t weight) {
  const std::scoped_lock lock(mutex_);
  inside_ -= weight;
  changed_.notify_all();
}

}  // namespace dbb::logical
