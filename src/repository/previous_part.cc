#include "repository/previous_part.h"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

constexpr uint64_t kStretchBytes = 64 << 20;
constexpr uint64_t kMaxReadFactor = 2;

// Of the frames a stretch needs, those whose chunks are better stored anew, the worst-used first, until what
// is left is at most kMaxReadFactor times the stretch. `used` and `whole` are bytes by number of frame.
std::unordered_set<uint32_t> frames_to_leave(const std::unordered_map<uint32_t, uint64_t>& used,
                                             const std::vector<uint32_t>& whole) {
  uint64_t stretch = 0;
  uint64_t needed = 0;
  std::vector<std::pair<double, uint32_t>> by_use;
  for (const auto& [frame, bytes] : used) {
    stretch += bytes;
    needed += whole[frame];
    by_use.emplace_back(static_cast<double>(bytes) / static_cast<double>(std::max(1U, whole[frame])), frame);
  }
  std::unordered_set<uint32_t> left;
  if (needed <= kMaxReadFactor * stretch) return left;
  std::ranges::sort(by_use);
  for (const auto& [use, frame] : by_use) {
    if (needed <= kMaxReadFactor * stretch) break;
    // What is stored anew is read from new frames, in full.
    needed = needed - whole[frame] + used.at(frame);
    left.insert(frame);
  }
  return left;
}

}  // namespace

class PreviousPart::Loader {
 public:
  using Usable = std::function<bool(const IndexedFrame&)>;

  Loader(PreviousPart& part, RepositoryCore& core, const FrameIndex& index, const Usable& usable)
      : part_(part), core_(core), index_(index), usable_(usable) {}

  void add(const Extent& extent) {
    if (extent.hole) return;
    const DirectoryEntry* const entry = find_entry(extent.frame);
    if (entry == nullptr || extent.first_chunk + extent.chunk_count > entry->chunks.size()) return;
    const auto [known, is_new] = numbers_.emplace(extent.frame, static_cast<uint32_t>(part_.frames_.size()));
    if (is_new) {
      part_.frames_.push_back(extent.frame);
      whole_.push_back(static_cast<uint32_t>(entry->data_bytes()));
    }
    for (uint32_t i = extent.first_chunk; i < extent.first_chunk + extent.chunk_count; ++i) {
      if (!entry->has_chunk(i)) continue;
      const ChunkInfo& chunk = entry->chunks[i];
      part_.chunks_.push_back({.id = chunk.id,
                               .frame = known->second,
                               .chunk = static_cast<uint16_t>(i),
                               .length = static_cast<uint16_t>(chunk.length)});
      stretch_bytes_ += chunk.length;
    }
    if (stretch_bytes_ >= kStretchBytes) end_stretch();
  }

  void add_whole(const FrameId& frame) {
    if (const DirectoryEntry* const entry = find_entry(frame)) {
      add({.frame = frame, .first_chunk = 0, .chunk_count = static_cast<uint32_t>(entry->chunks.size())});
    }
  }

  void end_stretch() {
    const auto stretch = std::span(part_.chunks_).subspan(stretch_begin_);
    std::unordered_map<uint32_t, uint64_t> used;
    for (const Chunk& chunk : stretch) used[chunk.frame] += chunk.length;
    if (const auto left = frames_to_leave(used, whole_); !left.empty()) {
      const auto gone =
          std::ranges::remove_if(stretch, [&](const Chunk& chunk) { return left.contains(chunk.frame); });
      part_.chunks_.resize(part_.chunks_.size() - gone.size());
    }
    stretch_begin_ = part_.chunks_.size();
    stretch_bytes_ = 0;
  }

 private:
  const DirectoryEntry* find_entry(const FrameId& frame) {
    for (const IndexedFrame& copy : index_.copies(frame)) {
      if (!usable_(copy)) continue;
      if (directory_ == nullptr || directory_pack_ != copy.pack) {
        try {
          directory_ = core_.directory(index_.pack_of(copy));
          directory_pack_ = copy.pack;
        } catch (const Error& error) {
          if (!is_damage(error)) throw;
          continue;
        }
      }
      const DirectoryEntry* const entry = directory_->at_offset(copy.offset);
      if (entry != nullptr && entry->id == frame) return entry;
    }
    return nullptr;
  }

  PreviousPart& part_;
  RepositoryCore& core_;
  const FrameIndex& index_;
  const Usable& usable_;

  std::unordered_map<FrameId, uint32_t, FrameId::Hash> numbers_;
  std::vector<uint32_t> whole_;  // bytes of each frame in part_.frames_
  size_t stretch_begin_ = 0;     // in part_.chunks_
  uint64_t stretch_bytes_ = 0;
  std::shared_ptr<const PackDirectory> directory_;  // of the last frame; owned together with the cache
  uint32_t directory_pack_ = 0;
};

PreviousPart::PreviousPart(const std::shared_ptr<RepositoryCore>& core,
                           const std::shared_ptr<const FrameIndex>& index, std::span<const FrameId> resumed,
                           const StreamRef* stream, const std::function<bool(const IndexedFrame&)>& usable) {
  Loader loader(*this, *core, *index, usable);
  for (const FrameId& frame : resumed) loader.add_whole(frame);
  loader.end_stretch();
  if (stream == nullptr) return;
  try {
    RecipeReader recipe(core, index, *stream);
    std::vector<Extent> block;
    while (recipe.next(block)) {
      for (const Extent& extent : block) loader.add(extent);
    }
  } catch (const Error& error) {
    // The rest of a damaged recipe is stored anew.
    if (!is_damage(error)) throw;
  }
  loader.end_stretch();
}

std::optional<PreviousPart::Found> PreviousPart::find(const ChunkId& id, uint32_t length) {
  if (chunks_.empty()) return std::nullopt;
  if (next_ == chunks_.size() || chunks_[next_].id != id) {
    if (table_.empty()) build_table();
    const size_t mask = table_.size() - 1;
    size_t slot = ChunkId::Hash()(id) & mask;
    while (table_[slot] != 0 && chunks_[table_[slot] - 1].id != id) slot = (slot + 1) & mask;
    if (table_[slot] == 0) return std::nullopt;
    next_ = table_[slot] - 1;
  }
  const Chunk& chunk = chunks_[next_];
  if (chunk.length != length) return std::nullopt;
  ++next_;
  return Found{.frame = frames_[chunk.frame], .chunk = chunk.chunk};
}

void PreviousPart::build_table() {
  table_.resize(std::bit_ceil(chunks_.size() * 2));
  const size_t mask = table_.size() - 1;
  for (size_t i = 0; i < chunks_.size(); ++i) {
    size_t slot = ChunkId::Hash()(chunks_[i].id) & mask;
    while (table_[slot] != 0 && chunks_[table_[slot] - 1].id != chunks_[i].id) slot = (slot + 1) & mask;
    if (table_[slot] == 0) table_[slot] = static_cast<uint32_t>(i + 1);
  }
}

}  // namespace dbb::repository
