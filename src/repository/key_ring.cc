#include "repository/key_ring.h"

#include <string>

namespace dbb::repository {

KeyRing::KeyRing(const codec::Key& master, const RepositoryId& repository) : repository_(repository) {
  const auto purpose = [&](std::string_view label) {
    return codec::hkdf(master, repository.bytes, as_bytes("dbbackup/1 " + std::string(label)));
  };
  chunk_id_ = purpose("chunk-id");
  frame_id_ = purpose("frame-id");
  cut_ = purpose("cut");
  nonce_ = purpose("nonce");
  name_ = purpose("name");
  document_ = purpose("document");
  epoch_ = purpose("epoch");
  metadata_ = purpose("metadata");
  manifest_ = purpose("manifest");
}

void KeyRing::add_epoch(uint32_t epoch, const codec::Key& data_key) { data_keys_[epoch] = data_key; }

uint32_t KeyRing::newest_epoch() const {
  DBB_CHECK(!data_keys_.empty(), "a repository without an epoch is refused when it is opened");
  return data_keys_.rbegin()->first;
}

codec::Key KeyRing::box_key(BoxKind kind, uint32_t epoch, const BoxName& name) const {
  const codec::Key& base = kind == BoxKind::kDataFrame  ? data_keys_.at(epoch)
                           : kind == BoxKind::kManifest ? manifest_
                                                        : metadata_;
  ByteWriter info;
  info.raw(as_bytes("dbbackup/1 box"));
  info.u8(static_cast<uint8_t>(kind));
  info.u32(epoch);
  info.raw(name);
  return codec::hkdf(base, repository_.bytes, info.bytes());
}

}  // namespace dbb::repository
