#include "repository/sealed_box.h"

#include <fmt/format.h>

#include <algorithm>

#include "repository/damage.h"

namespace dbb::repository {
namespace {

constexpr std::string_view kMagic = "dbBX";
constexpr uint8_t kStored = 0;
constexpr uint8_t kZstd = 1;
constexpr uint8_t kAes256Gcm = 1;
constexpr size_t kBoundHeaderBytes = 52;  // the header without the nonce
constexpr size_t kCompressionSlack = 64 << 10;

size_t max_content_bytes(BoxKind kind) {
  const bool frame = kind == BoxKind::kDataFrame || kind == BoxKind::kMetadataFrame;
  return frame ? kMaxFrameContentBytes : kMaxContentBytes;
}

Bytes associated_data(const KeyRing& keys, ByteView bound_header) {
  ByteWriter data;
  data.raw(as_bytes("dbbackup/1"));
  data.raw(keys.repository().bytes);
  data.raw(bound_header);
  return data.take();
}

}  // namespace

size_t max_box_bytes(BoxKind kind) { return max_content_bytes(kind) + kCompressionSlack + kBoxOverheadBytes; }

BoxName box_name_of_object(std::string_view object) { return codec::sha256(as_bytes(object)); }

BoxSealer::BoxSealer(const KeyRing& keys, int zstd_level)
    : keys_(keys), nonces_(keys.nonce()), compressor_(zstd_level) {}

Bytes BoxSealer::seal(BoxKind kind, const BoxName& name, ByteView content) {
  DBB_CHECK(content.size() <= max_content_bytes(kind),
            "writers split what could become too large for a reader");
  const ByteView compressed = compressor_.compress(content);
  const ByteView payload = compressed.empty() ? content : compressed;
  const uint32_t epoch = keys_.newest_epoch();

  ByteWriter header;
  header.raw(as_bytes(kMagic));
  header.u8(static_cast<uint8_t>(kind));
  header.u8(compressed.empty() ? kStored : kZstd);
  header.u8(kAes256Gcm);
  header.u8(0);
  header.u32(epoch);
  header.u32(static_cast<uint32_t>(content.size()));
  header.u32(static_cast<uint32_t>(payload.size()));
  header.raw(name);
  const Bytes associated = associated_data(keys_, header.bytes());
  const codec::Digest synthetic = nonces_.add(header.bytes()).add(payload).finish();
  codec::Nonce nonce;
  std::copy_n(synthetic.begin(), nonce.size(), nonce.begin());
  header.raw(nonce);

  Bytes box(kBoxOverheadBytes + payload.size());
  std::ranges::copy(header.bytes(), box.begin());
  gcm_.seal(keys_.box_key(kind, epoch, name), nonce, associated, payload,
            std::span(box).subspan(kBoxHeaderBytes));
  return box;
}

BoxName name_of_box(ByteView box) {
  BoxName name;
  std::ranges::copy(box.subspan(kBoundHeaderBytes - name.size(), name.size()), name.begin());
  return name;
}

ByteView BoxOpener::open(BoxKind kind, const BoxName& name, ByteView box, std::string_view object) {
  if (box.size() < kBoxOverheadBytes) {
    throw_damaged(object, fmt::format("{} bytes are left of a box; the smallest has {}.", box.size(),
                                      kBoxOverheadBytes));
  }
  ByteReader header(box, object);
  if (as_text(header.raw(4)) != kMagic) throw_damaged(object, "No box begins where one should.");
  const uint8_t found_kind = header.u8();
  const uint8_t codec = header.u8();
  const uint8_t seal = header.u8();
  const uint8_t flags = header.u8();
  if (codec > kZstd || seal != kAes256Gcm || flags != 0) {
    throw_damaged(object, fmt::format("Codec {}, seal {} or flags {} of a box are not known to this version.",
                                      codec, seal, flags));
  }
  const uint32_t epoch = header.u32();
  const uint64_t plain_length = header.u32();
  const uint64_t sealed_length = header.u32();
  if (plain_length > max_content_bytes(kind))
    throw_damaged(object, "The length in a box is larger than allowed.");
  if (sealed_length + kBoxOverheadBytes != box.size()) {
    throw_damaged(object, fmt::format("A box of {} bytes should have {}.", box.size(),
                                      sealed_length + kBoxOverheadBytes));
  }
  BoxName found_name;
  std::ranges::copy(header.raw(name.size()), found_name.begin());
  if (!keys_.has_epoch(epoch))
    throw_damaged(object, fmt::format("There is no key for epoch {} of a box.", epoch));
  codec::Nonce nonce;
  std::ranges::copy(header.raw(nonce.size()), nonce.begin());

  Bytes& opened = codec == kStored ? content_ : compressed_;
  if (opened.size() < sealed_length) opened.resize(sealed_length);
  const std::span<uint8_t> payload = std::span(opened).first(sealed_length);
  if (!gcm_.open(keys_.box_key(static_cast<BoxKind>(found_kind), epoch, found_name), nonce,
                 associated_data(keys_, box.first(kBoundHeaderBytes)), box.subspan(kBoxHeaderBytes),
                 payload)) {
    throw_damaged(object, "Its bytes are not those that were written (AES-GCM tag).");
  }
  // Sound, but is it what was asked for? Damage would not have passed the tag.
  if (found_kind != static_cast<uint8_t>(kind)) throw_swapped(object, "A box of another kind was expected.");
  if (found_name != name) throw_swapped(object, "The box in it was sealed for another place.");
  if (codec == kStored) {
    if (sealed_length != plain_length) throw_damaged(object, "The lengths in a box contradict each other.");
    return payload;
  }
  if (content_.size() < plain_length) content_.resize(plain_length);
  const std::span<uint8_t> content = std::span(content_).first(plain_length);
  if (!decompressor_.decompress(payload, content)) throw_damaged(object, "A box cannot be decompressed.");
  return content;
}

}  // namespace dbb::repository
