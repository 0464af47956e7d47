#include "repository/frame_index.h"

#include <algorithm>
#include <tuple>

#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

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
                    chunk_count > 0 && chunk_count <= kMaxFrameChunks && data_bytes <= kMaxFrameContentBytes;
  if (!fits) reader.fail("a frame lies where none can be");
  frame.offset = static_cast<uint32_t>(offset);
  frame.length = static_cast<uint32_t>(length);
  frame.chunk_count = static_cast<uint16_t>(chunk_count);
  frame.data_bytes = static_cast<uint32_t>(data_bytes);
  frame.partial = (flags & kFramePartial) != 0;
  return frame;
}

}  // namespace

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

std::vector<PackContents> decode_index(ByteView content, std::string_view object) {
  ByteReader reader(content, object);
  ByteReader head(reader.sized(), object);
  const uint64_t pack_count = head.varint();
  if (pack_count > content.size()) head.fail("more packs than there is room for");
  std::vector<PackContents> packs(pack_count);
  for (PackContents& contents : packs) {
    ByteReader pack(reader.sized(), object);
    contents.pack.id = PackId::from(pack.raw(sizeof(PackId)));
    contents.pack.size_bytes = pack.varint();
    contents.pack.epoch = static_cast<uint32_t>(std::min<uint64_t>(pack.varint(), UINT32_MAX));
    if (contents.pack.size_bytes > kMaxPackBytes) pack.fail("a pack is larger than any can be");
    const uint64_t frame_count = pack.varint();
    if (frame_count > reader.remaining()) pack.fail("more frames than there is room for");
    contents.frames.reserve(frame_count);
    for (uint64_t i = 0; i < frame_count; ++i) {
      contents.frames.push_back(read_frame(reader.sized(), contents.pack.size_bytes, object));
    }
  }
  return packs;
}

void FrameIndex::add(const PackContents& contents) {
  const auto [known, is_new] = numbers_.emplace(contents.pack.id, static_cast<uint32_t>(packs_.size()));
  const uint32_t number = known->second;
  if (is_new) packs_.push_back(contents.pack);
  for (IndexedFrame frame : contents.frames) {
    frame.pack = number;
    frames_.push_back(frame);
  }
}

void FrameIndex::finish() {
  std::ranges::sort(frames_, [](const IndexedFrame& a, const IndexedFrame& b) {
    return std::tie(a.id, a.partial, a.pack, a.offset) < std::tie(b.id, b.partial, b.pack, b.offset);
  });
  const auto [first, last] = std::ranges::unique(frames_);
  frames_.erase(first, last);
}

std::span<const IndexedFrame> FrameIndex::copies(const FrameId& id) const {
  const auto [first, last] = std::ranges::equal_range(frames_, id, {}, &IndexedFrame::id);
  return {first, last};
}

}  // namespace dbb::repository
