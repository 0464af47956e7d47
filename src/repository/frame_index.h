#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "repository/index_object.h"

// Where frames lie.
namespace dbb::repository {

// What the index keeps of a frame's id: 96 bits of a keyed hash. Among 4 million frames two agree with a
// chance of 1 in 10^16, and nothing is lost if they do: whoever reads a frame checks its whole id, and
// whoever takes a frame for stored compares the whole id with the directory of its pack.
using ShortFrameId = BinaryId<12, struct ShortFrameTag>;
inline ShortFrameId shortened(const FrameId& id) { return ShortFrameId::from(id.bytes); }

// One copy of a frame, as it is found by its pack.
struct PackedFrame {
  ShortFrameId short_id;
  uint32_t number = 0;  // below FrameIndex::frame_count(), different for every copy
  uint32_t offset = 0;
  uint32_t length = 0;
  uint32_t data_bytes = 0;
  uint16_t chunk_count = 0;
  uint8_t kind = 0;
  bool partial = false;

  auto operator<=>(const PackedFrame&) const = default;
};

// The union of all index objects. Immutable once built. Memory: 29 bytes a frame, about 130 a pack.
//
// A copy shares the frames with its original: what is added to the copy afterwards lies apart. So the index
// of a long-lived process is extended while others still read the old one, without holding it twice.
class FrameIndex {
 public:
  const std::vector<IndexedPack>& packs() const { return packs_; }
  const IndexedPack& pack_of(const IndexedFrame& frame) const { return packs_[frame.pack]; }
  uint32_t frame_count() const;

  // All copies, the complete ones first; see ShortFrameId for what "all copies" means.
  std::vector<IndexedFrame> copies(const FrameId& id) const;
  // The same with their numbers, in no order.
  void visit_copies(const ShortFrameId& id,
                    const std::function<void(uint32_t pack, const PackedFrame&)>& visit) const;
  // Of one pack, by offset, no two alike.
  std::vector<PackedFrame> frames_of(uint32_t pack) const;

  // Building: add any number, the same pack also twice, then finish() before the first look-up.
  void add(const PackContents& contents);
  void finish();

 private:
  class Segment;

  uint32_t number_of(const IndexedPack& pack);
  void merge_last_two();

  std::vector<IndexedPack> packs_;
  std::unordered_map<PackId, uint32_t, PackId::Hash> numbers_;  // of packs in packs_
  std::vector<std::shared_ptr<const Segment>> segments_;        // owned together with copies of this index
  std::shared_ptr<Segment> open_;                               // what is being built
};

}  // namespace dbb::repository
