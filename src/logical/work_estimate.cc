#include "logical/work_estimate.h"

#include <algorithm>
#include <utility>

namespace dbb::logical {
namespace {

// Seconds, likewise.
constexpr double kPerDatabase = 0.15;  // CREATE DATABASE, its properties, sessions
constexpr double kPerTable = 0.0003;   // its statements
constexpr double kPerTableLoaded = 0.0005;
constexpr double kPerRow = 0.17e-6;
constexpr double kPerSlowValue = 0.17e-6;  // of COPY FROM: numeric, times, JSON ...
constexpr double kPerAnalyzedByte = 1 / 400e6;
constexpr double kMostAnalyzed = 30000.0 * 8192;  // of one table: ANALYZE samples that many blocks
constexpr double kPerTableAnalyzed = 0.0013;
constexpr double kPerRowProven = 0.2e-6;
constexpr double kPerSwap = 0.1;
constexpr double kPerOldByte = 1 / 4e9;  // unlinking the old one

// A phase's own measure is believed by half when it has done that share of its work. One index says less of
// the next than one row does.
constexpr double kHalfBelieved = 0.04;
constexpr double kHalfBelievedOfIndexes = 0.2;
constexpr double kLeast = 0.3;  // seconds: below, everything is chance
// What is left at least of a phase that takes longer than expected and does not tell how far it is.
constexpr double kAlwaysLeft = 0.1;

size_t at(WorkPhase phase) { return static_cast<size_t>(phase); }

}  // namespace

std::optional<WorkPhase> phase_of(std::string_view shown) {
  if (shown == "schema") return WorkPhase::kSchema;
  if (shown == "rows") return WorkPhase::kRows;
  if (shown == "indexes" || shown == "privileges" || shown == "refreshes" || shown == "event triggers")
    return WorkPhase::kIndexes;
  if (shown == "statistics") return WorkPhase::kStatistics;
  if (shown == "proof") return WorkPhase::kProof;
  if (shown == "swap") return WorkPhase::kSwap;
  return std::nullopt;
}

WorkSeconds expected_seconds(const DatabaseSizes& sizes) {
  WorkSeconds seconds{};
  if (!sizes.is_restored) return seconds;
  const auto tables = static_cast<double>(sizes.tables);
  const auto rows = static_cast<double>(sizes.rows);
  const auto bytes = static_cast<double>(sizes.row_bytes);
  const auto heap = static_cast<double>(sizes.heap_bytes);
  seconds[at(WorkPhase::kSchema)] = kPerDatabase + tables * kPerTable;
  seconds[at(WorkPhase::kRows)] = bytes / kRowBytesPerSecond + rows * kPerRow + tables * kPerTableLoaded +
                                  static_cast<double>(sizes.slow_values) * kPerSlowValue;
  seconds[at(WorkPhase::kIndexes)] = tables * kPerTable + sizes.build_seconds;
  seconds[at(WorkPhase::kStatistics)] =
      tables * kPerTableAnalyzed + std::min(heap, kMostAnalyzed * tables) * kPerAnalyzedByte;
  if (sizes.is_proven) seconds[at(WorkPhase::kProof)] = bytes / kProvenBytesPerSecond + rows * kPerRowProven;
  seconds[at(WorkPhase::kSwap)] = kPerSwap + static_cast<double>(sizes.old_bytes) * kPerOldByte;
  return seconds;
}

WorkEstimate::WorkEstimate(const std::vector<DatabaseSizes>& databases, Concurrency concurrency)
    : concurrency_(concurrency) {
  for (const DatabaseSizes& sizes : databases) {
    databases_.push_back({.expected = expected_seconds(sizes), .ended = !sizes.is_restored});
    for (size_t i = 0; i < kWorkPhases; ++i) total_[i] += databases_.back().expected[i];
  }
}

void WorkEstimate::add_share(size_t database, WorkPhase phase, double share, bool counts) {
  Database& one = databases_.at(database);
  double& before = one.share[at(phase)];
  share = std::clamp(share, before, 1.0);
  const double work = (share - before) * one.expected[at(phase)];
  if (counts) {
    worked_[at(phase)] += work;
    // Time that has brought something to show counts as the time of it.
    if (work > 0 && one.phase == phase) spent_[at(phase)] += std::exchange(one.unsettled, 0);
  } else {
    total_[at(phase)] -= work;
  }
  before = share;
}

void WorkEstimate::enter(size_t database, WorkPhase phase) {
  Database& one = databases_.at(database);
  if (one.ended || (one.phase && *one.phase >= phase)) return;
  for (size_t i = 0; i < at(phase); ++i) add_share(database, static_cast<WorkPhase>(i), 1, true);
  one.phase = phase;
  one.unsettled = 0;
}

void WorkEstimate::done(size_t database, WorkPhase phase, double share) {
  enter(database, phase);
  add_share(database, phase, share, true);
}

void WorkEstimate::done_before(size_t database, WorkPhase phase, double share) {
  add_share(database, phase, share, false);
}

void WorkEstimate::end(size_t database) {
  Database& one = databases_.at(database);
  for (size_t i = 0; i < kWorkPhases && !one.ended; ++i)
    add_share(database, static_cast<WorkPhase>(i), 1, true);
  one.ended = true;
}

void WorkEstimate::pass(double seconds) {
  elapsed_ += seconds;
  const auto active =
      std::ranges::count_if(databases_, [](const auto& one) { return !one.ended && one.phase; });
  if (active == 0) return;
  const double each = seconds * throughput(static_cast<size_t>(active)) / static_cast<double>(active);
  for (Database& one : databases_) {
    if (!one.ended && one.phase) one.unsettled += each;
  }
}

// How much slower this machine is than the one of the weights, as far as it has shown.
double WorkEstimate::machine_factor() const {
  double spent = kLeast;
  double worked = kLeast;
  for (size_t i = 0; i < kWorkPhases; ++i) {
    spent += spent_[i];
    worked += worked_[i];
  }
  return spent / worked;
}

double WorkEstimate::factor(WorkPhase phase) const {
  const size_t i = at(phase);
  const double machine = machine_factor();
  if (worked_[i] <= 0) return machine;
  const double half = phase == WorkPhase::kIndexes ? kHalfBelievedOfIndexes : kHalfBelieved;
  const double doubt = std::max(kLeast / 3, half * total_[i]);
  return (spent_[i] + doubt * machine) / (worked_[i] + doubt);
}

double WorkEstimate::left_of(const Database& database) const {
  if (database.ended) return 0;
  double left = 0;
  for (size_t i = 0; i < kWorkPhases; ++i) {
    const double of_phase =
        database.expected[i] * (1 - database.share[i]) * factor(static_cast<WorkPhase>(i));
    const double unsettled = database.phase && at(*database.phase) == i ? database.unsettled : 0;
    left += std::max(of_phase - unsettled, of_phase * kAlwaysLeft);
  }
  return left;
}

double WorkEstimate::share_of(size_t database, WorkPhase phase) const {
  return databases_.at(database).share[at(phase)];
}

double WorkEstimate::throughput(size_t active) const {
  if (concurrency_.processors <= 0) return 1;
  const auto busy = [&](size_t databases) {
    return std::min(1.0, static_cast<double>(databases) * concurrency_.workers / concurrency_.processors);
  };
  const auto most = static_cast<size_t>(std::max(concurrency_.databases, 1));
  return busy(std::min(active, most)) / busy(most);
}

// Those that are active share the throughput; one that ends makes room for the next. So the largest that runs
// alone at the end takes as long as it does.
double WorkEstimate::left_seconds() const {
  std::vector<double> running;
  std::vector<double> waiting;
  for (const Database& one : databases_) {
    if (one.ended) continue;
    (one.phase ? running : waiting).push_back(left_of(one));
  }
  std::ranges::reverse(waiting);
  const auto at_once = static_cast<size_t>(std::max(concurrency_.databases, 1));
  double seconds = 0;
  while (true) {
    while (running.size() < at_once && !waiting.empty()) {
      running.push_back(waiting.back());
      waiting.pop_back();
    }
    if (running.empty()) return seconds;
    const double shortest = *std::ranges::min_element(running);
    const double speed = throughput(running.size()) / static_cast<double>(running.size());
    seconds += shortest / speed;
    for (double& left : running) left -= shortest;
    std::erase_if(running, [](double left) { return left <= 0; });
  }
}

double WorkEstimate::share_done() const {
  const double left = left_seconds();
  if (elapsed_ + left > 0) most_ = std::max(most_, elapsed_ / (elapsed_ + left));
  return most_;
}

}  // namespace dbb::logical
