#include "logical/work_estimate.h"

#include <gmock/gmock.h>

#include <deque>

namespace dbb::logical {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr double kStep = 0.05;  // seconds between two looks

DatabaseSizes sizes(std::string name, uint64_t megabytes) {
  return {.name = std::move(name),
          .tablespace = "pg_default",
          .rows = megabytes * 8'000,
          .row_bytes = megabytes * 1'000'000,
          .heap_bytes = megabytes * 1'200'000,
          .index_bytes = megabytes * 300'000,
          .build_seconds = static_cast<double>(megabytes) * 0.005,
          .tables = 5};
}

// A machine on which the phases take other times than the weights say: each phase times its own factor.
struct Machine {
  WorkSeconds factors{1, 1, 1, 1, 1, 1};
  // True: databases that run at once do not slow each other down.
  bool has_room = false;
};

// What a run would take, and the worst mistake of its estimate from a tenth of its time on, as a share of
// what was really left. The last twentieth is left out: there a share is a matter of tenths of a second.
struct Foretold {
  double seconds = 0;
  double worst = 0;
};

class Simulation {
 public:
  Simulation(std::vector<DatabaseSizes> databases, Concurrency concurrency, Machine machine)
      : databases_(std::move(databases)), concurrency_(concurrency), machine_(machine) {}

  Foretold run() {
    WorkEstimate estimate(databases_, concurrency_);
    std::vector<std::pair<double, double>> told;  // when, what was said to be left
    std::deque<size_t> waiting;
    for (size_t i = 0; i < databases_.size(); ++i) waiting.push_back(i);
    std::vector<std::pair<size_t, WorkSeconds>> running;
    double now = 0;
    while (!waiting.empty() || !running.empty()) {
      while (running.size() < static_cast<size_t>(concurrency_.databases) && !waiting.empty()) {
        running.emplace_back(waiting.front(), real(waiting.front()));
        estimate.enter(waiting.front(), WorkPhase::kSchema);
        waiting.pop_front();
      }
      const double each = machine_.has_room ? kStep : kStep / static_cast<double>(running.size());
      for (auto& [index, left] : running) work(estimate, index, left, each);
      std::erase_if(running, [&](const auto& one) {
        if (one.second[kWorkPhases - 1] > 0) return false;
        estimate.end(one.first);
        return true;
      });
      estimate.pass(kStep);
      now += kStep;
      told.emplace_back(now, estimate.left_seconds());
    }
    Foretold result{.seconds = now};
    for (const auto& [when, left] : told) {
      const double truth = now - when;
      if (when < now / 10 || truth < now / 20) continue;
      result.worst = std::max(result.worst, std::abs(left - truth) / truth);
    }
    return result;
  }

 private:
  WorkSeconds real(size_t database) const {
    WorkSeconds seconds = expected_seconds(databases_[database]);
    for (size_t i = 0; i < kWorkPhases; ++i) seconds[i] *= machine_.factors[i];
    return seconds;
  }

  void work(WorkEstimate& estimate, size_t index, WorkSeconds& left, double seconds) const {
    const WorkSeconds all = real(index);
    for (size_t i = 0; i < kWorkPhases && seconds > 0; ++i) {
      if (left[i] <= 0) continue;
      const auto phase = static_cast<WorkPhase>(i);
      estimate.enter(index, phase);
      const double used = std::min(seconds, left[i]);
      left[i] -= used;
      seconds -= used;
      const bool is_told =
          phase == WorkPhase::kRows || phase == WorkPhase::kIndexes || phase == WorkPhase::kProof;
      if (is_told) estimate.done(index, phase, 1 - left[i] / all[i]);
    }
  }

