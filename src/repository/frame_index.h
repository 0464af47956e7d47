#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "repository/frame.h"

// Where frames lie (docs/format/repository.md, "Index").
namespace dbb::repository {

struct IndexedFrame {
  FrameId id;
  uint32_t pack = 0;    // number in the list of packs
  uint32_t offset = 0;  // of its box
  uint32_t length = 0;  // of its box
  uint32_t data_bytes = 0;
  uint16_t chunk_count = 0;
  uint8_t kind = 0;
  bool partial = false;  // this copy lacks chunks

  auto operator<=>(const IndexedFrame&) const = default;
};

struct IndexedPack {
  PackId id;
  uint64_t size_bytes = 0;
  uint32_t epoch = 0;

  bool operator==(const IndexedPack&) const = default;
};

// What one index object says of one pack. `pack` in its frames is not used.
struct PackContents {
  IndexedPack pack;
  std::vector<IndexedFrame> frames;

  bool operator==(const PackContents&) const = default;
};

Bytes encode_index(std::span<const PackContents> packs);
// Error kCorruptedBackup, which names `object`.
std::vector<PackContents> decode_index(ByteView content, std::string_view object);

// The union of all index objects. Immutable once built; 56 bytes a frame.
class FrameIndex {
 public:
  const std::vector<IndexedPack>& packs() const { return packs_; }
  const std::vector<IndexedFrame>& frames() const { return frames_; }
  const IndexedPack& pack_of(const IndexedFrame& frame) const { return packs_[frame.pack]; }
  // All copies, the complete ones first.
  std::span<const IndexedFrame> copies(const FrameId& id) const;

  // Building: add any number, the same pack also twice, then finish() before the first look-up.
  void add(const PackContents& contents);
  void finish();

 private:
  std::vector<IndexedPack> packs_;
  std::unordered_map<PackId, uint32_t, PackId::Hash> numbers_;  // of packs in packs_
  std::vector<IndexedFrame> frames_;                            // sorted by id, then complete ones first
};

}  // namespace dbb::repository
