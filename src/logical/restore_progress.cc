#include "logical/restore_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>

namespace dbb::logical {
namespace {

constexpr std::chrono::milliseconds kInterval{100};
constexpr double kMostUntold = 0.95;  // of a task that does not tell how far it is

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 1 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

struct RestoreProgress::Sums {
  struct Database {
    DatabaseSizes sizes;
    uint64_t rows_done = 0;
    uint64_t proof_done = 0;
    uint64_t tasks_weight = 0;
    uint64_t tasks_done = 0;
    bool is_loading = false;
  };
  struct Task {
    size_t database = 0;
    uint64_t weight = 0;
    double seconds = 0;  // its part of the time since it began
    ShareBounds bounds = {.least = 0, .most = kMostUntold};
    double done = 0;  // share
  };

  Sums(EventSink& sink, system::Clock& time) : events(sink), clock(time), passed(time.steady_now()) {}

  bool knows(size_t database) const { return database < databases.size(); }

  bool is_loading(size_t database) const { return knows(database) && databases[database].is_loading; }

  // Time goes by with the databases in the phases they were in until now.
  void pass() {
    const auto now = clock.steady_now();
    const double seconds = std::chrono::duration<double>(now - passed).count();
    passed = now;
    if (estimate) estimate->pass(seconds);
    for (auto& [pid, task] : tasks) task.seconds += seconds / static_cast<double>(tasks.size());
  }

  // Never more than there are, also when a database is tried again.
  uint64_t add_rows(size_t index, uint64_t bytes) {
    if (!knows(index)) return bytes;
    Database& database = databases[index];
    bytes = std::min(bytes, database.sizes.row_bytes - database.rows_done);
    database.rows_done += bytes;
    return bytes;
  }

  // A task that runs is as far as its time says, within what the server says: what it counts (blocks that are
  // read) is not what takes the time.
  void tell_tasks(size_t index) {
    const Database& database = databases[index];
    if (database.tasks_weight == 0 || !estimate) return;
    auto done = static_cast<double>(database.tasks_done);
    const double factor = estimate->factor(WorkPhase::kIndexes);
    for (auto& [pid, task] : tasks) {
      if (task.database != index) continue;
      const auto weight = static_cast<double>(task.weight);
      const double by_time = task.seconds / (weight * 1e-6 * factor);
      task.done = std::max(task.done, std::clamp(by_time, task.bounds.least, task.bounds.most));
      done += weight * task.done;
    }
    const double part = done / static_cast<double>(database.tasks_weight);
    // Built beside the rows, they take workers that the rows have no use for.
    if (database.is_loading) return estimate->done_before(index, WorkPhase::kIndexes, part);
    estimate->done(index, WorkPhase::kIndexes, part);
  }

  void emit(bool now) {
    const auto time = clock.steady_now();
    if (progress.phase.empty() || (!now && time - emitted < kInterval)) return;
    emitted = time;
    Progress shown = progress;
    shown.bytes_total = std::max(shown.bytes_total, shown.bytes_done);
    if (!build.empty() && shown.phase == "indexes") shown.object += fmt::format(" ({})", build);
    if (estimate) {
      pass();
      shown.left_seconds = estimate->left_seconds();
      shown.work_done = estimate->share_done();
    }
    events.emit(shown);
  }

