#include "repository/frame_index.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "repository/frame_segment.h"

namespace dbb::repository {

uint32_t FrameIndex::frame_count() const {
  uint32_t count = open_ ? open_->size() : 0;
  for (const auto& segment : segments_) count += segment->size();
  return count;
}

std::vector<IndexedFrame> FrameIndex::copies(const FrameId& id) const {
  const ShortFrameId short_id = shortened(id);
  std::vector<IndexedFrame> copies;
  visit_copies(short_id, [&](uint32_t pack, const PackedFrame& frame) {
    copies.push_back({.id = id,
                      .pack = pack,
                      .offset = frame.offset,
                      .length = frame.length,
                      .data_bytes = frame.data_bytes,
                      .chunk_count = frame.chunk_count,
                      .kind = frame.kind,
                      .partial = frame.partial});
  });
  if (copies.size() > 1) {
    std::ranges::sort(copies, [](const IndexedFrame& a, const IndexedFrame& b) {
      return std::tie(a.partial, a.pack, a.offset) < std::tie(b.partial, b.pack, b.offset);
    });
  }
  return copies;
}

void FrameIndex::visit_copies(const ShortFrameId& id,
                              const std::function<void(uint32_t, const PackedFrame&)>& visit) const {
  uint32_t first_number = 0;
  for (const auto& segment : segments_) {
    segment->find(id, first_number, visit);
    first_number += segment->size();
  }
}

std::vector<PackedFrame> FrameIndex::frames_of(uint32_t pack) const {
  std::vector<PackedFrame> frames;
  uint32_t first_number = 0;
  for (const auto& segment : segments_) {
    segment->append_frames_of(pack, first_number, frames);
    first_number += segment->size();
  }
  if (open_) open_->append_frames_of(pack, first_number, frames);
  std::ranges::sort(frames, {},
                    [](const PackedFrame& frame) { return std::tie(frame.offset, frame.number); });
  return frames;
}

uint32_t FrameIndex::number_of(const IndexedPack& pack) {
  const auto [known, is_new] = numbers_.emplace(pack.id, static_cast<uint32_t>(packs_.size()));
  if (is_new) packs_.push_back(pack);
  return known->second;
}

// A pack that is listed again adds only what was not known of it: so every copy is there once.
void FrameIndex::add(const PackContents& contents) {
  if (!open_) open_ = std::make_shared<Segment>();
  const size_t packs_before = packs_.size();
  const uint32_t pack = number_of(contents.pack);
  std::vector<PackedFrame> known;
  if (packs_.size() == packs_before) known = frames_of(pack);
  DBB_CHECK(frame_count() + contents.frames.size() < std::numeric_limits<uint32_t>::max(),
            "frames are numbered with 32 bits");
  for (const IndexedFrame& frame : contents.frames) {
    const PackedFrame packed = {.short_id = shortened(frame.id),
                                .offset = frame.offset,
                                .length = frame.length,
                                .data_bytes = frame.data_bytes,
                                .chunk_count = frame.chunk_count,
                                .kind = frame.kind,
                                .partial = frame.partial};
    const auto is_same = [&](PackedFrame other) {
      other.number = 0;
      return other == packed;
    };
    if (std::ranges::none_of(std::ranges::equal_range(known, packed.offset, {}, &PackedFrame::offset),
                             is_same))
      open_->add(pack, packed);
  }
}

void FrameIndex::finish() {
  if (!open_ || open_->size() == 0) {
    open_.reset();
    return;
  }
  open_->finish();
  segments_.push_back(std::move(open_));
  open_.reset();
  // Of every two neighbours the later one stays below half of the earlier one: a look-up asks few segments,
  // and a frame is moved rarely.
  while (segments_.size() > 1 && segments_.back()->size() * 2 > segments_[segments_.size() - 2]->size()) {
    merge_last_two();
  }
}

void FrameIndex::merge_last_two() {
  auto merged = std::make_shared<Segment>();
  const auto last_two = std::span(segments_).last(2);
  for (const auto& segment : last_two) merged->append(*segment);
  merged->finish();
  segments_.resize(segments_.size() - 2);
  segments_.push_back(std::move(merged));
}

}  // namespace dbb::repository
