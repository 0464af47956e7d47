#include "repository/needed_chunks.h"

#include <gtest/gtest.h>

namespace dbb::repository {
namespace {

FrameId frame(uint8_t byte) {
  FrameId id;
  id.bytes.fill(byte);
  return id;
}

// Frames 1 and 2 have 100 chunks each, frame 3 has 4,096; frame 1 is there twice.
std::shared_ptr<const FrameIndex> make_index() {
  const auto listed = [](uint8_t byte, uint32_t offset, uint16_t chunks) {
    return IndexedFrame{.id = frame(byte), .offset = offset, .length = 100, .chunk_count = chunks};
  };
  auto index = std::make_shared<FrameIndex>();
  index->add({.pack = {.id = PackId::from(frame(7).bytes), .size_bytes = 1000, .epoch = 1},
              .frames = {listed(1, 100, 100), listed(2, 200, 100)}});
  index->add({.pack = {.id = PackId::from(frame(8).bytes), .size_bytes = 1000, .epoch = 1},
              .frames = {listed(3, 100, 4096), listed(1, 200, 100)}});
  index->finish();
  return index;
}

Extent extent(uint8_t byte, uint32_t first, uint32_t count) {
  Extent extent;
  extent.frame = frame(byte);
  extent.first_chunk = first;
  extent.chunk_count = count;
  return extent;
}

// Of each frame in a pack, by offset.
std::vector<uint32_t> counts(const NeededChunks& needed, uint32_t pack) {
  std::vector<uint32_t> counts;
  for (const PackedFrame& copy : needed.index().frames_of(pack)) counts.push_back(needed.count(copy));
  return counts;
}

TEST(NeededChunks, EveryCopyOfAFrameIsNeeded) {
  NeededChunks needed(make_index());
  EXPECT_TRUE(needed.add(extent(1, 10, 5)));
  EXPECT_TRUE(needed.add(extent(1, 12, 70)));
  EXPECT_EQ(counts(needed, 0), (std::vector<uint32_t>{72, 0}));
  EXPECT_EQ(counts(needed, 1), (std::vector<uint32_t>{0, 72}));
  const PackedFrame copy = needed.index().frames_of(0)[0];
  EXPECT_FALSE(needed.has(copy, 9));
  EXPECT_TRUE(needed.has(copy, 10));
  EXPECT_TRUE(needed.has(copy, 81));
  EXPECT_FALSE(needed.has(copy, 82));
}

TEST(NeededChunks, WhatIsNeededBitByBitIsAtLastNeededInWhole) {
  NeededChunks needed(make_index());
  for (uint32_t chunk = 0; chunk < 100; ++chunk) {
    EXPECT_EQ(counts(needed, 0)[1], chunk);
    EXPECT_TRUE(needed.add(extent(2, 99 - chunk, 1)));
  }
  EXPECT_EQ(counts(needed, 0)[1], 100U);
  // Its bits are used again, and none of them is left over.
  EXPECT_TRUE(needed.add(extent(1, 0, 1)));
  EXPECT_EQ(counts(needed, 0), (std::vector<uint32_t>{1, 100}));
  EXPECT_TRUE(needed.add(extent(2, 3, 5)));
  EXPECT_EQ(counts(needed, 0), (std::vector<uint32_t>{1, 100}));
}

TEST(NeededChunks, TheLargestFrameFits) {
  NeededChunks needed(make_index());
  EXPECT_TRUE(needed.add(extent(3, 4095, 1)));
  EXPECT_EQ(counts(needed, 1)[0], 1U);
  EXPECT_TRUE(needed.add_frame(frame(3)));
  EXPECT_EQ(counts(needed, 1)[0], 4096U);
}

TEST(NeededChunks, WhatNoIndexListsIsMissing) {
  NeededChunks needed(make_index());
  EXPECT_FALSE(needed.add(extent(9, 0, 1)));
  EXPECT_FALSE(needed.add(extent(1, 99, 2)));
  EXPECT_FALSE(needed.add(extent(1, 101, 0)));
  EXPECT_FALSE(needed.add_frame(frame(9)));
  EXPECT_EQ(counts(needed, 0), (std::vector<uint32_t>{0, 0}));
}

}  // namespace
}  // namespace dbb::repository
