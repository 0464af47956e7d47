#include "repository/pack.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"

namespace dbb::repository {
namespace {

constexpr std::string_view kHeaderMagic = "DBBPACK\x01";
constexpr std::string_view kTrailerMagic = "DBBPEND\x01";

DirectoryEntry read_entry(ByteView record, std::string_view object) {
  ByteReader reader(record, object);
  DirectoryEntry entry;
  entry.id = FrameId::from(reader.raw(sizeof(FrameId)));
  entry.offset = reader.varint();
  entry.length = reader.varint();
  const uint8_t kind = reader.u8();
  const uint8_t stream_class = reader.u8();
  const uint8_t flags = reader.u8();
  if (stream_class < 1 || stream_class > static_cast<uint8_t>(StreamClass::kMetadata))
    reader.fail("unknown class");
  entry.stream_class = static_cast<StreamClass>(stream_class);
  if (kind != static_cast<uint8_t>(frame_kind(entry.stream_class))) reader.fail("kind and class do not fit");
  if ((flags & ~kFramePartial) != 0) reader.fail("unknown flags of a frame");
  const uint64_t count = reader.varint();
  if (count == 0 || count > kMaxFrameChunks) reader.fail("a frame has 1 to 4096 chunks");
  entry.chunks.resize(count);
  for (ChunkInfo& chunk : entry.chunks) {
    const uint64_t length = reader.varint();
    if (length == 0 || length > kMaxChunkBytes) reader.fail("a chunk has 1 to 16384 bytes");
    chunk.length = static_cast<uint32_t>(length);
  }
  for (ChunkInfo& chunk : entry.chunks) chunk.id = ChunkId::from(reader.raw(sizeof(ChunkId)));
  if ((flags & kFramePartial) != 0) {
    const ByteView bitmap = reader.raw((count + 7) / 8);
    entry.bitmap.assign(bitmap.begin(), bitmap.end());
  }
  return entry;
}

}  // namespace

std::optional<PackId> pack_of_name(std::string_view object) {
  constexpr size_t kDigits = sizeof(PackId) * 2;
  if (object.size() < kDigits) return std::nullopt;
  try {
    const PackId pack = PackId::from(from_hex(object.substr(object.size() - kDigits)));
    return pack_name(pack) == object ? std::optional(pack) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

uint64_t DirectoryEntry::data_bytes() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (has_chunk(i)) sum += chunks[i].length;
  }
  return sum;
}

const DirectoryEntry* PackDirectory::at_offset(uint64_t offset) const {
  const auto found = std::ranges::lower_bound(frames, offset, {}, &DirectoryEntry::offset);
  return found != frames.end() && found->offset == offset ? &*found : nullptr;
}

Bytes encode_directory(const PackDirectory& directory) {
  ByteWriter out;
  ByteWriter head;
  head.raw(directory.pack.bytes);
  head.varint(directory.epoch);
  head.varint(directory.frames.size());
  out.sized(head.bytes());
  for (const DirectoryEntry& entry : directory.frames) {
    ByteWriter record;
    record.raw(entry.id.bytes);
    record.varint(entry.offset);
    record.varint(entry.length);
    record.u8(static_cast<uint8_t>(frame_kind(entry.stream_class)));
    record.u8(static_cast<uint8_t>(entry.stream_class));
    record.u8(entry.bitmap.empty() ? 0 : kFramePartial);
    record.varint(entry.chunks.size());
    for (const ChunkInfo& chunk : entry.chunks) record.varint(chunk.length);
    for (const ChunkInfo& chunk : entry.chunks) record.raw(chunk.id.bytes);
    record.raw(entry.bitmap);
    out.sized(record.bytes());
  }
  return out.take();
}

PackDirectory decode_directory(ByteView content, std::string_view object) {
  ByteReader reader(content, object);
  ByteReader head(reader.sized(), object);
  PackDirectory directory;
  directory.pack = PackId::from(head.raw(sizeof(PackId)));
  directory.epoch = static_cast<uint32_t>(std::min<uint64_t>(head.varint(), UINT32_MAX));
  const uint64_t count = head.varint();
  // A record has at least an id, five numbers and one chunk.
  if (count > content.size() / (sizeof(FrameId) + sizeof(ChunkId) + 8)) {
    head.fail("more frames than there is room for");
  }
  directory.frames.reserve(count);
  uint64_t end = kPackHeaderBytes;
  for (uint64_t i = 0; i < count; ++i) {
    directory.frames.push_back(read_entry(reader.sized(), object));
    const DirectoryEntry& entry = directory.frames.back();
    const bool follows = entry.offset >= end && entry.offset <= kMaxPackBytes &&
                         entry.length >= kBoxOverheadBytes &&
                         entry.length <= max_box_bytes(BoxKind::kDataFrame);
    if (!follows) reader.fail("a frame lies where none can be");
    end = entry.offset + entry.length;
  }
  return directory;
}

Bytes encode_pack_header(const PackId& pack, uint32_t epoch) {
  ByteWriter out;
  out.raw(as_bytes(kHeaderMagic));
  out.raw(pack.bytes);
  out.u32(epoch);
  out.u32(0);
  return out.take();
}

uint32_t decode_pack_header(ByteView header, const PackId& pack, std::string_view object) {
  ByteReader reader(header, object);
  if (as_text(reader.raw(kHeaderMagic.size())) != kHeaderMagic)
    throw_damaged(object, "It does not begin like a pack.");
  if (PackId::from(reader.raw(sizeof(PackId))) != pack)
    throw_damaged(object, "It is another pack than its name says.");
  const uint32_t epoch = reader.u32();
  if (reader.u32() != 0) throw_damaged(object, "The header of the pack has bytes that should be zero.");
  return epoch;
}

Bytes encode_pack_trailer(const PackTrailer& trailer) {
  ByteWriter out;
  out.u64(trailer.directory_offset);
  out.u64(trailer.directory_length);
  out.u64(trailer.frame_count);
  out.raw(as_bytes(kTrailerMagic));
  return out.take();
}

PackTrailer decode_pack_trailer(ByteView trailer, uint64_t pack_bytes, std::string_view object) {
  ByteReader reader(trailer, object);
  const PackTrailer read = {
      .directory_offset = reader.u64(), .directory_length = reader.u64(), .frame_count = reader.u64()};
  if (as_text(reader.raw(kTrailerMagic.size())) != kTrailerMagic) {
    throw_damaged(object, "It does not end like a pack: it was cut, or something else was written over it.");
  }
  const bool fits = pack_bytes <= kMaxPackBytes && read.directory_offset >= kPackHeaderBytes &&
                    read.directory_offset <= pack_bytes &&
                    read.directory_length <= max_box_bytes(BoxKind::kDirectory) &&
                    read.directory_offset + read.directory_length + kPackTrailerBytes == pack_bytes;
  if (!fits)
    throw_damaged(object, fmt::format("Its directory cannot lie where its end says ({} bytes).", pack_bytes));
  return read;
}

}  // namespace dbb::repository
