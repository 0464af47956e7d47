#pragma once

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "codec/aes_gcm.h"
#include "repository/damage.h"
#include "repository/key_ring.h"
#include "repository/sealed_box.h"

// What the fuzz targets of this layer share (docs/fuzzing.md).
namespace dbb::repository::testing {

// Runs a decoder. Refusing is its right, crashing is not, nor any error but those that its header names.
template <typename Decode>
void survive(const Decode& decode) {
  try {
    decode();
  } catch (const Error& error) {
    const bool documented = is_damage(error) || error.code() == ErrorCode::kRepositoryTooNew ||
                            error.code() == ErrorCode::kNotARepository;
    DBB_CHECK(documented, "a decoder refuses with the errors that its header names");
  }
}

// The same in every run, so that an input means the same in every run.
inline const KeyRing& fixed_keys() {
  static const KeyRing kKeys = [] {
    codec::Key master;
    master.fill(7);
    RepositoryId repository;
    repository.bytes.fill(9);
    KeyRing made(master, repository);
    made.add_epoch(1, master);
    return made;
  }();
  return kKeys;
}

// A sealed box whose content is said to be compressed already: its first four bytes are the plain length.
inline Bytes seal_compressed(BoxKind kind, const BoxName& name, ByteView input) {
  const KeyRing& keys = fixed_keys();
  const ByteView length = input.first(std::min<size_t>(4, input.size()));
  const ByteView payload = input.subspan(length.size());
  ByteWriter header;
  header.raw(as_bytes("dbBX"));
  header.u8(static_cast<uint8_t>(kind));
  header.u8(1);
  header.u8(1);
  header.u8(0);
  header.u32(1);
  uint32_t plain_length = 0;
  for (size_t i = 0; i < length.size(); ++i) plain_length |= uint32_t{length[i]} << (8 * i);
  header.u32(plain_length);
  header.u32(static_cast<uint32_t>(payload.size()));
  header.raw(name);
  ByteWriter associated;
  associated.raw(as_bytes("dbbackup/1"));
  associated.raw(keys.repository().bytes);
  associated.raw(header.bytes());
  header.raw(codec::Nonce{});
  Bytes box(kBoxOverheadBytes + payload.size());
  std::ranges::copy(header.bytes(), box.begin());
  codec::AesGcm().seal(keys.box_key(kind, 1, name), codec::Nonce{}, associated.bytes(), payload,
                       std::span(box).subspan(kBoxHeaderBytes));
  return box;
}

}  // namespace dbb::repository::testing