  const std::vector<DatabaseSizes> databases_;
  const Concurrency concurrency_;
  const Machine machine_;
};

constexpr Concurrency kOneByOne{.databases = 1, .workers = 2, .processors = 2};

// Twice as slow, with indexes and proof off by what compilers, locales and disks make of them.
constexpr Machine kOtherMachine{.factors = {3, 2, 2.4, 3, 1.8, 4}};

TEST(WorkEstimateTest, ASmallAndALargeDatabaseAreForetoldInBothOrders) {
  for (const bool small_first : {false, true}) {
    std::vector<DatabaseSizes> databases{sizes("large", 2000), sizes("small", 20)};
    if (small_first) std::swap(databases[0], databases[1]);
    const Foretold run = Simulation(databases, kOneByOne, kOtherMachine).run();
    EXPECT_LE(run.worst, 0.3) << (small_first ? "small first" : "large first") << ", " << run.seconds << " s";
  }
}

TEST(WorkEstimateTest, HundredMegabytesThatAreDoneSayLittleOfHalfATerabyte) {
  WorkEstimate estimate({sizes("small", 100), sizes("large", 500'000)}, kOneByOne);
  estimate.enter(0, WorkPhase::kSchema);
  estimate.pass(60);
  estimate.end(0);
  estimate.enter(1, WorkPhase::kSchema);
  EXPECT_LE(estimate.share_done(), 0.01);
  EXPECT_GE(estimate.left_seconds(), 3600.0);
}

TEST(WorkEstimateTest, SeveralDatabasesAtOnceThatTakeFromEachOtherAreForetold) {
  std::vector<DatabaseSizes> databases{sizes("large", 2000)};
  for (int i = 0; i < 7; ++i) databases.push_back(sizes("small", 100));
  const Foretold run =
      Simulation(databases, {.databases = 4, .workers = 2, .processors = 2}, kOtherMachine).run();
  EXPECT_LE(run.worst, 0.3) << run.seconds << " s";
}

TEST(WorkEstimateTest, TheLargestThatRunsAloneAtTheEndIsNotCountedAsIfOthersShared) {
  // Room for all: the small ones are over soon, and the large one goes on by itself at the same speed.
  const std::vector<DatabaseSizes> databases{sizes("large", 2000), sizes("a", 400), sizes("b", 400)};
  const Foretold run =
      Simulation(databases, {.databases = 3, .workers = 1, .processors = 16}, {.has_room = true}).run();
  EXPECT_LE(run.worst, 0.3) << run.seconds << " s";
}

TEST(WorkEstimateTest, WhatADatabaseTaughtIsUsedForTheNext) {
  // Indexes take five times as long as the weights say: known once the first is through.
  WorkEstimate estimate({sizes("first", 500), sizes("second", 500)}, kOneByOne);
  const WorkSeconds expected = expected_seconds(sizes("first", 500));
  double real = 0;
  for (size_t i = 0; i < kWorkPhases; ++i) {
    const auto phase = static_cast<WorkPhase>(i);
    const double seconds = expected[i] * (phase == WorkPhase::kIndexes ? 5 : 1);
    estimate.enter(0, phase);
    estimate.done(0, phase, 0.5);
    estimate.pass(seconds);
    real += seconds;
  }
  estimate.end(0);
  EXPECT_THAT(estimate.left_seconds(), AllOf(Ge(real * 0.8), Le(real * 1.2)));
}

TEST(WorkEstimateTest, RowsOfAnEarlierRunDoNotMakeThisOneLookFast) {
  WorkEstimate resumed({sizes("app", 1000)}, kOneByOne);
  resumed.enter(0, WorkPhase::kSchema);
  resumed.done_before(0, WorkPhase::kRows, 0.9);
  resumed.enter(0, WorkPhase::kRows);
  const double before = resumed.left_seconds();
  const double real = expected_seconds(sizes("app", 1000))[static_cast<size_t>(WorkPhase::kRows)] * 0.05 * 2;
  resumed.pass(real);
  resumed.done(0, WorkPhase::kRows, 0.95);  // twice as slow as the weights
  EXPECT_GE(resumed.left_seconds(), before - real);
}

TEST(WorkEstimateTest, TheShareThatIsDoneNeverFallsAndEndsAtAll) {
  WorkEstimate estimate({sizes("app", 100)}, kOneByOne);
  double last = 0;
  for (int i = 1; i <= 20; ++i) {
    estimate.pass(i == 15 ? 100 : 0.1);  // a stall: what is left grows
    estimate.done(0, WorkPhase::kRows, i / 20.0);
    EXPECT_GE(estimate.share_done(), last);
    last = estimate.share_done();
  }
  estimate.end(0);
  EXPECT_DOUBLE_EQ(estimate.left_seconds(), 0);
  EXPECT_DOUBLE_EQ(estimate.share_done(), 1);
}

TEST(WorkEstimateTest, NothingToDoIsNoDivisionByZero) {
  WorkEstimate estimate({}, kOneByOne);
  EXPECT_EQ(estimate.left_seconds(), 0);
  EXPECT_EQ(estimate.share_done(), 0);
  DatabaseSizes skipped = sizes("skipped", 1000);
  skipped.is_restored = false;
  EXPECT_EQ(WorkEstimate({skipped}, kOneByOne).left_seconds(), 0);
}

}  // namespace
}  // namespace dbb::logical
