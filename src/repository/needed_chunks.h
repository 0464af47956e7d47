#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "repository/frame_index.h"
#include "repository/recipe.h"

namespace dbb::repository {

// Which chunks of which frames some backup needs. Memory: 4 bytes a copy, and a bit a chunk of those copies
// of which a part is needed; for 500 million chunks in 4 million frames 16 MiB, and at most 64 more. Confined
// to one thread.
class NeededChunks {
 public:
  explicit NeededChunks(std::shared_ptr<const FrameIndex> index);

  // False when no index lists the frame, or it has no such chunks: then something is missing, and there is
  // nothing to keep. Which chunks a partial copy lacks is not known here.
  bool add(const Extent& extent);
  bool add_frame(const FrameId& frame);  // all its chunks

  uint32_t count(const PackedFrame& copy) const;
  bool has(const PackedFrame& copy, uint32_t chunk) const;

  const FrameIndex& index() const { return *index_; }
  const std::shared_ptr<const FrameIndex>& shared_index() const { return index_; }

 private:
  // What is needed of a copy; any other value is the number of its first word, plus kFirstWord.
  static constexpr uint32_t kNothing = 0;
  static constexpr uint32_t kEverything = 1;
  static constexpr uint32_t kFirstWord = 2;
  static constexpr size_t kMostWords = kMaxFrameChunks / 64;

  static size_t words_of(const PackedFrame& copy) { return (size_t{copy.chunk_count} + 63) / 64; }
  bool add(const FrameId& frame, uint64_t first_chunk, uint64_t chunk_count);
  void add_to(const PackedFrame& copy, uint64_t first_chunk, uint64_t chunk_count);
  uint32_t take_words(size_t count);
  uint32_t bits_set(size_t first_word, size_t words) const;

  std::shared_ptr<const FrameIndex> index_;  // owned together with whoever reads through it
  std::vector<uint32_t> states_;             // by number of the copy
  std::deque<uint64_t> words_;               // bits, 64 each
  std::array<std::vector<uint32_t>, kMostWords + 1>
      free_;  // states whose words are free again, by their number
};

}  // namespace dbb::repository
