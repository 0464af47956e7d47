#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "repository/backup_writer.h"
#include "repository/checkpointer.h"
#include "repository/core.h"
#include "repository/frame_pipeline.h"
#include "repository/frame_set.h"
#include "repository/item_lookup.h"
#include "repository/item_sorter.h"
#include "repository/previous_part.h"
#include "repository/session.h"
#include "system/clock.h"

namespace dbb::repository {

class PartWriter;

// The work behind BackupWriter. Thread-safe.
class BackupSession {
 public:
  BackupSession(std::shared_ptr<RepositoryCore> core, const BeginBackup& options, system::Clock& clock,
                std::stop_token stop);
  // Without commit() before it, there is no backup. What checkpoints cover stays for the next one to go on
  // with; the rest is removed.
  ~BackupSession();

  const BackupId& id() const { return manifest_.id; }
  const std::vector<BackupId>& parents() const { return manifest_.parents; }
  std::unique_ptr<PartWriter> open_stream(const StreamKey& key, StreamClass stream_class);
  void stream_finished(uint64_t bytes);
  void add_item(const Item& item);
  Manifest commit(const ManifestDraft& draft);
  Totals totals() const;

  // For PartWriter.
  RepositoryCore& core() { return *core_; }
  FramePipeline& pipeline() { return pipeline_; }
  // What killed backups stored of the part, and what the previous backup has; either may be null.
  PreviousPart previous_part(const StreamRef* stream, const StreamKey* origin);
  // True for exactly one caller, if the frame is not stored yet: that one must store it.
  bool claim(const FrameId& frame, uint64_t data_bytes);

 private:
  // The item lists of the parents, in their order.
  std::vector<StreamRef> choose_parents(const BeginBackup& options);
  StreamRef write_item_list();
  void put_manifest();
  void withdraw_manifest();
  // The packs that hold what this backup refers to.
  std::vector<PackId> packs_relied_on() const;
  bool is_usable(const IndexedFrame& copy);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  system::Clock& clock_;
  std::optional<Session> presence_;          // from before anything is looked at, until the commit is checked
  std::shared_ptr<const FrameIndex> index_;  // when the backup began; owned together with open streams
  std::vector<bool> pack_usable_;  // by number in index_: it is there, in full length, and not condemned
  std::unique_ptr<std::atomic<bool>[]> pack_used_;  // by number in index_
  ResumedParts resumed_;
  std::vector<ItemLookup> earlier_items_;  // of the parents, in their order
  StreamRef earlier_list_;                 // the first parent's item list
  Manifest manifest_;
  bool committed_ = false;

  std::atomic<uint64_t> logical_bytes_ = 0;
  std::atomic<uint64_t> new_bytes_ = 0;
  std::atomic<uint64_t> streams_ = 0;
  mutable std::mutex mutex_;
  FrameSet claimed_;                          // guarded by mutex_
  ItemSorter items_;                          // guarded by mutex_
  std::optional<Checkpointer> checkpointer_;  // used by the pipeline's thread until it ended
  FramePipeline pipeline_;                    // last: its threads end first
};

}  // namespace dbb::repository
