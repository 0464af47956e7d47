#include "logical/index_look.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::AllOf;
using testing::Field;
using testing::Ge;
using testing::Le;

auto holds(double share) {
  return AllOf(Field(&ShareBounds::least, Le(share)), Field(&ShareBounds::most, Ge(share)));
}

// Shares of the time that PostgreSQL 15 really took: docs/decisions/0029.
TEST(IndexLookTest, WhatBuildsReallyTookLiesWithinTheBounds) {
  const auto read = bounds_of_build("building index: scanning table", 1, 0);
  const auto sorted = bounds_of_build("building index: loading tuples in tree", 0, 0);
  for (const double share : {0.14, 0.71, 0.53, 0.25, 0.41, 0.20}) EXPECT_THAT(read, holds(share));
  for (const double share : {0.85, 0.88, 0.84, 0.80, 0.60, 0.45}) EXPECT_THAT(sorted, holds(share));
}

TEST(IndexLookTest, BoundsRiseFromStepToStepAndEndAtAll) {
  const auto begun = bounds_of_build("initializing", 0, 0);
  const auto half_read = bounds_of_build("building index: scanning table", 0.5, 0);
  const auto read = bounds_of_build("building index: scanning table", 1, 0);
  const auto sorting = bounds_of_build("building index: sorting live tuples", 1, 0);
  const auto loading = bounds_of_build("building index: loading tuples in tree", 0, 0.5);
  const auto loaded = bounds_of_build("building index: loading tuples in tree", 0, 1);
  EXPECT_EQ(begun.most, 0);
  EXPECT_LT(half_read.least, read.least);
  EXPECT_LT(half_read.most, read.most);
  EXPECT_LE(read.least, sorting.least);
  EXPECT_LT(read.most, sorting.most);
  EXPECT_LT(sorting.least, loading.least);
  EXPECT_LT(sorting.most, loading.most);
  EXPECT_EQ(loaded.least, 1);
}

}  // namespace
}  // namespace dbb::logical