  EventSink& events;
  system::Clock& clock;
  mutable std::mutex mutex;  // guards what follows
  Progress progress;
  std::vector<Database> databases;
  std::optional<WorkEstimate> estimate;
  std::map<int, Task> tasks;  // by process id of the session
  std::string build;          // what the server says of an index that is built
  std::chrono::steady_clock::time_point passed;
  std::chrono::steady_clock::time_point emitted{};
};

RestoreProgress::RestoreProgress(EventSink& events, system::Clock& clock, uint64_t bytes_total,
                                 uint32_t databases_total)
    : sums_(std::make_shared<Sums>(events, clock)), database_(0) {
  sums_->progress.bytes_total = bytes_total;
  sums_->progress.databases_total = databases_total;
}

RestoreProgress::RestoreProgress(EventSink& events, system::Clock& clock,
                                 std::vector<DatabaseSizes> databases, Concurrency concurrency)
    : sums_(std::make_shared<Sums>(events, clock)), database_(databases.size()) {
  sums_->progress.databases_total = static_cast<uint32_t>(databases.size());
  sums_->estimate.emplace(databases, concurrency);
  for (DatabaseSizes& sizes : databases) {
    sums_->progress.bytes_total += sizes.row_bytes;
    sums_->databases.push_back({.sizes = std::move(sizes)});
  }
}

RestoreProgress::RestoreProgress(std::shared_ptr<Sums> sums, size_t database)
    : sums_(std::move(sums)), database_(database) {}

RestoreProgress RestoreProgress::of(size_t database) const { return {sums_, database}; }

void RestoreProgress::show(std::string_view phase, std::string object) {
  const std::scoped_lock lock(sums_->mutex);
  sums_->pass();
  Progress& progress = sums_->progress;
  const bool is_new = progress.phase != phase;
  progress.phase = phase;
  progress.object = std::move(object);
  const std::optional<WorkPhase> work = phase_of(phase);
  const bool is_beside = work == WorkPhase::kIndexes && sums_->is_loading(database_);
  if (sums_->knows(database_) && work && !is_beside) sums_->estimate->enter(database_, *work);
  sums_->emit(is_new);
}

void RestoreProgress::add(std::string_view phase, std::string_view object, uint64_t bytes) {
  const std::scoped_lock lock(sums_->mutex);
  sums_->pass();
  Progress& progress = sums_->progress;
  progress.phase = phase;
  progress.object = object;
  const bool is_rows = phase == "rows";
  if (is_rows) progress.bytes_done += sums_->add_rows(database_, bytes);
  if (sums_->knows(database_)) {
    Sums::Database& database = sums_->databases[database_];
    if (!is_rows) database.proof_done += bytes;
    sums_->estimate->done(
        database_, is_rows ? WorkPhase::kRows : WorkPhase::kProof,
        share(is_rows ? database.rows_done : database.proof_done, database.sizes.row_bytes));
  }
  sums_->emit(false);
}

void RestoreProgress::add_done_before(uint64_t bytes) {
  const std::scoped_lock lock(sums_->mutex);
  sums_->pass();
  sums_->progress.bytes_done += sums_->add_rows(database_, bytes);
  if (sums_->knows(database_)) {
    const Sums::Database& database = sums_->databases[database_];
    sums_->estimate->done_before(database_, WorkPhase::kRows,
                                 share(database.rows_done, database.sizes.row_bytes));
  }
  sums_->emit(false);
}

void RestoreProgress::begin_tasks(uint64_t weight) {
  const std::scoped_lock lock(sums_->mutex);
  if (!sums_->knows(database_)) return;
  sums_->databases[database_].tasks_weight = weight;
  sums_->databases[database_].tasks_done = 0;
}

void RestoreProgress::begin_rows() {
  const std::scoped_lock lock(sums_->mutex);
  if (sums_->knows(database_)) sums_->databases[database_].is_loading = true;
}

void RestoreProgress::rows_are_in() {
  const std::scoped_lock lock(sums_->mutex);
  if (!sums_->knows(database_)) return;
  sums_->pass();
  sums_->databases[database_].is_loading = false;
  sums_->tell_tasks(database_);
}

void RestoreProgress::task_begun(int pid, uint64_t weight) {
  const std::scoped_lock lock(sums_->mutex);
  if (!sums_->knows(database_)) return;
  sums_->pass();
  sums_->tasks[pid] = {.database = database_, .weight = weight};
}

void RestoreProgress::task_done(int pid) {
  const std::scoped_lock lock(sums_->mutex);
  const auto task = sums_->tasks.find(pid);
  if (task == sums_->tasks.end()) return;
  sums_->pass();
  sums_->databases[task->second.database].tasks_done += task->second.weight;
  sums_->tasks.erase(task);
  sums_->tell_tasks(database_);
  sums_->emit(false);
}

void RestoreProgress::database_done() {
  const std::scoped_lock lock(sums_->mutex);
  sums_->pass();
  ++sums_->progress.databases_done;
  if (sums_->knows(database_)) {
    // What stands in streams besides rows is not told while it is written.
    sums_->progress.bytes_done += sums_->add_rows(database_, sums_->databases[database_].sizes.row_bytes);
    sums_->estimate->end(database_);
  }
  sums_->emit(true);
}

void RestoreProgress::set_waiting(std::string line) {
  const std::scoped_lock lock(sums_->mutex);
  if (line.empty() && sums_->progress.waiting.empty()) return;
  sums_->progress.waiting = std::move(line);
  sums_->emit(true);
}

void RestoreProgress::builds_seen(const std::vector<IndexBuild>& builds) {
  const std::scoped_lock lock(sums_->mutex);
  const bool was_shown = !sums_->build.empty();
  sums_->build.clear();
  if (builds.empty() && !was_shown) return;
  sums_->pass();
  for (const IndexBuild& build : builds) {
    const auto task = sums_->tasks.find(build.pid);
    if (task == sums_->tasks.end()) continue;
    task->second.bounds = build.done;
    sums_->build += fmt::format("{}{}", sums_->build.empty() ? "" : "; ", build.text);
    sums_->tell_tasks(task->second.database);
  }
  sums_->emit(true);
}

uint64_t RestoreProgress::bytes_to_write(const std::vector<std::string>& tablespaces) const {
  const std::scoped_lock lock(sums_->mutex);
  double bytes = 0;
  for (size_t i = 0; i < sums_->databases.size(); ++i) {
    const Sums::Database& database = sums_->databases[i];
    const DatabaseSizes& sizes = database.sizes;
    if (std::ranges::find(tablespaces, sizes.tablespace) == tablespaces.end()) continue;
    bytes += static_cast<double>(sizes.heap_bytes) * (1 - share(database.rows_done, sizes.row_bytes));
    bytes += static_cast<double>(sizes.index_bytes) * (1 - sums_->estimate->share_of(i, WorkPhase::kIndexes));
  }
  return static_cast<uint64_t>(bytes);
}

}  // namespace dbb::logical
