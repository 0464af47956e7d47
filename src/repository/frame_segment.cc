#include "repository/frame_segment.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

constexpr uint32_t kEntriesABucket = 8;  // about; ids are evenly distributed

static_assert(kMaxPackBytes <= std::numeric_limits<uint32_t>::max());
static_assert(kMaxFrameChunks <= 1 << 12);
static_assert(kMaxFrameContentBytes <= 1 << 20);  // the trailer is in it: data has fewer

}  // namespace

void FrameIndex::Segment::add(uint32_t pack, const PackedFrame& frame) {
  if (last_run_.size() <= pack) last_run_.resize(pack + 1, kNone);
  if (runs_.empty() || runs_.back().pack != pack) {
    runs_.push_back({.pack = pack, .begin = size(), .earlier = last_run_[pack]});
    last_run_[pack] = static_cast<uint32_t>(runs_.size() - 1);
  }
  if (blocks_.empty() || blocks_.back().size() == kBlockEntries)
    blocks_.emplace_back().reserve(kBlockEntries);
  ++size_;
  blocks_.back().push_back({.id = frame.short_id,
                            .offset = frame.offset,
                            .length = frame.length & ((1U << 30) - 1),
                            .is_metadata = frame.kind == static_cast<uint8_t>(BoxKind::kMetadataFrame),
                            .partial = frame.partial,
                            .data_bytes = frame.data_bytes & ((1U << 20) - 1),
                            .last_chunk = (frame.chunk_count - 1U) & ((1U << 12) - 1)});
}

void FrameIndex::Segment::append(const Segment& other) {
  for (size_t run = 0; run < other.runs_.size(); ++run) {
    for (uint32_t i = other.runs_[run].begin; i < other.end_of(run); ++i) {
      add(other.runs_[run].pack, unpacked(other.entry(i)));
    }
  }
}

// Sorts by the first bits of the id, by counting, then each bucket: without a second copy of the entries, and
// without comparing every one twenty times.
void FrameIndex::Segment::finish() {
  bucket_bits_ = static_cast<unsigned>(std::bit_width(size() / kEntriesABucket));
  bucket_begins_.assign((size_t{1} << bucket_bits_) + 1, 0);
  for (uint32_t i = 0; i < size(); ++i) ++bucket_begins_[bucket_of(entry(i).id) + 1];
  for (size_t i = 1; i < bucket_begins_.size(); ++i) bucket_begins_[i] += bucket_begins_[i - 1];
  by_id_.resize(size());
  for (uint32_t i = 0; i < size(); ++i) by_id_[bucket_begins_[bucket_of(entry(i).id)]++] = i;
  // Each begin has moved to its bucket's end, which is where the next one begins.
  std::ranges::copy_backward(bucket_begins_.begin(), bucket_begins_.end() - 1, bucket_begins_.end());
  bucket_begins_.front() = 0;
  for (size_t i = 0; i + 1 < bucket_begins_.size(); ++i) {
    std::ranges::sort(by_id_.begin() + bucket_begins_[i], by_id_.begin() + bucket_begins_[i + 1], {},
                      [&](uint32_t number) -> const ShortFrameId& { return entry(number).id; });
  }
}

uint32_t FrameIndex::Segment::bucket_of(const ShortFrameId& id) const {
  uint64_t first = 0;
  for (size_t i = 0; i < sizeof first; ++i) first = first << 8 | id.bytes[i];
  return bucket_bits_ == 0 ? 0 : static_cast<uint32_t>(first >> (64 - bucket_bits_));
}

PackedFrame FrameIndex::Segment::unpacked(const Entry& entry) {
  return {
      .short_id = entry.id,
      .offset = entry.offset,
      .length = entry.length,
      .data_bytes = entry.data_bytes,
      .chunk_count = static_cast<uint16_t>(entry.last_chunk + 1),
      .kind = static_cast<uint8_t>(entry.is_metadata != 0 ? BoxKind::kMetadataFrame : BoxKind::kDataFrame),
      .partial = entry.partial != 0};
}

void FrameIndex::Segment::find(const ShortFrameId& id, uint32_t first_number, const Visit& visit) const {
  if (size() == 0) return;
  const uint32_t bucket = bucket_of(id);
  const auto found = std::ranges::equal_range(
      by_id_.begin() + bucket_begins_[bucket], by_id_.begin() + bucket_begins_[bucket + 1], id, {},
      [&](uint32_t number) -> const ShortFrameId& { return entry(number).id; });
  for (const uint32_t number : found) {
    const auto run = std::ranges::upper_bound(runs_, number, {}, &Run::begin) - 1;
    PackedFrame frame = unpacked(entry(number));
    frame.number = first_number + number;
    visit(run->pack, frame);
  }
}

void FrameIndex::Segment::append_frames_of(uint32_t pack, uint32_t first_number,
                                           std::vector<PackedFrame>& into) const {
  uint32_t run = pack < last_run_.size() ? last_run_[pack] : kNone;
  for (; run != kNone; run = runs_[run].earlier) {
    for (uint32_t i = runs_[run].begin; i < end_of(run); ++i) {
      into.push_back(unpacked(entry(i)));
      into.back().number = first_number + i;
    }
  }
}

}  // namespace dbb::repository
