#include "repository/key_ring.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "base/check.h"
#include "codec/secret.h"

namespace dbb::repository {

KeyRing::KeyRing(const codec::Key& master, const RepositoryId& repository)
    : repository_(repository), data_keys_(std::make_unique<DataKeys>()) {
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

KeyRing::~KeyRing() {
  for (codec::Key* key :
       {&chunk_id_, &frame_id_, &cut_, &nonce_, &name_, &document_, &epoch_, &metadata_, &manifest_}) {
    codec::wipe(*key);
  }
  if (data_keys_ == nullptr) return;  // moved from
  for (auto& [epoch, key] : data_keys_->by_epoch) codec::wipe(key);
}

void KeyRing::add_epoch(uint32_t epoch, const codec::Key& data_key) {
  data_keys_->by_epoch[epoch] = data_key;
  newest_ = std::max(newest_, epoch);
}

uint32_t KeyRing::newest_epoch() const {
  DBB_CHECK(newest_ != 0, "a repository without an epoch is refused when it is opened");
  return newest_;
}

bool KeyRing::has_epoch(uint32_t epoch) const {
  {
    const std::shared_lock lock(data_keys_->mutex);
    if (data_keys_->by_epoch.contains(epoch)) return true;
  }
  const std::optional<codec::Key> read = reader_ ? reader_(epoch) : std::nullopt;
  if (!read) return false;
  const std::unique_lock lock(data_keys_->mutex);
  data_keys_->by_epoch.emplace(epoch, *read);
  return true;
}

codec::Key KeyRing::box_key(BoxKind kind, uint32_t epoch, const BoxName& name) const {
  const auto base = [&] {
    if (kind != BoxKind::kDataFrame) return kind == BoxKind::kManifest ? manifest_ : metadata_;
    const std::shared_lock lock(data_keys_->mutex);
    return data_keys_->by_epoch.at(epoch);
  };
  ByteWriter info;
  info.raw(as_bytes("dbbackup/1 box"));
  info.u8(static_cast<uint8_t>(kind));
  info.u32(epoch);
  info.raw(name);
  return codec::hkdf(base(), repository_.bytes, info.bytes());
}

}  // namespace dbb::repository
