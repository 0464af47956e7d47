#include "logical/fingerprint.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"

namespace dbb::logical {
namespace {

Fingerprint of(std::initializer_list<std::string_view> rows) {
  Fingerprint sum;
  for (const std::string_view row : rows) sum.add(as_bytes(row));
  return sum;
}

TEST(Fingerprint, OrderDoesNotMatter) { EXPECT_EQ(of({"1\ta\n", "2\tb\n"}), of({"2\tb\n", "1\ta\n"})); }

TEST(Fingerprint, TwoEqualRowsDoNotCancel) {
  EXPECT_NE(of({"x\n", "x\n", "y\n"}), of({"z\n", "z\n", "y\n"}));
  EXPECT_NE(of({"x\n", "x\n"}).hex(), of({}).hex());
}

TEST(Fingerprint, ADoubledMissingOrChangedRowShows) {
  const Fingerprint whole = of({"1\n", "2\n", "3\n"});
  EXPECT_NE(whole, of({"1\n", "2\n"}));
  EXPECT_NE(whole, of({"1\n", "2\n", "3\n", "3\n"}));
  EXPECT_NE(whole, of({"1\n", "2\n", "4\n"}));
}

TEST(Fingerprint, PartsAddUpToTheWhole) {
  Fingerprint sum = of({"1\n", "2\n"});
  sum += of({"3\n"});
  EXPECT_EQ(sum, of({"3\n", "1\n", "2\n"}));
}

TEST(Fingerprint, SumsCarryIntoTheHighHalf) {
  Fingerprint almost{.rows = 1, .low = ~0ULL, .high = 1};
  almost += Fingerprint{.rows = 1, .low = 1, .high = 0};
  EXPECT_EQ(almost, (Fingerprint{.rows = 2, .low = 0, .high = 2}));
}

TEST(Fingerprint, TextReadsBack) {
  const Fingerprint whole = of({"a\n", "b\n"});
  EXPECT_EQ(Fingerprint::parse(2, whole.hex()), whole);
  EXPECT_THROW(Fingerprint::parse(2, "12"), Error);
}

}  // namespace
}  // namespace dbb::logical
