#include "repository/recipe.h"

#include <fmt/format.h>

#include <unordered_map>

namespace dbb::repository {
namespace {

constexpr uint64_t kMaxTableFrames = 65536;

}  // namespace

bool Extent::merge(const Extent& next) {
  if (hole != next.hole) return false;
  if (!hole) {
    if (frame != next.frame || first_chunk + chunk_count != next.first_chunk) return false;
    chunk_count += next.chunk_count;
  }
  bytes += next.bytes;
  return true;
}

Bytes encode_recipe_block(const std::vector<Extent>& extents) {
  std::unordered_map<FrameId, size_t, FrameId::Hash> numbers;
  std::vector<const FrameId*> table;
  for (const Extent& extent : extents) {
    if (!extent.hole && numbers.emplace(extent.frame, table.size() + 1).second)
      table.push_back(&extent.frame);
  }
  ByteWriter out;
  out.varint(table.size());
  for (const FrameId* frame : table) out.raw(frame->bytes);
  out.varint(extents.size());
  for (const Extent& extent : extents) {
    out.varint(extent.hole ? 0 : numbers.at(extent.frame));
    if (!extent.hole) {
      out.varint(extent.first_chunk);
      out.varint(extent.chunk_count);
    }
    out.varint(extent.bytes);
  }
  return out.take();
}

std::vector<Extent> decode_recipe_block(ByteView block, std::string_view object) {
  ByteReader reader(block, object);
  if (block.size() > kMaxRecipeBlockBytes) reader.fail("a block of a recipe is larger than 1 MiB");
  const uint64_t frame_count = reader.varint();
  if (frame_count > kMaxTableFrames) reader.fail("too many frames in a block of a recipe");
  const ByteView table = reader.raw(frame_count * sizeof(FrameId));
  const uint64_t extent_count = reader.varint();
  if (extent_count > reader.remaining() / 2) reader.fail("more extents than there is room for");
  std::vector<Extent> extents(extent_count);
  for (Extent& extent : extents) {
    const uint64_t number = reader.varint();
    if (number > frame_count) reader.fail("an extent of a frame that is not in the table");
    extent.hole = number == 0;
    if (!extent.hole) {
      extent.frame = FrameId::from(table.subspan((number - 1) * sizeof(FrameId), sizeof(FrameId)));
      const uint64_t first = reader.varint();
      const uint64_t count = reader.varint();
      if (count == 0 || first >= kMaxFrameChunks || count > kMaxFrameChunks - first) {
        reader.fail("an extent of chunks that no frame has");
      }
      extent.first_chunk = static_cast<uint32_t>(first);
      extent.chunk_count = static_cast<uint32_t>(count);
    }
    extent.bytes = reader.varint();
    if (extent.bytes == 0 || (!extent.hole && extent.bytes > extent.chunk_count * uint64_t{kMaxChunkBytes})) {
      reader.fail("an extent of a length that it cannot have");
    }
  }
  return extents;
}

Bytes encode_stream_ref(const StreamRef& stream) {
  ByteWriter out;
  out.u8(static_cast<uint8_t>(stream.stream_class));
  out.varint(stream.bytes);
  out.u8(stream.depth);
  out.sized(stream.recipe);
  return out.take();
}

StreamRef decode_stream_ref(ByteView record, std::string_view object) {
  ByteReader reader(record, object);
  const uint8_t stream_class = reader.u8();
  if (stream_class < 1 || stream_class > static_cast<uint8_t>(StreamClass::kMetadata))
    reader.fail("unknown class");
  StreamRef stream;
  stream.stream_class = static_cast<StreamClass>(stream_class);
  stream.bytes = reader.varint();
  stream.depth = reader.u8();
  if (stream.depth > kMaxRecipeDepth) reader.fail("a recipe of more levels than allowed");
  const ByteView recipe = reader.sized();
  stream.recipe.assign(recipe.begin(), recipe.end());
  return stream;
}

Bytes encode_item(const Item& item) {
  DBB_CHECK(item.parts.size() <= kMaxItemParts, "a reader takes no more");
  ByteWriter out;
  out.sized(item.kind);
  out.sized(item.key);
  out.sized(item.attributes);
  out.varint(item.parts.size());
  for (const StreamRef& part : item.parts) out.sized(encode_stream_ref(part));
  return out.take();
}

Item decode_item(ByteView record, std::string_view object) {
  ByteReader reader(record, object);
  Item item;
  item.kind = reader.sized_text();
  item.key = reader.sized_text();
  item.attributes = reader.sized_text();
  const uint64_t part_count = reader.varint();
  if (part_count > kMaxItemParts || part_count > reader.remaining()) {
    reader.fail("more parts than there is room for");
  }
  item.parts.reserve(part_count);
  for (uint64_t i = 0; i < part_count; ++i) item.parts.push_back(decode_stream_ref(reader.sized(), object));
  return item;
}

}  // namespace dbb::repository
