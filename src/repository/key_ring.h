#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "codec/hmac.h"
#include "repository/format.h"

namespace dbb::repository {

// What a box contains. The numbers are stored.
enum class BoxKind : uint8_t {
  kDataFrame = 1,
  kMetadataFrame = 2,
  kDirectory = 3,
  kIndex = 4,
  kManifest = 5,
  kState = 6
};

using BoxName = codec::Digest;

// All keys of an open repository (docs/format/repository.md, "Keys"). Thread-safe once the epochs are added.
class KeyRing {
 public:
  KeyRing(const codec::Key& master, const RepositoryId& repository);

  const RepositoryId& repository() const { return repository_; }
  const codec::Key& chunk_id() const { return chunk_id_; }
  const codec::Key& frame_id() const { return frame_id_; }
  const codec::Key& cut() const { return cut_; }
  const codec::Key& nonce() const { return nonce_; }
  const codec::Key& name() const { return name_; }
  const codec::Key& document() const { return document_; }
  const codec::Key& epoch() const { return epoch_; }
  const codec::Key& metadata() const { return metadata_; }
  const codec::Key& manifest() const { return manifest_; }

  void add_epoch(uint32_t epoch, const codec::Key& data_key);
  // There is one in every open repository.
  uint32_t newest_epoch() const;
  bool has_epoch(uint32_t epoch) const { return data_keys_.contains(epoch); }

  // The key of one box. The epoch is known.
  codec::Key box_key(BoxKind kind, uint32_t epoch, const BoxName& name) const;

 private:
  RepositoryId repository_;
  codec::Key chunk_id_;
  codec::Key frame_id_;
  codec::Key cut_;
  codec::Key nonce_;
  codec::Key name_;
  codec::Key document_;
  codec::Key epoch_;
  codec::Key metadata_;
  codec::Key manifest_;
  std::map<uint32_t, codec::Key> data_keys_;
};

}  // namespace dbb::repository
