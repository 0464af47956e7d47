#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "repository/frame.h"
#include "repository/sealed_box.h"

// Packs and their directories (docs/format/repository.md, "Pack").
namespace dbb::repository {

struct DirectoryEntry {
  FrameId id;
  uint64_t offset = 0;  // of the frame's box in the pack
  uint64_t length = 0;  // of the box
  StreamClass stream_class = StreamClass::kBytes;
  std::vector<ChunkInfo> chunks;
  Bytes bitmap = {};  // empty: all chunks are there

  bool has_chunk(size_t i) const { return bitmap.empty() || is_set(bitmap, i); }
  // Of the chunks that are there.
  uint64_t data_bytes() const;
  bool operator==(const DirectoryEntry&) const = default;
};

struct PackDirectory {
  PackId pack;
  uint32_t epoch = 0;
  std::vector<DirectoryEntry> frames;  // by offset

  // Null when there is none at that offset.
  const DirectoryEntry* at_offset(uint64_t offset) const;
  bool operator==(const PackDirectory&) const = default;
};

Bytes encode_directory(const PackDirectory& directory);
// Error kCorruptedBackup, which names `object`.
PackDirectory decode_directory(ByteView content, std::string_view object);

struct PackTrailer {
  uint64_t directory_offset = 0;
  uint64_t directory_length = 0;
  uint64_t frame_count = 0;
};

Bytes encode_pack_header(const PackId& pack, uint32_t epoch);
// Error kCorruptedBackup unless it is the header of that pack; returns the epoch.
uint32_t decode_pack_header(ByteView header, const PackId& pack, std::string_view object);
Bytes encode_pack_trailer(const PackTrailer& trailer);
// Error kCorruptedBackup unless it can be the trailer of a pack of that size.
PackTrailer decode_pack_trailer(ByteView trailer, uint64_t pack_bytes, std::string_view object);

}  // namespace dbb::repository
