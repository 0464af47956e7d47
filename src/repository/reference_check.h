#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "repository/bad_copies.h"
#include "repository/core.h"
#include "repository/finding_list.h"
#include "repository/recipe.h"

namespace dbb::repository {

// Follows what backups refer to: item lists, recipes, frames. Confined to one thread; look at one backup
// after the other. Memory: 16 MiB of what was found sound, and what reading an item list takes
// (window_reader.h).
//
// Backups of one source share most of their items. An item whose stored bytes were followed before, and found
// sound, is not followed again: it is recognised by a keyed hash of them, which nobody can aim at.
class ReferenceCheck {
 public:
  struct Shared {
    std::shared_ptr<RepositoryCore> core;     // owned together with the Repository
    std::shared_ptr<const FrameIndex> index;  // owned together with whoever asks
    FindingList& findings;
    BadCopies& bad_copies;
    // Also whether the chunks of an extent have the bytes that it says; takes the directories of packs.
    bool lengths = false;
    // Whether index objects that are damaged are blamed for frames that are in no index.
    bool blame_indexes = true;
    // Called for every frame that is needed, with the copy that serves; often several times.
    std::function<void(const IndexedFrame&)> on_needed = nullptr;
    std::function<void(uint64_t bytes)> on_progress = [](uint64_t) {};  // of item lists
  };

  ReferenceCheck(Shared shared, std::stop_token stop);
  void look_at(const Manifest& manifest);

  // So far: some frame that is needed is in no index; an item list or recipe cannot be read to its end.
  bool frames_are_unlisted() const { return frames_are_unlisted_; }
  bool lists_are_damaged() const { return lists_are_damaged_; }

 private:
  using Numbers = std::set<FindingList::Number>;

  // Records that were found sound: a table without chains, where a later one takes the place of an earlier
  // one. When it grows, it forgets: that costs following some items again, and no memory for moving.
  class Sound {
   public:
    bool has(const ChunkId& hash) const { return tags_[slot_of(hash)] == tag_of(hash); }
    void add(const ChunkId& hash);

   private:
    size_t slot_of(const ChunkId& hash) const;
    static uint64_t tag_of(const ChunkId& hash);
    size_t added_ = 0;
    std::vector<uint64_t> tags_ = std::vector<uint64_t>(1024);
  };

  void look_at_items(const Manifest& manifest, Numbers& hurting);
  Numbers look_at_stream(const Manifest& manifest, const StreamRef& stream);
  void look_at_extent(const Manifest& manifest, const Extent& extent, Numbers& hurting);
  void look_at_length(const Manifest& manifest, const IndexedFrame& copy, const Extent& extent,
                      Numbers& hurting);
  void note_missing(const FrameId& frame, Numbers& hurting);

  const Shared shared_;
  const std::stop_token stop_;
  IdMaker ids_;
  Sound sound_;
  std::set<ChunkId> sound_lists_;
  std::vector<FindingList::Number> damaged_indexes_;
  IndexedFrame last_good_;  // complete; extents of one frame come together
  size_t missing_frames_ = 0;
  bool frames_are_unlisted_ = false;
  bool lists_are_damaged_ = false;
};

}  // namespace dbb::repository
