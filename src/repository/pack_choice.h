#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "repository/core.h"
#include "repository/needed_chunks.h"
#include "repository/references.h"

namespace dbb::repository {

// How much of a pack is needed. What frames would take without their dead chunks is estimated by the number
// of these.
struct PackUse {
  uint32_t pack = 0;  // number in the index
  uint64_t bytes = 0;
  uint64_t needed_bytes = 0;
  uint64_t chunks = 0;

  uint64_t wasted_bytes() const { return bytes - std::min(bytes, needed_bytes); }
};

// Several of such packs would fit into one, by their bytes and by their chunks.
bool is_small(const PackUse& use, uint64_t pack_bytes);

struct PackChoice {
  std::vector<PackUse> dead;     // everything needed in them is elsewhere, too
  std::vector<PackUse> rewrite;  // so much is not needed that they are better written anew
  uint64_t needed_bytes = 0;     // of all packs that are not dead
};

// Which packs need not stay. `left_alone` are packs that are not looked at and do not count as a place where
// something is. `max_wasted` is the share of the needed bytes that may stay wasted.
PackChoice choose_packs(RepositoryCore& core, const NeededChunks& needed, const PackSizes& sizes,
                        const std::function<bool(const PackId&)>& left_alone, double max_wasted,
                        const std::stop_token& stop);

// Whether the needed chunks of one copy are all in a single copy that `index`, which may be a newer one, has
// in a pack that counts.
bool is_elsewhere(RepositoryCore& core, const NeededChunks& needed, const PackedFrame& copy,
                  const FrameIndex& index, const std::function<bool(uint32_t pack)>& counts);

}  // namespace dbb::repository
