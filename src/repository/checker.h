#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "repository/bad_copies.h"
#include "repository/check.h"
#include "repository/core.h"
#include "repository/finding_list.h"
#include "repository/pack_check.h"

namespace dbb::repository {

// The work behind Repository::check(): first what is wrong with objects, then which backups that hurts. Once.
//
// Threads: one a core for the packs, one for the backups; they end within run(). Memory, worst case: the
// index + for each core 8 MiB (a directory, a frame sealed, compressed and plain) + 130 bytes a pack + what
// ReferenceCheck and RecordReader need (16 MiB and a window of an item list) + 10 MiB of findings.
class Checker {
 public:
  Checker(std::shared_ptr<RepositoryCore> core, const CheckOptions& options, EventSink& events,
          std::stop_token stop);
  CheckReport run();

 private:
  void look_at_manifests();
  void look_at_packs();
  void look_at_packs_until_none_is_left(const std::stop_token& stop);
  void count_strays();
  void leave_out_pruned_packs();
  void look_at_backups();
  void progress(const std::string& phase, const std::string& object, uint64_t done, uint64_t total);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  const CheckOptions options_;
  EventSink& events_;
  const std::stop_token stop_;
  FindingList findings_;
  BadCopies bad_copies_;
  CheckReport report_;
  std::vector<BackupId> backups_;                         // whose manifests can be read, newest first
  std::shared_ptr<const FrameIndex> index_;               // owned together with readers
  std::unordered_map<std::string, uint64_t> pack_sizes_;  // that are there
  uint64_t pack_bytes_ = 0;                               // of those that the index lists
  uint64_t item_list_bytes_ = 0;

  std::atomic<uint32_t> next_pack_ = 0;
  std::mutex mutex_;
  uint64_t pack_bytes_done_ = 0;  // guarded by mutex_, like what report_ counts of packs
};

}  // namespace dbb::repository
