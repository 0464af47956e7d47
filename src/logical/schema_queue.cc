#include "logical/schema_queue.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace dbb::logical {
namespace {

// How many ready tasks are looked at for one that is free. Thousands may wait for one table (foreign keys to
// it), and to look at all of them each time one is done would take longer than they do.
constexpr ptrdiff_t kMostLookedAt = 256;

}  // namespace

SchemaQueue::SchemaQueue(const SchemaTasks& tasks, const std::vector<std::string>& gates)
    : tasks_(tasks), followers_(tasks.size()), waits_(tasks.size()) {
  DBB_CHECK(gates.empty() || gates.size() == tasks.size(), "each task has its gate, or none has");
  for (uint32_t i = 0; i < tasks.size(); ++i) {
    for (const uint32_t needed : tasks[i].waits_for) followers_[needed].push_back(i);
    waits_[i] = static_cast<uint32_t>(tasks[i].waits_for.size());
    if (!gates.empty()) {
      closed_[gates[i]].push_back(i);
      ++waits_[i];
    }
    if (waits_[i] == 0) ready_.insert({tasks[i].weight, i});
  }
}

std::optional<uint32_t> SchemaQueue::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::optional<uint32_t> task;
  const auto may_go = [&] { return handed_out_ == tasks_.size() || (task = take()).has_value(); };
  if (!changed_.wait(lock, stop, may_go)) throw cancelled();
  if (handed_out_ == tasks_.size()) changed_.notify_all();
  return task;
}

void SchemaQueue::done(uint32_t task) {
  const std::scoped_lock lock(mutex_);
  release(tasks_[task]);
  for (const uint32_t follower : followers_[task]) less_to_wait_for(follower);
  changed_.notify_all();
}

void SchemaQueue::open(const std::string& gate) {
  const std::scoped_lock lock(mutex_);
  const auto found = closed_.find(gate);
  if (found == closed_.end()) return;
  for (const uint32_t task : found->second) less_to_wait_for(task);
  closed_.erase(found);
  changed_.notify_all();
}

void SchemaQueue::open_all() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [gate, tasks] : closed_) {
    for (const uint32_t task : tasks) less_to_wait_for(task);
  }
  closed_.clear();
  changed_.notify_all();
}

void SchemaQueue::less_to_wait_for(uint32_t task) {
  if (--waits_[task] == 0) ready_.insert({tasks_[task].weight, task});
}

std::optional<uint32_t> SchemaQueue::take() {
  const auto end = std::ranges::next(ready_.begin(), kMostLookedAt, ready_.end());
  const auto found =
      std::find_if(ready_.begin(), end, [&](const Ready& one) { return is_free(tasks_[one.task]); });
  if (found == end) return std::nullopt;
  const uint32_t task = found->task;
  ready_.erase(found);
  hold(tasks_[task]);
  ++handed_out_;
  return task;
}

bool SchemaQueue::is_free(const SchemaTask& task) const {
  return std::ranges::all_of(task.claims, [&](const LockClaim& claim) {
    const auto holders = held_.find(claim.thing);
    return holders == held_.end() || (holders->second > 0 && !claim.exclusive);
  });
}

void SchemaQueue::hold(const SchemaTask& task) {
  for (const LockClaim& claim : task.claims) {
    int64_t& holders = held_[claim.thing];
    // A task may claim a tree twice, for two of its tables.
    if (claim.exclusive) {
      holders = -1;
    } else if (holders >= 0) {
      ++holders;
    }
  }
}

void SchemaQueue::release(const SchemaTask& task) {
  for (const LockClaim& claim : task.claims) {
    const auto holders = held_.find(claim.thing);
    if (holders == held_.end()) continue;
    if (claim.exclusive || --holders->second == 0) held_.erase(holders);
  }
}

}  // namespace dbb::logical
