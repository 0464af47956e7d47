#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/event.h"
#include "repository/manifest.h"
#include "repository/needed_chunks.h"
#include "repository/state_object.h"

namespace dbb::repository {

// What the backups and checkpoints of a repository need. Manifests never change, so a second look reads only
// those that came since; one that was forgotten meanwhile goes on counting as needed. Confined to one thread.
class Mark {
 public:
  struct Backup {
    BackupId id;
    std::string source;
    uint64_t missing_extents = 0;  // of frames that no index lists; see lacks_chunks()
  };

  Mark(std::shared_ptr<RepositoryCore> core, EventSink& events, std::stop_token stop);

  // Reads manifests and checkpoints that are new, then what they refer to; all of them again when index
  // objects are gone, since the old index and the new one may not fit into memory together. Error
  // kCorruptedBackup or kRepositoryTooNew, with what to do, when it cannot be known what some backup needs:
  // then nothing may be deleted.
  void update();

  // Whether some chunk that the backup needs is in no pack that an index lists. What only a damaged directory
  // could tell counts as there.
  bool lacks_chunks(const BackupId& id);

  const NeededChunks& needed() const { return *needed_; }
  const std::map<std::string, Backup>& backups() const { return backups_; }  // by id
  // Objects of checkpoints that are of no more use: their backup is there, or a newer one of the same source.
  const std::set<std::string>& useless_checkpoints() const { return useless_checkpoints_; }

 private:
  void read_backup(const BackupId& id, const std::shared_ptr<const FrameIndex>& index);
  void read_checkpoint(const Checkpoint& checkpoint);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  EventSink& events_;
  const std::stop_token stop_;
  std::optional<NeededChunks> needed_;
  std::map<std::string, Backup> backups_;
  std::set<std::string> useless_checkpoints_;
};

}  // namespace dbb::repository
