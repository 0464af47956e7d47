#include "repository/index_object.h"

#include <algorithm>

#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

constexpr size_t kMinFrameRecordBytes = 39;  // its length and every field at their shortest

IndexedFrame read_frame(ByteView record, uint64_t pack_bytes, std::string_view object) {
  ByteReader reader(record, object);
  IndexedFrame frame;
  frame.id = FrameId::from(reader.raw(sizeof(FrameId)));
  const uint64_t offset = reader.varint();
  const uint64_t length = reader.varint();
  frame.kind = reader.u8();
  const uint8_t flags = reader.u8();
  const uint64_t chunk_count = reader.varint();
  const uint64_t data_bytes = reader.varint();
  if ((flags & ~kFramePartial) != 0) reader.fail("unknown flags of a frame");
  if (frame.kind != static_cast<uint8_t>(BoxKind::kDataFrame) &&
      frame.kind != static_cast<uint8_t>(BoxKind::kMetadataFrame)) {
    reader.fail("unknown kind of a frame");
  }
  const bool fits = offset >= kPackHeaderBytes && offset <= pack_bytes && length >= kBoxOverheadBytes &&
                    length <= max_box_bytes(BoxKind::kDataFrame) && offset + length <= pack_bytes &&
                    chunk_count > 0 && chunk_count <= kMaxFrameChunks && data_bytes < kMaxFrameContentBytes;
  if (!fits) reader.fail("a frame lies where none can be");
  frame.offset = static_cast<uint32_t>(offset);
  frame.length = static_cast<uint32_t>(length);
  frame.chunk_count = static_cast<uint16_t>(chunk_count);
  frame.data_bytes = static_cast<uint32_t>(data_bytes);
  frame.partial = (flags & kFramePartial) != 0;
  return frame;
}

}  // namespace

PackContents contents_of(const PackDirectory& directory, uint64_t size_bytes) {
  PackContents contents = {.pack = {.id = directory.pack, .size_bytes = size_bytes, .epoch = directory.epoch},
                           .frames = {}};
  contents.frames.reserve(directory.frames.size());
  for (const DirectoryEntry& entry : directory.frames) {
    contents.frames.push_back({.id = entry.id,
                               .offset = static_cast<uint32_t>(entry.offset),
                               .length = static_cast<uint32_t>(entry.length),
                               .data_bytes = static_cast<uint32_t>(entry.data_bytes()),
                               .chunk_count = static_cast<uint16_t>(entry.chunks.size()),
                               .kind = static_cast<uint8_t>(frame_kind(entry.stream_class)),
                               .partial = !entry.bitmap.empty()});
  }
  return contents;
}

Bytes encode_index(std::span<const PackContents> packs) {
  ByteWriter out;
  ByteWriter head;
  head.varint(packs.size());
  out.sized(head.bytes());
  for (const PackContents& contents : packs) {
    ByteWriter pack;
    pack.raw(contents.pack.id.bytes);
    pack.varint(contents.pack.size_bytes);
    pack.varint(contents.pack.epoch);
    pack.varint(contents.frames.size());
    out.sized(pack.bytes());
    for (const IndexedFrame& frame : contents.frames) {
      ByteWriter record;
      record.raw(frame.id.bytes);
      record.varint(frame.offset);
      record.varint(frame.length);
      record.u8(frame.kind);
      record.u8(frame.partial ? kFramePartial : 0);
      record.varint(frame.chunk_count);
      record.varint(frame.data_bytes);
      out.sized(record.bytes());
    }
  }
  return out.take();
}

void for_each_pack(ByteView content, std::string_view object,
                   const std::function<void(const PackContents&)>& visit) {
  ByteReader reader(content, object);
  ByteReader head(reader.sized(), object);
  const uint64_t pack_count = head.varint();
  if (pack_count > content.size()) head.fail("more packs than there is room for");
  PackContents contents;
  for (uint64_t i = 0; i < pack_count; ++i) {
    ByteReader pack(reader.sized(), object);
    contents.pack.id = PackId::from(pack.raw(sizeof(PackId)));
    contents.pack.size_bytes = pack.varint();
    contents.pack.epoch = static_cast<uint32_t>(std::min<uint64_t>(pack.varint(), UINT32_MAX));
    if (contents.pack.size_bytes > kMaxPackBytes) pack.fail("a pack is larger than any can be");
    const uint64_t frame_count = pack.varint();
    if (frame_count > reader.remaining() / kMinFrameRecordBytes)
      pack.fail("more frames than there is room for");
    contents.frames.clear();
    contents.frames.reserve(frame_count);
    for (uint64_t j = 0; j < frame_count; ++j) {
      contents.frames.push_back(read_frame(reader.sized(), contents.pack.size_bytes, object));
    }
    visit(contents);
  }
}

std::vector<PackContents> decode_index(ByteView content, std::string_view object) {
  std::vector<PackContents> packs;
  for_each_pack(content, object, [&](const PackContents& contents) { packs.push_back(contents); });
  return packs;
}

}  // namespace dbb::repository
