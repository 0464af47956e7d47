#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "logical/restore_database.h"

namespace dbb::logical {

// Carries out the databases of a plan: which at once and in which order, and what follows when one fails.
// Confined to one thread; starts its workers itself.
class Execution {
 public:
  // `server_answers` tells whether the server is still there, for sessions get lost for other reasons too;
  // with true it waits a moment for one that comes back.
  Execution(const RestoreShared& shared, std::function<bool(bool)> server_answers, RestoreResult& result);
  // Throws the error that ended the run; what became of each database stands in the result.
  void run(const Operation& operation);

 private:
  using Indexes = std::vector<size_t>;  // in the plan's databases

  void run_all(const Operation& operation, Indexes databases, int at_once);
  void run_pool(const Operation& operation, const Indexes& databases, int at_once);
  void run_one(const Operation& operation, size_t index);
  void give_up(const Operation& operation, size_t index);
  void attempt(const Operation& operation, size_t index);
  void swap_together(const Operation& operation);
  std::vector<double> swapped(const Operation& operation, const std::vector<Swap>& swaps) const;
  void finish_swap_of_earlier_attempt(const Operation& operation, size_t index);
  void go_on_alone(const Operation& operation, const Error& error, Indexes& databases);
  void settle_unfinished(const Operation& operation);
  void settle_staging(const Operation& operation, size_t index);
  void record(const Operation& operation, size_t index);
  bool ends_the_run(const Error& error) const;
  bool is_over(size_t index) const;
  int workers() const { return is_alone_ ? 1 : shared_.plan.workers; }

  const RestoreShared& shared_;
  const std::function<bool(bool)> server_answers_;
  RestoreResult& result_;
  std::stop_token stop_;   // of the whole run: a failure of one database does not request it
  bool is_alone_ = false;  // one database and one statement at a time, since the lock table was full
  std::atomic<bool> locks_are_exhausted_ = false;
  std::vector<std::optional<BuiltDatabase>> built_;  // by index: complete, and not swapped yet
};

}  // namespace dbb::logical
