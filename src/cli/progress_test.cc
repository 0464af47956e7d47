#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/test_pause.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class TurnedClock final : public system::Clock {
 public:
  UtcTime now() override { return UtcTime::parse("2026-11-20T20:15:02Z"); }
  std::chrono::steady_clock::time_point steady_now() override { return steady_; }
  void pass(milliseconds time) { steady_ += time; }

 private:
  std::chrono::steady_clock::time_point steady_{seconds(1000)};
};

class ProgressTest : public testing::Test {
 protected:
  Writer writer() {
    return [this](std::string_view text) { written_ += text; };
  }
  std::string take() { return std::exchange(written_, ""); }

  TurnedClock clock_;
  std::string written_;
};

Progress rows(uint64_t done) {
  return {.phase = "rows",
          .object = "app: public.orders",
          .bytes_done = done,
          .bytes_total = 10'000'000,
          .databases_done = 1,
          .databases_total = 3};
}

TEST_F(ProgressTest, RateAndTimeLeftComeFromBytes) {
  ProgressMeter meter;
  auto now = clock_.steady_now();
  meter.update(rows(0), now);
  EXPECT_EQ(meter.time_left(), std::nullopt);
  for (uint64_t i = 1; i <= 4; ++i) meter.update(rows(i * 1'000'000), now += seconds(1));
  EXPECT_DOUBLE_EQ(meter.bytes_per_second(), 1e6);
  EXPECT_EQ(meter.time_left(), seconds(6));
  EXPECT_EQ(meter.percent(), 40);
}

