#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "repository/frame_index.h"

namespace dbb::repository {

// A part of the index: frames in the order in which they were added, which is by pack and offset, and a table
// over their ids. Immutable after finish(). Memory: 28 bytes a frame, and 4 to 8 more for every 8 frames.
class FrameIndex::Segment {
 public:
  using Visit = std::function<void(uint32_t pack, const PackedFrame&)>;

  void add(uint32_t pack, const PackedFrame& frame);
  void append(const Segment& other);
  void finish();

  uint32_t size() const { return size_; }
  // Numbers begin at `first_number`, here and below. After finish().
  void find(const ShortFrameId& id, uint32_t first_number, const Visit& visit) const;
  void append_frames_of(uint32_t pack, uint32_t first_number, std::vector<PackedFrame>& into) const;

 private:
  // The limits of the format leave no bit to spare; frame_segment.cc holds them against each other.
  struct Entry {
    ShortFrameId id;
    uint32_t offset;
    uint32_t length : 30;
    uint32_t is_metadata : 1;
    uint32_t partial : 1;
    uint32_t data_bytes : 20;
    uint32_t last_chunk : 12;  // number of chunks - 1
  };
  static_assert(sizeof(Entry) == 24);
  // Consecutive entries of one pack: up to where the next run begins.
  struct Run {
    uint32_t pack;
    uint32_t begin;
    uint32_t earlier;  // the run before it of the same pack; kNone
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kBlockEntries = 1 << 16;

  static PackedFrame unpacked(const Entry& entry);
  uint32_t bucket_of(const ShortFrameId& id) const;
  uint32_t end_of(size_t run) const { return run + 1 < runs_.size() ? runs_[run + 1].begin : size(); }

  const Entry& entry(uint32_t number) const {
    return blocks_[number / kBlockEntries][number % kBlockEntries];
  }

  std::vector<std::vector<Entry>> blocks_;  // each reserved once, so that growing never copies
  uint32_t size_ = 0;                       // entries in them
  std::vector<Run> runs_;                   // by begin
  std::vector<uint32_t> last_run_;          // by number of pack; kNone
  std::vector<uint32_t> by_id_;             // numbers of entries, sorted by id
  std::vector<uint32_t> bucket_begins_;     // in by_id_, by the first bits of the id; one more at the end
  unsigned bucket_bits_ = 0;
};

}  // namespace dbb::repository
