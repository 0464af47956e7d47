#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/event.h"
#include "repository/core.h"
#include "repository/needed_chunks.h"

namespace dbb::repository {

struct CompactionResult {
  std::vector<uint32_t>
      copied;  // packs of which everything needed is in new packs now, by number in the index
  std::vector<uint32_t> damaged;  // packs that were left alone, because something needed cannot be read
  uint64_t written_packs = 0;
  uint64_t written_bytes = 0;  // with the index
};

// Copies what is needed of some packs into new ones: whole frames as they are, others without their dead
// chunks, under the same ids. Everything is read and checked on the way; new packs are indexed when this
// returns. Nothing is removed. Memory: 8 MiB in queues, a pack of 32 MiB, and W x 3 MiB on W cores.
CompactionResult compact_packs(const std::shared_ptr<RepositoryCore>& core, const NeededChunks& needed,
                               std::span<const uint32_t> packs, EventSink& events,
                               const std::stop_token& stop);

}  // namespace dbb::repository
