#include "repository/forget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository/testing.h"

namespace dbb::repository {
namespace {

using testing::code_of;
using testing::Place;

// One backup made two days ahead, then real ones.
struct OneAhead {
  Place place;
  BackupId before;
  BackupId ahead;
  BackupId real;

  OneAhead() {
    before = place.begin()->commit({.complete = true}).id;
    place.clock.turn(std::chrono::hours(48));
    ahead = place.begin()->commit({.complete = true}).id;
    place.clock.turn(-std::chrono::hours(48));
    real = place.begin()->commit({.complete = true}).id;
  }
  std::vector<BackupId> forgotten(const ForgetOptions& options) {
    return place.repository->plan_forget(options).to_forget();
  }
};

TEST(Forget, ABackupFromAheadOfTheClockDoesNotPushOutTheRealNewest) {
  OneAhead made;
  const UtcTime now = made.place.clock.now();
  EXPECT_EQ(made.forgotten({.keep_last = 1, .now = now}), std::vector{made.before});
  EXPECT_EQ(made.forgotten({.keep_last = 1}), (std::vector{made.real, made.before})) << "without a clock";
  // When time has come there it is one as any other.
  const UtcTime later(now.microseconds() + int64_t{72} * 3600 * 1'000'000);
  EXPECT_EQ(made.forgotten({.keep_last = 1, .now = later}), (std::vector{made.real, made.before}));
}

TEST(Forget, ABackupFromAheadGoesByNameAndTheRealNewestStaysGuarded) {
  OneAhead made;
  const UtcTime now = made.place.clock.now();
  EXPECT_EQ(made.forgotten({.backups = {made.ahead}, .now = now}), std::vector{made.ahead});
  EXPECT_EQ(code_of([&] { made.forgotten({.backups = {made.real}, .now = now}); }), ErrorCode::kBackupIsLast);
}

TEST(Forget, WhereEveryBackupIsAheadTheLastOneIsGuardedAndNoneGoesByItself) {
  OneAhead made;
  const UtcTime long_ago(made.place.clock.now().microseconds() - int64_t{72} * 3600 * 1'000'000);
  EXPECT_TRUE(made.forgotten({.keep_last = 1, .now = long_ago}).empty());
  EXPECT_EQ(code_of([&] { made.forgotten({.backups = {made.ahead}, .now = long_ago}); }),
            ErrorCode::kBackupIsLast);
}

TEST(Forget, AnHourAheadIsNothingToMind) {
  OneAhead made;
  const UtcTime nearly(made.place.repository->read_manifest(made.ahead).started.microseconds() -
                       int64_t{3600} * 1'000'000);
  EXPECT_EQ(made.place.repository->resolve("latest", nearly), made.ahead);
  EXPECT_EQ(made.place.repository->resolve("latest", UtcTime(nearly.microseconds() - 1'000'000)), made.real);
  EXPECT_EQ(made.place.repository->resolve("latest"), made.ahead);
}

}  // namespace
}  // namespace dbb::repository
