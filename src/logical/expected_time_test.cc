#include "logical/expected_time.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::HasSubstr;

TEST(ExpectedTime, GrowsWithRowsTablesAndDatabases) {
  const RestoreSize small{.row_bytes = 100'000'000, .tables = 10, .databases = 1};
  const auto seconds = [](const RestoreSize& size) { return expect_time(size, {2, 1}, 2).seconds; };
  for (const auto change :
       {+[](RestoreSize& size) { size.row_bytes *= 10; }, +[](RestoreSize& size) { size.tables += 20'000; },
        +[](RestoreSize& size) { size.databases += 100; }}) {
    RestoreSize larger = small;
    change(larger);
    EXPECT_GT(seconds(larger), seconds(small));
  }
  RestoreSize without_proof = small;
  without_proof.proof = false;
  EXPECT_LT(seconds(without_proof), seconds(small));
}

TEST(ExpectedTime, WorkersBeyondTheProcessorsDoNotHelp) {
  const RestoreSize size{.row_bytes = 10'000'000'000, .tables = 100, .databases = 1};
  EXPECT_LT(expect_time(size, {4, 1}, 4).seconds, expect_time(size, {1, 1}, 4).seconds);
  EXPECT_EQ(expect_time(size, {64, 1}, 4).seconds, expect_time(size, {4, 1}, 4).seconds);
}

TEST(ExpectedTime, IsSaidWithItsAssumption) {
  const ExpectedTime expected =
      expect_time({.row_bytes = 30'000'000'000, .tables = 100, .databases = 1}, {2, 1}, 2);
  const std::string text = describe(expected);
  EXPECT_THAT(text, HasSubstr("about 14 min, at 36.")) << text;
  EXPECT_THAT(text, HasSubstr("assuming 25.0 MB/s of rows"));
  EXPECT_THAT(describe(expect_time({}, {2, 1}, 2)), HasSubstr("about 1 s ("));
}

}  // namespace
}  // namespace dbb::logical
