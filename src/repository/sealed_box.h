#pragma once

#include <string_view>

#include "base/bytes.h"
#include "codec/aes_gcm.h"
#include "codec/hmac.h"
#include "codec/zstd.h"
#include "repository/key_ring.h"

// Everything stored but JSON is in boxes (docs/format/repository.md, "Box").
namespace dbb::repository {

inline constexpr size_t kBoxHeaderBytes = 64;
inline constexpr size_t kBoxOverheadBytes = kBoxHeaderBytes + codec::kTagBytes;
inline constexpr size_t kMaxFrameContentBytes = 1 << 20;
inline constexpr size_t kMaxContentBytes = 64 << 20;  // of the other kinds

// The most bytes a box of that kind has.
size_t max_box_bytes(BoxKind kind);

// The name of a box that is, or is in, the object of that name; frames are named by their id.
BoxName box_name_of_object(std::string_view object);
// What a box says it is; not checked before it is opened. `box` has at least a header.
BoxName name_of_box(ByteView box);

// Compresses and seals. Confined to one thread. The keys must outlive it.
class BoxSealer {
 public:
  explicit BoxSealer(const KeyRing& keys, int zstd_level = 1);
  Bytes seal(BoxKind kind, const BoxName& name, ByteView content);

 private:
  const KeyRing& keys_;
  codec::Hmac nonces_;
  codec::AesGcm gcm_;
  codec::Compressor compressor_;
};

// Opens, checks and decompresses. Confined to one thread. The keys must outlive it.
class BoxOpener {
 public:
  explicit BoxOpener(const KeyRing& keys) : keys_(keys) {}
  // `box` is the whole box and nothing else. The content is valid until the next call. Error
  // kCorruptedBackup, which names `object`, unless this is the box of that kind and name as it was sealed.
  ByteView open(BoxKind kind, const BoxName& name, ByteView box, std::string_view object);

 private:
  const KeyRing& keys_;
  codec::AesGcm gcm_;
  codec::Decompressor decompressor_;
  Bytes compressed_;  // both grow to the largest box so far
  Bytes content_;
};

}  // namespace dbb::repository
