#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/backup_id.h"
#include "repository/config.h"
#include "repository/frame_index.h"
#include "repository/key_ring.h"
#include "repository/manifest.h"
#include "repository/pack.h"
#include "repository/sealed_box.h"
#include "repository/unlock.h"
#include "storage/object_store.h"

namespace dbb::repository {

// What a Repository, and every backup that is written or read through it, share: the store, the keys, the
// index, and a cache of pack directories of at most 32 MiB. Thread-safe.
class RepositoryCore {
 public:
  // The index is empty until refresh_index().
  RepositoryCore(storage::ObjectStore& store, Unlocked unlocked);
  ~RepositoryCore();

  storage::ObjectStore& store() { return store_; }
  const Config& config() const { return config_; }
  const KeyRing& keys() const { return keys_; }
  const std::string& opened_slot() const { return opened_slot_; }  // empty without encryption

  // Reads the index objects that are new. One that is damaged is left out and remembered: whoever misses a
  // frame says so. Read manifests before.
  std::shared_ptr<const FrameIndex> refresh_index();
  // Whether index objects that were read are gone. Then the next refresh_index() builds a new index beside
  // the old one: whoever holds that should let go of it first.
  bool index_has_shrunk();
  // Object and problem of each index object that was left out.
  std::map<std::string, std::string> damaged_indexes();

  // Visits what one index object says of each pack; false when the object is gone. Error kCorruptedBackup
  // when it is damaged, and then nothing was visited.
  bool visit_index_object(const std::string& object, const std::function<void(const PackContents&)>& visit);

  // Error kCorruptedBackup, which names the pack, when it is missing or damaged.
  std::shared_ptr<const PackDirectory> directory(const IndexedPack& pack);
  // The same, past the cache.
  PackDirectory read_directory(const IndexedPack& pack);

  // Is it that very frame which lies there? The index knows only the short id. Asks the pack's directory; no,
  // when that is damaged.
  bool holds(const IndexedPack& pack, const IndexedFrame& frame);

  // Whether a copy has all these chunks. Of one that lacks some, its pack's directory says which; where that
  // is damaged, the frame may be whole: yes.
  bool may_have_chunks(const IndexedPack& pack, const IndexedFrame& copy, uint64_t first_chunk,
                       uint64_t chunk_count);

  // Newest first. What does not look like a manifest is left out.
  std::vector<BackupId> backup_ids();
  // kBackupNotFound, kCorruptedBackup.
  Manifest read_manifest(const BackupId& id);

  // For kCorruptedBackup of a frame that no usable pack has.
  [[noreturn]] void throw_missing_frame(const FrameId& frame);

 private:
  struct CachedDirectory {
    PackId pack;
    std::shared_ptr<const PackDirectory> directory;
    size_t bytes;
  };

  std::set<std::string> list_index_objects();
  // Both need index_mutex_; false when something was gone that had been listed.
  bool try_refresh_index();
  bool add_index_object(FrameIndex& index, const std::string& object);
  void remember(const PackId& pack, const std::shared_ptr<const PackDirectory>& directory);

  storage::ObjectStore& store_;
  Config config_;  // does not change, but is wiped
  KeyRing keys_;
  const std::string opened_slot_;

  std::mutex index_mutex_;
  std::shared_ptr<const FrameIndex> index_;  // guarded by index_mutex_, like the two below
  std::set<std::string> index_objects_;      // that are in index_ or damaged
  std::map<std::string, std::string> damaged_indexes_;

  std::mutex cache_mutex_;
  std::list<CachedDirectory> cache_;  // guarded by cache_mutex_, like the two below; the last used first
  std::unordered_map<PackId, std::list<CachedDirectory>::iterator, PackId::Hash> cached_;
  size_t cache_bytes_ = 0;
};

}  // namespace dbb::repository
