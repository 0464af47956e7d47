#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/event.h"
#include "repository/check.h"
#include "repository/core.h"

namespace dbb::repository {

// A pack that is there and cannot be listed as it is: it was cut, or its directory is damaged.
struct BrokenPack {
  std::string object;
  std::string problem;
  uint64_t size_bytes = 0;
  uint64_t whole_frames = 0;  // found in it
  // Where those lie that backups need and no sound pack has: they are copied into a new pack. Sorted.
  std::vector<uint32_t> wanted_offsets = {};
  uint64_t wanted_bytes = 0;

  bool operator==(const BrokenPack&) const = default;
};

// What a rebuilt index would be. Made by plan_index_repair() without changing anything.
struct IndexRepairPlan {
  bool needed = false;                   // false: the index says already what the packs say
  std::vector<std::string> reasons;      // why it is, one line each, the first 100
  uint64_t sound_packs = 0;              // listed in the new index
  uint64_t frames = 0;                   // listed in the new index
  uint64_t packs_left_out = 0;           // no index lists them and no backup needs them
  std::vector<BrokenPack> broken_packs;  // with frames that are copied
  std::vector<std::string> old_indexes;  // removed once the new ones are stored
  std::vector<std::string> at_work;      // other processes, for people: "backup on host db1, since ..."
  std::vector<CheckFinding> losses;      // what no pack has, and whom that hurts

  // For execute_index_repair().
  std::vector<IndexedPack> packs;  // the sound ones
};

struct IndexRepairResult {
  uint64_t new_indexes = 0;
  uint64_t new_packs = 0;
  uint64_t copied_frames = 0;
  uint64_t removed_indexes = 0;
};

// Reads the directories of all packs, salvages those without, and follows every backup through what was
// found. Memory: an index (29 bytes a frame), 16 bytes a frame more, and what ReferenceCheck needs.
//
// Made for when nobody writes: a backup that is at work while the index is lost may lose what it stored
// before.
IndexRepairPlan plan_index_repair(const std::shared_ptr<RepositoryCore>& core, EventSink& events,
                                  const std::stop_token& stop);

// Copies salvaged frames into new packs, stores new index objects, and then removes those they replace.
// Killed at any step it leaves a repository that reads as before or better; run again, it goes on.
IndexRepairResult execute_index_repair(const std::shared_ptr<RepositoryCore>& core,
                                       const IndexRepairPlan& plan, EventSink& events,
                                       const std::stop_token& stop);

}  // namespace dbb::repository
