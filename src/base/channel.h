#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/error.h"

namespace dbb {

// A queue between threads, bounded by the summed weight (usually bytes) of what is in it. An element
// heavier than the bound passes alone. Thread-safe.
template <typename T>
class Channel {
 public:
  explicit Channel(size_t weight_limit) : weight_limit_(weight_limit) {}

  // Blocks while full. Throws Error kCancelled on stop.
  void push(T element, size_t weight, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool room =
        changed_.wait(lock, stop, [&] { return queue_.empty() || weight_ + weight <= weight_limit_; });
    if (!room) throw cancelled();
    queue_.emplace_back(std::move(element), weight);
    weight_ += weight;
    changed_.notify_all();
  }

  // Blocks while empty. Empty optional: closed and drained. Throws Error kCancelled on stop.
  std::optional<T> pop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool ready = changed_.wait(lock, stop, [&] { return closed_ || !queue_.empty(); });
    if (!ready) throw cancelled();
    if (queue_.empty()) return std::nullopt;
    auto [element, weight] = std::move(queue_.front());
    queue_.pop_front();
    weight_ -= weight;
    changed_.notify_all();
    return std::move(element);
  }

  // No push may follow.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const size_t weight_limit_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::pair<T, size_t>> queue_;
  size_t weight_ = 0;
  bool closed_ = false;
};

}  // namespace dbb
