#include "repository/needed_chunks.h"

#include <bit>

#include "base/error.h"

namespace dbb::repository {
namespace {

constexpr uint64_t kAllChunks = UINT64_MAX;

}  // namespace

NeededChunks::NeededChunks(std::shared_ptr<const FrameIndex> index) : index_(std::move(index)) {
  first_bit_.resize(size_t{index_->frame_count()} + 1);
  for (uint32_t pack = 0; pack < index_->packs().size(); ++pack) {
    for (const PackedFrame& copy : index_->frames_of(pack)) first_bit_[copy.number + 1] = copy.chunk_count;
  }
  uint64_t bits = 0;
  for (uint32_t& entry : first_bit_) {
    bits += entry;
    if (bits > UINT32_MAX) {
      throw Error(ErrorCode::kStorageFailed,
                  {.message = "The repository has more than four billion chunks, too many to prune.",
                   .solution = {"Divide the sources among several repositories."}});
    }
    entry = static_cast<uint32_t>(bits);
  }
  bits_.resize((bits + 63) / 64);
}

bool NeededChunks::add(const Extent& extent) {
  return add(extent.frame, extent.first_chunk, extent.chunk_count);
}

bool NeededChunks::add_frame(const FrameId& frame) { return add(frame, 0, kAllChunks); }

bool NeededChunks::add(const FrameId& frame, uint64_t first_chunk, uint64_t chunk_count) {
  bool found = false;
  index_->visit_copies(shortened(frame), [&](uint32_t, const PackedFrame& copy) {
    const uint64_t count = chunk_count == kAllChunks ? copy.chunk_count : chunk_count;
    if (first_chunk + count > copy.chunk_count) return;
    found = true;
    const uint64_t first = first_bit_[copy.number] + first_chunk;
    for (uint64_t i = first; i < first + count; ++i) bits_[i / 64] |= uint64_t{1} << (i % 64);
  });
  return found;
}

uint32_t NeededChunks::count(uint32_t copy) const {
  uint32_t sum = 0;
  for (uint64_t i = first_bit_[copy]; i < first_bit_[size_t{copy} + 1];) {
    if (i % 64 == 0 && i + 64 <= first_bit_[size_t{copy} + 1]) {
      sum += static_cast<uint32_t>(std::popcount(bits_[i / 64]));
      i += 64;
    } else {
      sum += bit(i++) ? 1 : 0;
    }
  }
  return sum;
}

}  // namespace dbb::repository
