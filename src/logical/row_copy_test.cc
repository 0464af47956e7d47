#include "logical/row_copy.h"

#include <gtest/gtest.h>

namespace dbb::logical {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;
const postgres::ServerVersion k15{150010};

postgres::Table heap(uint64_t heap_mib, uint64_t toast_mib = 0) {
  postgres::Table table;
  table.access_method = "heap";
  table.heap_bytes = heap_mib * kMiB;
  table.toast_bytes = toast_mib * kMiB;
  return table;
}

TEST(RowParts, ASmallTableIsOnePart) {
  for (const uint64_t mib : {0, 1, 255, 256}) {
    EXPECT_EQ(plan_parts(heap(mib), k15).ranges, std::vector{BlockRange{}}) << mib;
  }
}

TEST(RowParts, RangesTouchWithoutGapAndTheLastIsOpen) {
  const PartPlan plan = plan_parts(heap(1000), k15);
  ASSERT_EQ(plan.ranges.size(), 4u);
  uint64_t expected = 0;
  for (size_t i = 0; i < plan.ranges.size(); ++i) {
    EXPECT_EQ(plan.ranges[i].first, expected);
    EXPECT_EQ(plan.ranges[i].end.has_value(), i + 1 < plan.ranges.size());
    expected = plan.ranges[i].end.value_or(0);
  }
}

TEST(RowParts, GrowthDoesNotShiftBorders) {
  const PartPlan before = plan_parts(heap(1000), k15);
  const PartPlan after = plan_parts(heap(1200), k15);
  ASSERT_EQ(before.part_blocks, after.part_blocks);
  for (size_t i = 0; i < before.ranges.size(); ++i) EXPECT_EQ(before.ranges[i].first, after.ranges[i].first);
}

TEST(RowParts, ToastMakesPartsOfFewerBlocks) {
  EXPECT_LT(plan_parts(heap(100, 3000), k15).part_blocks, plan_parts(heap(3000), k15).part_blocks);
  EXPECT_GT(plan_parts(heap(100, 3000), k15).ranges.size(), 8u);
}

TEST(RowParts, WhereRangesWouldReadTheWholeTableThereIsOnePart) {
  EXPECT_EQ(plan_parts(heap(1000), postgres::ServerVersion{130010}).ranges.size(), 1u);
  postgres::Table columnar = heap(1000);
  columnar.access_method = "columnar";
  EXPECT_EQ(plan_parts(columnar, k15).ranges.size(), 1u);
}

TEST(RowMessages, TheHeadAndTheEndOfBinaryFormatAreNoRows) {
  const std::string head("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
  const std::string row("\0\1\0\0\0\4\0\0\0\7", 10);
  const std::string end("\xff\xff", 2);
  const auto text = [](ByteView message) {
    const std::optional<ByteView> found = row_in(message, RowFormat::kBinary);
    return found ? std::optional(std::string(as_text(*found))) : std::nullopt;
  };
  EXPECT_EQ(text(as_bytes(head + row)), row);
  EXPECT_EQ(text(as_bytes(row)), row);
  EXPECT_EQ(text(as_bytes(end)), std::nullopt);
  EXPECT_EQ(text(as_bytes(head + end)), std::nullopt) << "a table without rows";
  EXPECT_EQ(as_text(*row_in(as_bytes("\xff\xff"), RowFormat::kText)), "\xff\xff");
}

}  // namespace
}  // namespace dbb::logical
