#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "logical/schema_plan.h"

namespace dbb::logical {

// Hands the tasks of one list to workers: each when all it waits for is done, and none beside a running one
// whose claims it meets; the heaviest first, then in the list's order. Thread-safe. `tasks` must outlive it.
class SchemaQueue {
 public:
  explicit SchemaQueue(const SchemaTasks& tasks) : SchemaQueue(tasks, {}) {}
  // `gates` by task: what has to be opened before it may run, besides what it waits for. None of it is
  // ready before.
  SchemaQueue(const SchemaTasks& tasks, const std::vector<std::string>& gates);

  // Of a gate that nobody waits for, or that is open already: nothing.
  void open(const std::string& gate);
  void open_all();

  // Blocks until a task may run. Empty when all have been handed out. Throws kCancelled on stop.
  std::optional<uint32_t> next(const std::stop_token& stop);
  // To be called once for each that next() gave; whoever does not call it holds up all that wait for it.
  void done(uint32_t task);

 private:
  // Of a task that waits for no other.
  struct Ready {
    uint64_t weight;
    uint32_t task;
    bool operator<(const Ready& other) const {
      return weight != other.weight ? weight > other.weight : task < other.task;
    }
  };

  std::optional<uint32_t> take();  // with mutex_ held, as all below
  void less_to_wait_for(uint32_t task);
  bool is_free(const SchemaTask& task) const;
  void hold(const SchemaTask& task);
  void release(const SchemaTask& task);

  const SchemaTasks& tasks_;
  std::vector<std::vector<uint32_t>> followers_;  // by task

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<uint32_t> waits_;                                    // by task: for how many others
  std::unordered_map<std::string, std::vector<uint32_t>> closed_;  // by gate: who waits for it
  std::set<Ready> ready_;
  std::unordered_map<uint32_t, int64_t> held_;  // by thing: how many share it, or -1
  size_t handed_out_ = 0;
};

}  // namespace dbb::logical
