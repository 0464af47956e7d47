#include "logical/lock_waits.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

LockHolder somebody() {
  return {.pid = 4711, .text = "process 4711 (user alice, application \"psql\", active for 1 s): ALTER"};
}
LockHolder one_of_ours() { return {.pid = 12, .is_ours = true, .text = "process 12"}; }

LockWait wait_of(double waited, std::vector<LockHolder> holders = {somebody()}) {
  return {.pid = 7,
          .database = "postgres",
          .lock = "exclusive lock",
          .object = "database app",
          .statement = "ALTER DATABASE app RENAME TO x",
          .seconds = waited,
          .holders = std::move(holders)};
}

std::vector<std::string> kinds(const std::vector<Notice>& notices) {
  std::vector<std::string> kinds;
  for (const Notice& notice : notices) kinds.push_back(notice.kind);
  return kinds;
}

class LockWaitsTest : public ::testing::Test {
 protected:
  std::vector<Notice> look(std::vector<LockWait> found) {
    now_ += milliseconds(500);
    return waits_.update(std::move(found), now_);
  }

  LockWaits waits_{seconds(60)};
  std::chrono::steady_clock::time_point now_{};
};

TEST_F(LockWaitsTest, AWaitIsToldAfterTwoSecondsAndThenEachTimeItHasDoubled) {
  std::vector<int> told;
  for (int half = 0; half <= 80; ++half) {
    const auto notices = look({wait_of(half / 2.0)});
    if (!notices.empty()) told.push_back(half / 2);
  }
  EXPECT_THAT(told, ElementsAre(2, 4, 8, 16, 32));
}

TEST_F(LockWaitsTest, ItSaysForHowLongForWhatAndForWhom) {
  const auto notices = look({wait_of(17)});
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0].text, HasSubstr("Waiting for exclusive lock (17 seconds)"));
  EXPECT_THAT(notices[0].text, HasSubstr("database app"));
  EXPECT_THAT(notices[0].text, HasSubstr("process 4711 (user alice, application \"psql\""));
  EXPECT_THAT(waits_.line(), HasSubstr("waiting for a lock held by process 4711"));
}

TEST_F(LockWaitsTest, ThatItsTimeIsNearlyOverIsToldOnceFromSeventyPercentOn) {
  EXPECT_THAT(kinds(look({wait_of(41)})), ElementsAre("lock-wait"));
  const auto notices = look({wait_of(43)});
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].severity, Severity::kWarning);
  EXPECT_THAT(notices[0].text, HasSubstr("Lock wait timeout approaching (43/60 seconds)"));
  EXPECT_THAT(look({wait_of(44)}), IsEmpty());
}

TEST_F(LockWaitsTest, AnEndIsToldWhenTheWaitWas) {
  look({wait_of(5)});
  const auto notices = look({});
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0].text, HasSubstr("Lock acquired, proceeding with restore"));
  EXPECT_EQ(waits_.line(), "");
  look({wait_of(1)});
  EXPECT_THAT(look({}), IsEmpty()) << "a short one was never told";
}

TEST_F(LockWaitsTest, AWaitThatRanOutOfTimeIsNotCalledALockThatWasGranted) {
  look({wait_of(59.8)});
  EXPECT_THAT(look({}), IsEmpty());
}

TEST_F(LockWaitsTest, ASessionThatWaitsForTheNextLockHasGotTheFirst) {
  look({wait_of(5)});
  LockWait next = wait_of(0.1);
  next.object = "relation 5";
  EXPECT_THAT(kinds(look({next})), ElementsAre("lock-acquired"));
}

TEST_F(LockWaitsTest, SessionsOfOneRunThatWaitForEachOtherAreNobodysFault) {
  EXPECT_THAT(look({wait_of(50, {one_of_ours()})}), IsEmpty());
  EXPECT_TRUE(waits_.waited_for_ourselves(7));
  EXPECT_EQ(waits_.line(), "");
  look({wait_of(51, {one_of_ours(), somebody()})});
  EXPECT_FALSE(waits_.waited_for_ourselves(7));
  EXPECT_FALSE(waits_.waited_for_ourselves(8)) << "never seen";
}

TEST_F(LockWaitsTest, ARefusedLockIsExplainedByWhoHeldIt) {
  look({wait_of(59.8, {one_of_ours(), somebody()})});
  look({});
  Error refused(ErrorCode::kLockTimeout,
                {.message = "canceling statement due to lock timeout", .sqlstate = "55P03"});
  refused.add_context("Database", "app");
  const Error told = waits_.explained(refused);
  EXPECT_EQ(told.code(), ErrorCode::kLockTimeout);
  EXPECT_EQ(told.sqlstate(), "55P03");
  EXPECT_THAT(told.cause(), HasSubstr("process 4711"));
  EXPECT_THAT(told.cause(), Not(HasSubstr("process 12")));
  EXPECT_THAT(told.solution().at(0), HasSubstr("pg_terminate_backend(4711)"));
  EXPECT_THAT(told.context(), ::testing::Contains(std::pair<std::string, std::string>("Database", "app")));
  const Error other(ErrorCode::kServerError, {.message = "no"});
  EXPECT_EQ(waits_.explained(other).message(), "no");
}

}  // namespace
}  // namespace dbb::logical
