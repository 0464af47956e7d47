#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "repository/format.h"

namespace dbb::repository {

// A set of frames. Of each id it keeps 16 bytes, as long as a chunk's id is (docs/decisions/0020): two frames
// that agree in them are as unlikely as two chunks, and there are a hundred times fewer. Memory: 18 to 27
// bytes a frame; it grows by parts, so that there are never two of the whole. Confined to one thread at a
// time.
class FrameSet {
 public:
  // False when it was in already.
  bool insert(const FrameId& frame);
  bool contains(const FrameId& frame) const;
  uint64_t size() const { return size_; }

 private:
  using Key = BinaryId<16, struct FrameSetTag>;
  // Open addressing; a key of zeros is an empty slot.
  struct Part {
    std::vector<Key> slots;
    size_t used = 0;
  };

  static size_t slot_of(const Key& key, const std::vector<Key>& slots);
  static void grow(Part& part);

  std::array<Part, 64> parts_;
  uint64_t size_ = 0;
};

}  // namespace dbb::repository
