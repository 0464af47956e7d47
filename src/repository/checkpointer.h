#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/backup_id.h"
#include "repository/core.h"
#include "repository/frame_pipeline.h"
#include "repository/state_object.h"
#include "system/clock.h"

namespace dbb::repository {

// Keeps what a running backup stored from being lost when it is killed: from time to time it writes an index
// of the packs that are new, then a checkpoint that says which frames belong to which part. The next backup
// of the source compares with them, and so stores nothing again. At most a 64th of the packs, or two, and
// what was stored in five minutes, are not covered. Used by one thread at a time.
class Checkpointer {
 public:
  Checkpointer(std::shared_ptr<RepositoryCore> core, system::Clock& clock, BackupId backup,
               std::string source, std::string backup_kind);

  void pack_stored(PackContents contents, const std::vector<FrameOrigin>& origins);
  // Indexes the rest, at the end of a backup.
  void finish();
  // Removes the checkpoints: there is a manifest now.
  void remove_checkpoints();
  // Removes the packs that no index lists, when there is to be no backup.
  void remove_unindexed_packs();

  const std::vector<PackId>& packs() const { return packs_; }  // all that were stored
  uint64_t index_bytes() const { return index_bytes_; }        // thread-safe

 private:
  void write_index();
  void write_checkpoint();
  void put_parts();

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  system::Clock& clock_;
  Checkpoint next_;
  std::vector<PackContents> unindexed_;
  std::map<std::pair<std::string, uint32_t>, std::vector<FrameId>> parts_;  // stored since the last one
  std::vector<PackId> packs_;
  std::vector<std::string> written_;
  std::chrono::steady_clock::time_point last_;
  std::atomic<uint64_t> index_bytes_ = 0;
};

// What killed backups of a source left: the frames of each part, in the order in which they were stored.
class ResumedParts {
 public:
  ResumedParts() = default;
  ResumedParts(RepositoryCore& core, const std::string& source);
  std::span<const FrameId> frames_of(const StreamKey& key) const;
  bool empty() const { return parts_.empty(); }

 private:
  std::map<std::pair<std::string, uint32_t>, std::vector<FrameId>> parts_;
};

}  // namespace dbb::repository
