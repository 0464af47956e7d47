#include "repository/window_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "repository/damage.h"

namespace dbb::repository {
namespace {

constexpr uint64_t kWindowBytes = 64 << 20;
constexpr size_t kWindowExtents = 65536;
constexpr size_t kPieceBytes = 512 << 10;

ByteView zeros() {
  static constexpr std::array<uint8_t, kPieceBytes> kZeros{};
  return kZeros;
}

}  // namespace

RecipeReader::RecipeReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
                           const StreamRef& stream) {
  if (stream.depth > kMaxRecipeDepth) throw_damaged("recipe", "It has more levels than allowed.");
  if (stream.depth == 0) {
    only_block_ = stream.recipe;
    return;
  }
  const StreamRef recipes = {.stream_class = StreamClass::kMetadata,
                             .bytes = WindowReader::kLengthUnknown,
                             .depth = static_cast<uint8_t>(stream.depth - 1),
                             .recipe = stream.recipe};
  records_ = std::make_unique<RecordReader>(
      std::move(core), std::move(index), recipes,
      RecordReader::Limits{.record_bytes = kMaxRecipeBlockBytes, .what = "recipe"});
}

RecipeReader::~RecipeReader() = default;

bool RecipeReader::next(std::vector<Extent>& block) {
  if (records_) {
    ByteView record;
    if (!records_->next(record)) return false;
    block = decode_recipe_block(record, "recipe");
    return true;
  }
  if (!only_block_) return false;
  block = only_block_->empty() ? std::vector<Extent>() : decode_recipe_block(*only_block_, "recipe");
  only_block_.reset();
  return true;
}

WindowReader::WindowReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
                           const StreamRef& stream)
    : stream_bytes_(stream.bytes), frames_(core, index), recipe_(core, index, stream) {}

bool WindowReader::next(ByteView& piece) {
  while (true) {
    if (!current_.empty()) {
      piece = current_.first(std::min(current_.size(), kPieceBytes));
      current_ = current_.subspan(piece.size());
      break;
    }
    if (hole_left_ > 0) {
      piece = zeros().first(std::min<uint64_t>(hole_left_, kPieceBytes));
      hole_left_ -= piece.size();
      break;
    }
    if (window_next_ == window_.size() && !fill_window()) {
      if (stream_bytes_ != kLengthUnknown && bytes_done_ != stream_bytes_) {
        throw_damaged("recipe", fmt::format("It gives {} bytes instead of {}.", bytes_done_, stream_bytes_));
      }
      return false;
    }
    open_next_extent();
  }
  if (piece.size() > stream_bytes_ - bytes_done_) {
    throw_damaged("recipe", fmt::format("It gives more than {} bytes.", stream_bytes_));
  }
  bytes_done_ += piece.size();
  return true;
}

bool WindowReader::fill_window() {
  window_.clear();
  window_next_ = 0;
  slots_of_frame_.clear();
  uint64_t bytes = 0;
  while (bytes < kWindowBytes && window_.size() < kWindowExtents) {
    if (block_next_ == block_.size()) {
      if (!recipe_.next(block_)) break;
      block_next_ = 0;
      continue;
    }
    const Extent& extent = block_[block_next_++];
    if (!extent.hole) slots_of_frame_.emplace_back(extent.frame, window_.size());
    // A hole costs nothing to read, and may be larger than any window.
    bytes += extent.hole ? 0 : extent.bytes;
    window_.push_back({.extent = extent, .stash = std::nullopt});
  }
  std::ranges::sort(slots_of_frame_);
  return !window_.empty();
}

void WindowReader::open_next_extent() {
  Slot& slot = window_[window_next_++];
  if (slot.extent.hole) {
    hole_left_ = slot.extent.bytes;
  } else if (slot.stash) {
    stash_ = std::move(*slot.stash);
    slot.stash.reset();
    current_ = stash_;
  } else {
    current_ = open_frame(slot.extent);
  }
}

// Opens the frame once for all its slots in this window; what later slots need is kept for them.
ByteView WindowReader::open_frame(const Extent& wanted) {
  const auto slots = std::ranges::equal_range(slots_of_frame_, wanted.frame, {},
                                              [](const auto& entry) { return entry.first; });
  const auto bytes_of = [](const OpenedFrame& frame, const Extent& extent) -> std::optional<ByteView> {
    const std::optional<ByteView> range = frame.range(extent.first_chunk, extent.chunk_count);
    return range && range->size() == extent.bytes ? range : std::nullopt;
  };
  const OpenedFrame& frame = frames_.read(wanted.frame, [&](const OpenedFrame& candidate) {
    return std::ranges::all_of(slots, [&](const auto& entry) {
      return bytes_of(candidate, window_[entry.second].extent).has_value();
    });
  });
  for (const auto& [id, number] : slots) {
    if (number < window_next_) continue;
    const ByteView bytes = *bytes_of(frame, window_[number].extent);
    window_[number].stash.emplace(bytes.begin(), bytes.end());
  }
  return *bytes_of(frame, wanted);
}

RecordReader::RecordReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
                           const StreamRef& stream, const Limits& limits)
    : stream_(std::move(core), std::move(index), stream), limits_(limits) {}

bool RecordReader::next(ByteView& record) {
  while (true) {
    const ByteView left = ByteView(buffer_).subspan(begin_);
    // The length has at most ten bytes; it is complete with the first byte that has no continuation bit.
    const auto last = std::ranges::find_if(left.first(std::min<size_t>(left.size(), 10)),
                                           [](uint8_t byte) { return (byte & 0x80) == 0; });
    const bool complete = last != left.first(std::min<size_t>(left.size(), 10)).end();
    if (complete || left.size() >= 10) {
      ByteReader reader(left, limits_.what);
      const uint64_t length = reader.varint();
      if (length > limits_.record_bytes) reader.fail("a record is longer than any can be");
      if (length <= reader.remaining()) {
        record = reader.raw(length);
        begin_ += reader.offset();
        return true;
      }
    }
    if (!read_more()) {
      if (begin_ != buffer_.size()) throw_damaged(limits_.what, "It ends in the middle of a record.");
      return false;
    }
  }
}

bool RecordReader::read_more() {
  ByteView piece;
  if (!stream_.next(piece)) return false;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(begin_));
  begin_ = 0;
  buffer_.insert(buffer_.end(), piece.begin(), piece.end());
  return true;
}

}  // namespace dbb::repository
