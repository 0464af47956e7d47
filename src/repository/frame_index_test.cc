#include "repository/frame_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

FrameId id_of(uint64_t number) {
  std::mt19937_64 random(number);
  FrameId id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(random());
  return id;
}

PackId pack_id_of(uint64_t number) { return PackId::from(id_of(number).bytes); }

// A pack of frames that lie one behind the other.
PackContents pack_of(uint64_t number, std::span<const uint64_t> frames, bool partial = false) {
  PackContents contents = {.pack = {.id = pack_id_of(number), .size_bytes = 1 << 25, .epoch = 1},
                           .frames = {}};
  uint32_t offset = kPackHeaderBytes;
  for (const uint64_t frame : frames) {
    const auto length = static_cast<uint32_t>(100 + frame % 1000);
    contents.frames.push_back({.id = id_of(frame),
                               .offset = offset,
                               .length = length,
                               .data_bytes = length * 3,
                               .chunk_count = static_cast<uint16_t>(1 + frame % kMaxFrameChunks),
                               .kind = static_cast<uint8_t>(1 + frame % 2),
                               .partial = partial});
    offset += length;
  }
  return contents;
}

TEST(FrameIndexTest, GivesBackWhatWasAddedUnchanged) {
  FrameIndex index;
  const PackContents contents = pack_of(1, std::vector<uint64_t>{10, 11, 4095, 4096});
  PackContents largest = pack_of(2, std::vector<uint64_t>{20});
  largest.frames[0].offset = kMaxPackBytes - static_cast<uint32_t>(max_box_bytes(BoxKind::kDataFrame));
  largest.frames[0].length = static_cast<uint32_t>(max_box_bytes(BoxKind::kDataFrame));
  largest.frames[0].data_bytes = kMaxFrameContentBytes - 1;
  largest.frames[0].chunk_count = kMaxFrameChunks;
  index.add(contents);
  index.add(largest);
  index.finish();
  for (IndexedFrame frame : contents.frames) {
    EXPECT_EQ(index.copies(frame.id), std::vector<IndexedFrame>{frame});
  }
  largest.frames[0].pack = 1;
  EXPECT_EQ(index.copies(id_of(20)), largest.frames);
  EXPECT_EQ(index.pack_of(largest.frames[0]).id, pack_id_of(2));
  EXPECT_TRUE(index.copies(id_of(99)).empty());
}

TEST(FrameIndexTest, CompleteCopiesComeFirstAndEachCopyOnce) {
  FrameIndex index;
  index.add(pack_of(1, std::vector<uint64_t>{10, 11}, true));
  index.add(pack_of(2, std::vector<uint64_t>{11, 12}));
  index.add(pack_of(1, std::vector<uint64_t>{10, 11, 13}, true));  // a pack in two index objects
  index.finish();
  const std::vector<IndexedFrame> copies = index.copies(id_of(11));
  ASSERT_EQ(copies.size(), 2);
  EXPECT_FALSE(copies[0].partial);
  EXPECT_EQ(index.pack_of(copies[0]).id, pack_id_of(2));
  EXPECT_TRUE(copies[1].partial);
  EXPECT_EQ(index.frame_count(), 5);
  EXPECT_EQ(index.frames_of(0).size(), 3);
}

TEST(FrameIndexTest, FramesOfAPackComeByOffsetAndNumberedApart) {
  FrameIndex index;
  for (uint64_t round = 0; round < 3; ++round) {  // as three refreshes, into several segments
    FrameIndex next = index;
    next.add(pack_of(1, std::vector<uint64_t>{1, 2, 3, 4 + round}));
    next.add(pack_of(100 + round, std::vector<uint64_t>{50, 51 + round}));
    next.finish();
    index = next;
  }
  std::set<uint32_t> numbers;
  for (uint32_t pack = 0; pack < index.packs().size(); ++pack) {
    uint32_t offset = 0;
    for (const PackedFrame& frame : index.frames_of(pack)) {
      EXPECT_GE(frame.offset, offset);
      offset = frame.offset;
      EXPECT_LT(frame.number, index.frame_count());
      EXPECT_TRUE(numbers.insert(frame.number).second);
    }
  }
  EXPECT_EQ(numbers.size(), index.frame_count());
  EXPECT_EQ(index.frames_of(0).size(), 6);
}

TEST(FrameIndexTest, AnIndexStaysAsItWasWhenACopyOfItGrows) {
  FrameIndex first;
  first.add(pack_of(1, std::vector<uint64_t>{1, 2, 3}));
  first.finish();
  FrameIndex second = first;
  second.add(pack_of(2, std::vector<uint64_t>{3, 4}));
  second.finish();
  EXPECT_EQ(first.copies(id_of(3)).size(), 1);
  EXPECT_EQ(first.packs().size(), 1);
  EXPECT_EQ(second.copies(id_of(3)).size(), 2);
  EXPECT_EQ(second.copies(id_of(4)).size(), 1);
}

TEST(FrameIndexTest, FindsEveryFrameOfRandomPacksHoweverTheyArrive) {
  std::mt19937_64 random(7);
  std::map<uint64_t, std::set<uint64_t>> packs_of_frame;
  FrameIndex index;
  for (uint64_t pack = 1000; pack < 1200; ++pack) {
    std::vector<uint64_t> frames(1 + random() % 40);
    for (uint64_t& frame : frames) frame = random() % 3000;
    std::ranges::sort(frames);
    frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
    for (const uint64_t frame : frames) packs_of_frame[frame].insert(pack);
    index.add(pack_of(pack, frames));
    if (random() % 10 == 0) index.finish();
  }
  index.finish();
  for (uint64_t frame = 0; frame < 3000; ++frame) {
    std::set<PackId> expected;
    for (const uint64_t pack : packs_of_frame[frame]) expected.insert(pack_id_of(pack));
    std::set<PackId> found;
    for (const IndexedFrame& copy : index.copies(id_of(frame))) {
      EXPECT_EQ(copy.id, id_of(frame));
      EXPECT_EQ(copy.length, 100 + frame % 1000);
      EXPECT_TRUE(found.insert(index.pack_of(copy).id).second);
    }
    EXPECT_EQ(found, expected) << frame;
  }
}

TEST(FrameIndexTest, AnObjectThatPromisesMoreFramesThanItHasAllocatesNothingForThem) {
  ByteWriter head;
  head.varint(1);
  ByteWriter pack;
  pack.raw(pack_id_of(1).bytes);
  pack.varint(1000);
  pack.varint(1);
  pack.varint(uint64_t{1} << 60);
  ByteWriter content;
  content.sized(head.bytes());
  content.sized(pack.bytes());
  EXPECT_THROW(decode_index(content.bytes(), "index/x"), Error);
}

}  // namespace
}  // namespace dbb::repository
