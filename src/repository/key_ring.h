#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
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

// All keys of an open repository (docs/format/repository.md, "Keys"). Wiped at its end. Thread-safe once it
// is where it stays: add_epoch() and read_epochs_with() come before.
class KeyRing {
 public:
  KeyRing(const codec::Key& master, const RepositoryId& repository);
  KeyRing(KeyRing&&) noexcept = default;
  ~KeyRing();

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
  // Asked for an epoch that is not here: another process may have begun it since. Empty: there is none.
  using EpochReader = std::function<std::optional<codec::Key>(uint32_t)>;
  void read_epochs_with(EpochReader reader) { reader_ = std::move(reader); }

  // What is written is sealed in it. There is one in every open repository, and it stays the same while the
  // repository is open, whatever other processes begin.
  uint32_t newest_epoch() const;
  // Reads the record of an epoch that another process began. Errors of the reader.
  bool has_epoch(uint32_t epoch) const;

  // The key of one box. The epoch is known.
  codec::Key box_key(BoxKind kind, uint32_t epoch, const BoxName& name) const;

 private:
  struct DataKeys {
    std::shared_mutex mutex;
    std::map<uint32_t, codec::Key> by_epoch;  // guarded by mutex
  };

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
  uint32_t newest_ = 0;
  EpochReader reader_;
  std::unique_ptr<DataKeys> data_keys_;
};

}  // namespace dbb::repository
