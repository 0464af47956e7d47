#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "repository/format.h"
#include "repository/item.h"
#include "repository/stream_ref.h"

// Recipes, stream references and items as bytes (docs/format/repository.md, "Recipe" and "Item list").
namespace dbb::repository {

// Consecutive bytes of a stream: chunks of one frame, or zeros.
struct Extent {
  bool hole = false;
  FrameId frame = {};        // not of a hole
  uint32_t first_chunk = 0;  // not of a hole
  uint32_t chunk_count = 0;  // not of a hole
  uint64_t bytes = 0;

  // Takes in what follows it, if it is one piece with it.
  bool merge(const Extent& next);
  bool operator==(const Extent&) const = default;
};

inline constexpr size_t kMaxRecipeBlockBytes = 1 << 20;
inline constexpr size_t kMaxItemBytes = 64 << 20;
inline constexpr size_t kMaxItemParts = 1 << 20;
inline constexpr uint8_t kMaxRecipeDepth = 8;

Bytes encode_recipe_block(const std::vector<Extent>& extents);
// Error kCorruptedBackup, which names `object`, here and below.
std::vector<Extent> decode_recipe_block(ByteView block, std::string_view object);

// Without the record's own length.
Bytes encode_stream_ref(const StreamRef& stream);
StreamRef decode_stream_ref(ByteView record, std::string_view object);

Bytes encode_item(const Item& item);
Item decode_item(ByteView record, std::string_view object);

}  // namespace dbb::repository
