#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "repository/frame_index.h"
#include "repository/recipe.h"

namespace dbb::repository {

// Which chunks of which frames some backup needs: a bit a chunk of every copy. Memory: 4 bytes a copy and the
// bits, that is 80 MiB for 500 million chunks in 4 million frames. Confined to one thread.
class NeededChunks {
 public:
  explicit NeededChunks(std::shared_ptr<const FrameIndex> index);

  // False when no index lists the frame, or it has no such chunks: then something is missing, and there is
  // nothing to keep.
  bool add(const Extent& extent);
  bool add_frame(const FrameId& frame);  // all its chunks

  // By the number of a copy (PackedFrame::number).
  uint32_t count(uint32_t copy) const;
  bool has(uint32_t copy, uint32_t chunk) const { return bit(uint64_t{first_bit_[copy]} + chunk); }

  const FrameIndex& index() const { return *index_; }
  const std::shared_ptr<const FrameIndex>& shared_index() const { return index_; }

 private:
  bool bit(uint64_t number) const { return (bits_[number / 64] >> (number % 64) & 1) != 0; }
  bool add(const FrameId& frame, uint64_t first_chunk, uint64_t chunk_count);

  std::shared_ptr<const FrameIndex> index_;  // owned together with whoever reads through it
  std::vector<uint32_t> first_bit_;          // by number of the copy; one more than there are
  std::vector<uint64_t> bits_;
};

}  // namespace dbb::repository
