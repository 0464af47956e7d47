#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "repository/frame.h"
#include "repository/pack.h"

// Index objects as bytes (docs/format/repository.md, "Index").
namespace dbb::repository {

// One copy of a frame.
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

// What an index says of a pack with that directory.
PackContents contents_of(const PackDirectory& directory, uint64_t size_bytes);

Bytes encode_index(std::span<const PackContents> packs);
// Error kCorruptedBackup, which names `object`, here and below.
std::vector<PackContents> decode_index(ByteView content, std::string_view object);
// The same, one pack after the other, so that only one is in memory. What is damaged may come to light after
// some were visited.
void for_each_pack(ByteView content, std::string_view object,
                   const std::function<void(const PackContents&)>& visit);

}  // namespace dbb::repository
