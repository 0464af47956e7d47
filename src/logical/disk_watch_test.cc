#include "logical/disk_watch.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace dbb::logical {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = 1024 * kMiB;
constexpr uint64_t kSegment = 16 * kMiB;
constexpr uint64_t kReserve = 112 * kMiB;  // of a disk of 10 GiB

class DiskWatchTest : public ::testing::Test {
 protected:
  DiskWatch watch(bool is_used = true) {
    return {{{.what = "the data directory", .path = "/pg", .is_used = is_used}},
            kSegment,
            [this](const auto&) { return needed_; }};
  }
  static system::DiskSpace free(uint64_t bytes) {
    return {.total_bytes = 10 * kGiB, .available_bytes = bytes};
  }

  uint64_t needed_ = 0;
  std::chrono::steady_clock::time_point now_{};
};

TEST(Reserve, HoldsThreeSegmentsOfTheLogAndWhatIsWrittenUntilACancelArrives) {
  EXPECT_EQ(reserve_bytes({.total_bytes = kGiB, .available_bytes = 0}, kSegment), kReserve);
  EXPECT_EQ(reserve_bytes({.total_bytes = kGiB, .available_bytes = 0}, 64 * kMiB), 256 * kMiB);
  EXPECT_EQ(reserve_bytes({.total_bytes = 50 * kGiB, .available_bytes = 0}, kSegment), kGiB / 2);
  EXPECT_EQ(reserve_bytes({.total_bytes = 1000 * kGiB, .available_bytes = 0}, kSegment), kGiB);
}

TEST_F(DiskWatchTest, WarnsWithTheFiguresAndNotAgainUntilItIsFuller) {
  DiskWatch disk = watch();
  EXPECT_THAT(disk.judge(0, free(5 * kGiB), now_), IsEmpty());
  const auto notices = disk.judge(0, free(kGiB * 9 / 10), now_ += seconds(1));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].severity, Severity::kWarning);
  EXPECT_THAT(notices[0].text,
              HasSubstr("Disk space: 92% used (966 MB free) - may fail if restore needs > 849 MB"));
  EXPECT_THAT(disk.judge(0, free(kGiB * 8 / 10), now_ += seconds(1)), IsEmpty());
  EXPECT_THAT(disk.judge(0, free(kGiB * 4 / 10), now_ += seconds(1)), SizeIs(1));
}

TEST_F(DiskWatchTest, WarnsEarlierWhenMoreIsNeededThanThereIs) {
  DiskWatch disk = watch();
  needed_ = 6 * kGiB;
  const auto notices = disk.judge(0, free(5 * kGiB), now_);
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0].text, HasSubstr("about 6.44 GB are still to be written"));
}

TEST_F(DiskWatchTest, StopsBeforeTheServerWouldHaveNoRoomForItsLog) {
  DiskWatch disk = watch();
  disk.judge(0, free(kReserve + 1), now_);
  try {
    disk.judge(0, free(kReserve), now_ += seconds(1));
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDiskFull);
    EXPECT_EQ(error.info().exit_code, ExitCode::kDiskSpace);
    EXPECT_THAT(error.cause(), HasSubstr("117 MB free of 10.7 GB at /pg"));
    EXPECT_THAT(error.cause(), HasSubstr("117 MB of it in reserve"));
  }
}

TEST_F(DiskWatchTest, ATablespaceNobodyUsesMayBeFullFromTheStart) {
  DiskWatch disk = watch(false);
  EXPECT_THAT(disk.judge(0, free(0), now_), IsEmpty());
  EXPECT_THAT(disk.judge(0, free(0), now_ += seconds(1)), IsEmpty());
  DiskWatch filling = watch(false);
  filling.judge(0, free(2 * kReserve), now_);
  EXPECT_THROW(filling.judge(0, free(kReserve), now_ += seconds(1)), Error);
}

TEST_F(DiskWatchTest, LooksMoreOftenTheFullerItIs) {
  DiskWatch disk = watch();
  disk.judge(0, free(9 * kGiB), now_);
  EXPECT_EQ(disk.next_look(), milliseconds(500));
  disk.judge(0, free(kReserve + 400'000'000), now_ += seconds(100));
  EXPECT_EQ(disk.next_look(), milliseconds(100)) << "a quarter of what 400 MB take at 1 GB/s";
  disk.judge(0, free(kReserve + 1), now_ += seconds(100));
  EXPECT_EQ(disk.next_look(), milliseconds(10));
}

TEST_F(DiskWatchTest, LooksMoreOftenAtADiskThatIsFasterThanThought) {
  DiskWatch disk = watch();
  disk.judge(0, free(kReserve + 4'000'000'000), now_);
  disk.judge(0, free(kReserve + 1'600'000'000), now_ += milliseconds(500));  // 4.8 GB/s
  EXPECT_EQ(disk.next_look(), milliseconds(83));
}

}  // namespace
}  // namespace dbb::logical