TEST_F(ProgressTest, ASmallDatabaseThatIsDoneDoesNotFoolTheTimeLeft) {
  // 100 MB in a minute, 500 GB to go: by databases it would be half done.
  ProgressMeter meter;
  const auto now = clock_.steady_now();
  Progress progress{.phase = "rows", .bytes_done = 0, .bytes_total = 500'100'000'000};
  meter.update(progress, now);
  progress.bytes_done = 100'000'000;
  progress.databases_done = 1;
  progress.databases_total = 2;
  meter.update(progress, now + seconds(20));
  EXPECT_EQ(meter.percent(), 0);
  EXPECT_GT(meter.time_left().value(), std::chrono::hours(27));
}

TEST_F(ProgressTest, ARateFollowsTheLastHalfMinute) {
  ProgressMeter meter;
  auto now = clock_.steady_now();
  uint64_t done = 0;
  for (int i = 0; i < 100; ++i) meter.update(rows(done += 50'000), now += seconds(1));
  for (int i = 0; i < 60; ++i) meter.update(rows(done += 10'000), now += seconds(1));
  EXPECT_NEAR(meter.bytes_per_second(), 10'000, 100);
}

TEST_F(ProgressTest, AHundredPercentIsOnlyWhatIsDone) {
  ProgressMeter meter;
  meter.update(rows(9'999'999), clock_.steady_now());
  EXPECT_EQ(meter.percent(), 99);
  meter.update(rows(10'000'000), clock_.steady_now());
  EXPECT_EQ(meter.percent(), 100);
}

TEST_F(ProgressTest, TheLineHasBytesRateTimeDatabasesAndObject) {
  ProgressMeter meter;
  meter.update(rows(0), clock_.steady_now());
  meter.update(rows(5'000'000), clock_.steady_now() + seconds(5));
  EXPECT_EQ(describe_progress(rows(5'000'000), meter),
            "rows: 5.00 MB of 10.0 MB (50 %), 1.00 MB/s, 5.0 s left, databases 1 of 3, app: public.orders");
}

TEST_F(ProgressTest, ATerminalLineIsRedrawnAtMostTenTimesASecondAndErasedInTheEnd) {
  const auto sink = make_terminal_progress(writer(), {.width = 40}, clock_);
  sink->emit(rows(0));
  EXPECT_EQ(take(), "rows: 0 B of 10.0 MB (0 %), databases 1");
  clock_.pass(milliseconds(50));
  sink->emit(rows(1));
  EXPECT_EQ(take(), "");
  clock_.pass(milliseconds(60));
  sink->emit(rows(2));
  EXPECT_TRUE(take().starts_with("\r\x1b[Krows: 2 B"));
  sink->emit(Notice{.kind = "k", .text = "app is done"});
  const std::string shown = take();
  EXPECT_TRUE(shown.starts_with("\r\x1b[K[INFO] app is done\nrows: 2 B")) << shown;
  sink->finish();
  EXPECT_EQ(take(), "\r\x1b[K");
  sink->emit(rows(3));
  EXPECT_EQ(take(), "");
}

TEST_F(ProgressTest, WithoutATerminalThereIsALineAPhaseAndOneEveryTenSeconds) {
  const auto sink = make_line_progress(writer(), {}, clock_);
  sink->emit(rows(0));
  EXPECT_THAT(take(), HasSubstr("rows: "));
  clock_.pass(seconds(9));
  sink->emit(rows(1));
  EXPECT_EQ(take(), "");
  clock_.pass(seconds(1));
  sink->emit(rows(2));
  EXPECT_THAT(take(), HasSubstr("rows: "));
  sink->emit(Progress{.phase = "indexes"});
  EXPECT_EQ(take(), "indexes: 0 B\n");
}

TEST_F(ProgressTest, ALongRunWritesALineAMinute) {
  const auto sink = make_line_progress(writer(), {}, clock_);
  clock_.pass(std::chrono::minutes(6));
  sink->emit(rows(0));
  take();
  clock_.pass(seconds(59));
  sink->emit(rows(1));
  EXPECT_EQ(take(), "");
  clock_.pass(seconds(1));
  sink->emit(rows(2));
  EXPECT_NE(take(), "");
}

TEST_F(ProgressTest, QuietLeavesWarnings) {
  const auto sink = make_line_progress(writer(), {.progress = false, .infos = false}, clock_);
  sink->emit(rows(0));
  sink->emit(Notice{.kind = "k", .text = "an info"});
  EXPECT_EQ(take(), "");
  sink->emit(Notice{.severity = Severity::kWarning, .kind = "k", .text = "a warning"});
  EXPECT_EQ(take(), "[WARN] a warning\n");
}

TEST_F(ProgressTest, ForScriptsEveryEventIsALine) {
  const auto sink = make_json_progress(writer(), clock_);
  sink->emit(Notice{
      .severity = Severity::kWarning, .kind = "k", .text = "a \"b\"", .fields = {{"database", "app"}}});
  EXPECT_EQ(
      take(),
      R"({"time":"2026-11-20T20:15:02Z","event":"warning","kind":"k","text":"a \"b\"","fields":{"database":"app"}})"
      "\n");
  sink->emit(rows(5));
  EXPECT_THAT(take(), HasSubstr(R"("done_bytes":5,"total_bytes":10000000,)"));
  sink->emit(rows(6));
  EXPECT_EQ(take(), "");  // less than a second later, in the same phase
}

TEST(TestPauseTest, WaitsAtItsStepUntilToldToGoOn) {
  const system::TemporaryDirectory directory("cli-test");
  const auto& path = directory.path();
  std::stop_source stop;
  const auto hook = make_test_pause("rows-done:app=" + path.string() + ";other=/nowhere", stop.get_token());
  hook("rows-done", "shop");  // another database
  hook("pre-data-done", "app");
  EXPECT_FALSE(std::filesystem::exists(path / "rows-done.reached"));
  system::publish_new(path / "rows-done.go", {});
  hook("rows-done", "app");
  EXPECT_TRUE(std::filesystem::exists(path / "rows-done.reached"));
  std::filesystem::remove(path / "rows-done.go");
  stop.request_stop();
  hook("rows-done", "app");  // ends by the stop
}

}  // namespace
}  // namespace dbb::cli
