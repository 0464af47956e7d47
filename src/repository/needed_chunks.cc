#include "repository/needed_chunks.h"

#include <bit>

namespace dbb::repository {
namespace {

constexpr uint64_t kAllChunks = UINT64_MAX;

}  // namespace

NeededChunks::NeededChunks(std::shared_ptr<const FrameIndex> index)
    : index_(std::move(index)), states_(index_->frame_count(), kNothing) {}

bool NeededChunks::add(const Extent& extent) {
  return add(extent.frame, extent.first_chunk, extent.chunk_count);
}

bool NeededChunks::add_frame(const FrameId& frame) { return add(frame, 0, kAllChunks); }

bool NeededChunks::add(const FrameId& frame, uint64_t first_chunk, uint64_t chunk_count) {
  bool found = false;
  index_->visit_copies(shortened(frame), [&](uint32_t, const PackedFrame& copy) {
    const uint64_t count = chunk_count == kAllChunks ? copy.chunk_count : chunk_count;
    if (first_chunk > copy.chunk_count || count > copy.chunk_count - first_chunk) return;
    found = true;
    add_to(copy, first_chunk, count);
  });
  return found;
}

void NeededChunks::add_to(const PackedFrame& copy, uint64_t first_chunk, uint64_t chunk_count) {
  uint32_t& state = states_[copy.number];
  if (state == kEverything || chunk_count == 0) return;
  const size_t words = words_of(copy);
  if (chunk_count < copy.chunk_count) {
    if (state == kNothing) state = take_words(words);
    const size_t first_word = state - kFirstWord;
    for (uint64_t i = first_chunk; i < first_chunk + chunk_count; ++i) {
      words_[first_word + i / 64] |= uint64_t{1} << (i % 64);
    }
    if (bits_set(first_word, words) < copy.chunk_count) return;
  }
  if (state != kNothing) free_[words].push_back(state);
  state = kEverything;
}

uint32_t NeededChunks::take_words(size_t count) {
  if (free_[count].empty()) {
    words_.resize(words_.size() + count);
    return static_cast<uint32_t>(words_.size() - count) + kFirstWord;
  }
  const uint32_t state = free_[count].back();
  free_[count].pop_back();
  for (size_t i = 0; i < count; ++i) words_[state - kFirstWord + i] = 0;
  return state;
}

uint32_t NeededChunks::bits_set(size_t first_word, size_t words) const {
  uint32_t sum = 0;
  for (size_t i = 0; i < words; ++i) sum += static_cast<uint32_t>(std::popcount(words_[first_word + i]));
  return sum;
}

uint32_t NeededChunks::count(const PackedFrame& copy) const {
  const uint32_t state = states_[copy.number];
  if (state == kNothing) return 0;
  return state == kEverything ? copy.chunk_count : bits_set(state - kFirstWord, words_of(copy));
}

bool NeededChunks::has(const PackedFrame& copy, uint32_t chunk) const {
  const uint32_t state = states_[copy.number];
  if (state == kNothing || state == kEverything) return state == kEverything;
  return (words_[state - kFirstWord + chunk / 64] >> (chunk % 64) & 1) != 0;
}

}  // namespace dbb::repository
