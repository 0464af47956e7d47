#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "codec/hmac.h"
#include "repository/format.h"
#include "repository/key_ring.h"
#include "repository/stream_ref.h"

// Chunks and frames (docs/format/repository.md, "Chunk and frame").
namespace dbb::repository {

struct ChunkInfo {
  ChunkId id;
  uint32_t length = 0;

  bool operator==(const ChunkInfo&) const = default;
};

inline constexpr uint8_t kFramePartial = 1;  // flag: this copy lacks chunks

// Of a bitmap with one bit a chunk, the lowest of a byte first.
inline bool is_set(ByteView bitmap, size_t i) { return (bitmap[i / 8] >> (i % 8) & 1) != 0; }
inline void set_bit(Bytes& bitmap, size_t i) {
  bitmap[i / 8] = static_cast<uint8_t>(bitmap[i / 8] | 1U << (i % 8));
}

inline BoxKind frame_kind(StreamClass stream_class) {
  return stream_class == StreamClass::kMetadata ? BoxKind::kMetadataFrame : BoxKind::kDataFrame;
}

// Computes the keyed ids. Confined to one thread.
class IdMaker {
 public:
  explicit IdMaker(const KeyRing& keys) : chunks_(keys.chunk_id()), frames_(keys.frame_id()) {}
  ChunkId chunk(ByteView bytes) { return ChunkId::from(chunks_.of(bytes)); }
  FrameId frame(StreamClass stream_class, std::span<const ChunkInfo> chunks);

 private:
  codec::Hmac chunks_;
  codec::Hmac frames_;
};

// Completes the content of a frame: `data` holds the chunks' bytes, one after the other. `bitmap` says which
// chunks are there; empty: all.
void append_frame_trailer(Bytes& data, StreamClass stream_class, std::span<const ChunkInfo> chunks,
                          ByteView bitmap = {});

// A frame whose content was checked. Borrows the content.
class OpenedFrame {
 public:
  // Computes every id again. Error kCorruptedBackup, which names `object`, unless the content is that of
  // `id`.
  OpenedFrame(ByteView content, const FrameId& id, IdMaker& ids, std::string_view object);
  // Whatever its id: for who finds a frame and learns from it which it is.
  static OpenedFrame of_any_id(ByteView content, IdMaker& ids, std::string_view object) {
    return {content, ids, object};
  }

  const FrameId& id() const { return id_; }

  StreamClass stream_class() const { return stream_class_; }
  // Of all chunks; those that this copy lacks too.
  const std::vector<ChunkInfo>& chunks() const { return chunks_; }
  // The bytes of consecutive chunks. Empty when the frame has no such chunks, or this copy lacks one of them.
  std::optional<ByteView> range(uint64_t first_chunk, uint64_t chunk_count) const;

 private:
  OpenedFrame(ByteView content, IdMaker& ids, std::string_view object);

  FrameId id_;
  StreamClass stream_class_ = StreamClass::kBytes;
  ByteView data_;
  std::vector<ChunkInfo> chunks_;
  std::vector<uint32_t> offsets_;  // of chunk i in data_; one more than chunks
  std::vector<bool> present_;      // empty: all are
};

}  // namespace dbb::repository
