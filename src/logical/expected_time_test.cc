#include "logical/expected_time.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::HasSubstr;

constexpr Concurrency kTwoWorkers{.databases = 1, .workers = 2, .processors = 2};
const DatabaseSizes kLarge{.row_bytes = 30'000'000'000, .heap_bytes = 30'000'000'000, .tables = 100};

double seconds(const std::vector<DatabaseSizes>& databases, Concurrency concurrency = kTwoWorkers) {
  return expect_time(databases, concurrency).seconds;
}

TEST(ExpectedTime, GrowsWithRowsIndexesTablesAndDatabases) {
  const DatabaseSizes small{.row_bytes = 100'000'000, .tables = 10};
  for (const auto change : {+[](DatabaseSizes& sizes) { sizes.row_bytes *= 10; },
                            +[](DatabaseSizes& sizes) { sizes.build_seconds = 10; },
                            +[](DatabaseSizes& sizes) { sizes.tables += 20'000; }}) {
    DatabaseSizes larger = small;
    change(larger);
    EXPECT_GT(seconds({larger}), seconds({small}));
  }
  EXPECT_GT(seconds({small, small}), seconds({small}));
  DatabaseSizes without_proof = small;
  without_proof.is_proven = false;
  EXPECT_LT(seconds({without_proof}), seconds({small}));
  DatabaseSizes skipped = small;
  skipped.is_restored = false;
  EXPECT_EQ(seconds({small, skipped}), seconds({small}));
}

TEST(ExpectedTime, WorkersBeyondTheProcessorsDoNotHelp) {
  const auto with = [](int workers, int processors) {
    return seconds({kLarge}, {.databases = 1, .workers = workers, .processors = processors});
  };
  EXPECT_LT(with(4, 4), with(1, 4));
  EXPECT_EQ(with(64, 4), with(4, 4));
  EXPECT_LT(with(64, 0), with(4, 0));  // nothing is known of the server's
}

TEST(ExpectedTime, IsSaidWithItsAssumption) {
  const std::string text = describe(expect_time({kLarge}, kTwoWorkers));
  EXPECT_THAT(text, HasSubstr(" min, at "));
  EXPECT_THAT(text, HasSubstr("/s of rows and "));
  EXPECT_THAT(text, HasSubstr("with 2 busy workers"));
  EXPECT_THAT(describe(expect_time({}, kTwoWorkers)), HasSubstr("about 1 s ("));
}

}  // namespace
}  // namespace dbb::logical
