#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <queue>
#include <stop_token>

#include "logical/row_copy.h"

namespace dbb::logical {

class DatabaseBackup;

// One piece of work for a worker: a range of one table, or all large objects of a database.
struct RowTask {
  DatabaseBackup* database = nullptr;  // outlives the task: it waits for all its tasks
  std::optional<size_t> table = {};    // index into its tables; empty: the large objects
  uint32_t part = 0;
  BlockRange range = {};
  RowFormat format = RowFormat::kText;
  uint64_t weight_bytes = 0;  // on the source's disk
};

// Tasks of all open databases, the largest first. Thread-safe.
class RowQueue {
 public:
  void push(const RowTask& task);
  // Empty when there is none at the moment.
  std::optional<RowTask> try_pop();
  // Blocks; empty when closed and drained. Throws Error kCancelled on stop.
  std::optional<RowTask> pop(const std::stop_token& stop);
  void close();

 private:
  struct Lighter {
    bool operator()(const RowTask& a, const RowTask& b) const { return a.weight_bytes < b.weight_bytes; }
  };
  std::optional<RowTask> take();  // with mutex_ held

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::priority_queue<RowTask, std::vector<RowTask>, Lighter> tasks_;
  bool closed_ = false;
};

// Lets work of a bounded total weight in at a time; what is heavier than the bound goes in alone.
// Thread-safe.
class WeightGate {
 public:
  explicit WeightGate(uint64_t limit) : limit_(limit) {}

  // Holds its weight until it is gone.
  class Pass {
   public:
    Pass(WeightGate& gate, uint64_t weight) : gate_(gate), weight_(weight) {}
    ~Pass() { gate_.leave(weight_); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    WeightGate& gate_;
    uint64_t weight_;
  };
  // Blocks. Throws Error kCancelled on stop.
  Pass enter(uint64_t weight, const std::stop_token& stop);

 private:
  void leave(uint64_t weight);

  const uint64_t limit_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t inside_ = 0;
};

}  // namespace dbb::logical
