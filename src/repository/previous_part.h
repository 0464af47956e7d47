#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "repository/core.h"
#include "repository/recipe.h"

namespace dbb::repository {

// The chunks of one part as an earlier backup stored it: what the new one is compared with. There is no index
// over all chunks. Confined to one thread. Memory: 24 bytes a chunk, and 8 more once a chunk differs; 2.5 MiB
// for a part of 256 MiB.
class PreviousPart {
 public:
  // Nothing to compare with.
  PreviousPart() = default;
  // Chunks whose frames `usable` refuses, or whose pack directory cannot be read, are left out: they count as
  // new. So are the chunks of the worst-used frames of a stretch of 64 MiB (a reader's window) that would
  // need frames of more than twice its size. `resumed` are frames that a killed backup stored of this part,
  // in order; `stream` may be null.
  PreviousPart(const std::shared_ptr<RepositoryCore>& core, const std::shared_ptr<const FrameIndex>& index,
               std::span<const FrameId> resumed, const StreamRef* stream,
               const std::function<bool(const IndexedFrame&)>& usable);

  struct Found {
    const FrameId& frame;
    uint32_t chunk;
  };
  // Cheap as long as the stream runs on as it did before.
  std::optional<Found> find(const ChunkId& id, uint32_t length);

 private:
  struct Chunk {
    ChunkId id;
    uint32_t frame = 0;  // number in frames_
    uint16_t chunk = 0;  // number in the frame
    uint16_t length = 0;
  };
  class Loader;

  void build_table();

  std::vector<FrameId> frames_;
  std::vector<Chunk> chunks_;    // in the order of the stream
  std::vector<uint32_t> table_;  // open addressing over chunks_, number + 1; built at the first difference
  size_t next_ = 0;              // where the stream would run on
};

}  // namespace dbb::repository
