#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "repository/core.h"
#include "repository/pack.h"

namespace dbb::repository {

// Finds the frames of a pack without its directory: a pack that was cut, or whose directory is damaged. From
// box to box, since each says how long it is; where none can be opened, on to the next place where one
// begins. Every frame that is visited was opened and its ids computed, so it is whole. In order of offset;
// `box` is valid during the call.
//
// Memory: one frame and 1 MiB. A pack that is full of beginnings of boxes that cannot be opened is given up
// after 4,096 of them.
void for_each_whole_frame(RepositoryCore& core, const std::string& object, uint64_t size_bytes,
                          const std::function<void(const DirectoryEntry& entry, ByteView box)>& visit,
                          const std::stop_token& stop);

}  // namespace dbb::repository
