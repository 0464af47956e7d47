#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "repository/finding_list.h"
#include "repository/frame_index.h"

namespace dbb::repository {

// Copies of frames that cannot be used, each with the finding that says why. Thread-safe. Memory: 16 bytes a
// damaged frame, nothing for the frames of a pack that is bad as a whole.
class BadCopies {
 public:
  void add_pack(uint32_t pack, FindingList::Number finding) {
    const std::scoped_lock lock(mutex_);
    packs_.emplace(pack, finding);
  }
  void add(uint32_t pack, uint32_t offset, FindingList::Number finding) {
    const std::scoped_lock lock(mutex_);
    frames_[pack].emplace_back(offset, finding);
  }
  // Null: the copy is good as far as it was looked at. Valid until the next add.
  const FindingList::Number* find(const IndexedFrame& copy) {
    const std::scoped_lock lock(mutex_);
    if (const auto pack = packs_.find(copy.pack); pack != packs_.end()) return &pack->second;
    const auto frames = frames_.find(copy.pack);
    if (frames == frames_.end()) return nullptr;
    for (const auto& [offset, finding] : frames->second) {
      if (offset == copy.offset) return &finding;
    }
    return nullptr;
  }

 private:
  std::mutex mutex_;
  std::map<uint32_t, FindingList::Number> packs_;  // guarded by mutex_, like what follows
  std::map<uint32_t, std::vector<std::pair<uint32_t, FindingList::Number>>> frames_;  // offset, finding
};

}  // namespace dbb::repository
