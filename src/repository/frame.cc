#include "repository/frame.h"

#include "repository/damage.h"

namespace dbb::repository {
namespace {

struct Trailer {
  StreamClass stream_class;
  std::vector<uint32_t> lengths;
  ByteView bitmap;  // empty: all chunks are there
  ByteView absent_ids;
};

Trailer read_trailer(ByteView bytes, std::string_view object) {
  ByteReader reader(bytes, object);
  Trailer trailer;
  const uint8_t stream_class = reader.u8();
  if (stream_class < 1 || stream_class > static_cast<uint8_t>(StreamClass::kMetadata))
    reader.fail("unknown class");
  trailer.stream_class = static_cast<StreamClass>(stream_class);
  const uint8_t flags = reader.u8();
  if ((flags & ~kFramePartial) != 0) reader.fail("unknown flags of a frame");
  const uint64_t count = reader.varint();
  if (count == 0 || count > kMaxFrameChunks) reader.fail("a frame has 1 to 4096 chunks");
  trailer.lengths.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t length = reader.varint();
    if (length == 0 || length > kMaxChunkBytes) reader.fail("a chunk has 1 to 16384 bytes");
    trailer.lengths.push_back(static_cast<uint32_t>(length));
  }
  if ((flags & kFramePartial) != 0) {
    trailer.bitmap = reader.raw((count + 7) / 8);
    size_t absent = 0;
    for (size_t i = 0; i < count; ++i) absent += is_set(trailer.bitmap, i) ? 0 : 1;
    trailer.absent_ids = reader.raw(absent * sizeof(ChunkId));
  }
  return trailer;
}

}  // namespace

FrameId IdMaker::frame(StreamClass stream_class, std::span<const ChunkInfo> chunks) {
  ByteWriter message;
  message.u8(static_cast<uint8_t>(stream_class));
  message.u32(static_cast<uint32_t>(chunks.size()));
  for (const ChunkInfo& chunk : chunks) {
    message.u32(chunk.length);
    message.raw(chunk.id.bytes);
  }
  return {frames_.of(message.bytes())};
}

void append_frame_trailer(Bytes& data, StreamClass stream_class, std::span<const ChunkInfo> chunks,
                          ByteView bitmap) {
  ByteWriter trailer;
  trailer.u8(static_cast<uint8_t>(stream_class));
  trailer.u8(bitmap.empty() ? 0 : kFramePartial);
  trailer.varint(chunks.size());
  for (const ChunkInfo& chunk : chunks) trailer.varint(chunk.length);
  if (!bitmap.empty()) {
    trailer.raw(bitmap);
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (!is_set(bitmap, i)) trailer.raw(chunks[i].id.bytes);
    }
  }
  trailer.u32(static_cast<uint32_t>(trailer.bytes().size()));
  data.insert(data.end(), trailer.bytes().begin(), trailer.bytes().end());
}

OpenedFrame::OpenedFrame(ByteView content, const FrameId& id, IdMaker& ids, std::string_view object)
    : OpenedFrame(content, ids, object) {
  if (id_ != id) throw_damaged(object, "The content of a frame does not have its id.");
}

OpenedFrame::OpenedFrame(ByteView content, IdMaker& ids, std::string_view object) {
  if (content.size() < 4) throw_damaged(object, "A frame is too short to have a trailer.");
  const uint64_t trailer_length = ByteReader(content.last(4), object).u32();
  if (trailer_length > content.size() - 4)
    throw_damaged(object, "The trailer of a frame is longer than the frame.");
  data_ = content.first(content.size() - 4 - trailer_length);
  const Trailer trailer = read_trailer(content.subspan(data_.size(), trailer_length), object);
  stream_class_ = trailer.stream_class;

  chunks_.reserve(trailer.lengths.size());
  offsets_.reserve(trailer.lengths.size() + 1);
  size_t offset = 0;
  ByteView absent_ids = trailer.absent_ids;
  for (size_t i = 0; i < trailer.lengths.size(); ++i) {
    const uint32_t length = trailer.lengths[i];
    const bool present = trailer.bitmap.empty() || is_set(trailer.bitmap, i);
    offsets_.push_back(static_cast<uint32_t>(offset));
    if (!trailer.bitmap.empty()) present_.push_back(present);
    if (present) {
      if (length > data_.size() - offset)
        throw_damaged(object, "The chunks of a frame are longer than the frame.");
      chunks_.push_back({.id = ids.chunk(data_.subspan(offset, length)), .length = length});
      offset += length;
    } else {
      chunks_.push_back({.id = ChunkId::from(absent_ids), .length = length});
      absent_ids = absent_ids.subspan(sizeof(ChunkId));
    }
  }
  offsets_.push_back(static_cast<uint32_t>(offset));
  if (offset != data_.size()) throw_damaged(object, "The chunks of a frame are shorter than the frame.");
  id_ = ids.frame(stream_class_, chunks_);
}

std::optional<ByteView> OpenedFrame::range(uint64_t first_chunk, uint64_t chunk_count) const {
  if (first_chunk > chunks_.size() || chunk_count > chunks_.size() - first_chunk) return std::nullopt;
  const size_t end = first_chunk + chunk_count;
  if (!present_.empty()) {
    for (size_t i = first_chunk; i < end; ++i) {
      if (!present_[i]) return std::nullopt;
    }
  }
  return data_.subspan(offsets_[first_chunk], offsets_[end] - offsets_[first_chunk]);
}

}  // namespace dbb::repository
