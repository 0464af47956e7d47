#pragma once

#include <chrono>
#include <cstddef>

#include "codec/cut_rule.h"
#include "repository/format.h"

namespace dbb::repository {

// How a repository is written; fixed when it is made and recorded in `config`. Readers need none of it. The
// defaults were measured: docs/decisions/0020, 0022.
struct WriteSettings {
  codec::CutLimits rows;                 // chunks of rows and records
  size_t frame_bytes = kFrameDataBytes;  // a frame ends there; at most 960 KiB
  size_t pack_bytes = kPackBytes;        // a pack ends there, or after kPackChunks chunks; at most 512 MiB
  int zstd_level = 1;                    // 1 to 19
  // How long a process that reads or writes may be silent before pruning takes it for dead. One that was
  // silent for half of it may not commit.
  std::chrono::seconds grace = std::chrono::hours(24);
};

}  // namespace dbb::repository
