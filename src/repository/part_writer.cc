#include "repository/part_writer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "codec/xxh3.h"

namespace dbb::repository {
namespace {

constexpr size_t kInlineExtents = 32;   // a recipe of at most so many stays in the reference: about 1 KiB
constexpr size_t kMinBlockExtents = 8;  // blocks of longer recipes
constexpr size_t kMaxBlockExtents = 256;
constexpr size_t kMaxPendingExtents = 4096;  // bounds memory when new chunks are rare

bool is_zero(ByteView bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

bool cut_by_units(StreamClass stream_class) {
  return stream_class != StreamClass::kPages && stream_class != StreamClass::kBytes;
}

}  // namespace

PartWriter::PartWriter(BackupSession& session, StreamClass stream_class, const StreamRef* previous,
                       std::shared_ptr<const StreamKey> origin)
    : session_(session),
      stream_class_(stream_class),
      origin_(std::move(origin)),
      cut_(session.core().keys().cut(), session.core().config().writing.rows),
      frame_bytes_(session.core().config().writing.frame_bytes),
      ids_(session.core().keys()) {
  if (previous != nullptr && previous->stream_class != stream_class) previous = nullptr;
  previous_ = session.previous_part(previous, origin_.get());
  if (previous != nullptr && previous->depth > 0) {
    previous_recipe_ = {.stream_class = StreamClass::kMetadata,
                        .bytes = 0,
                        .depth = static_cast<uint8_t>(previous->depth - 1),
                        .recipe = previous->recipe};
  }
}

PartWriter::~PartWriter() = default;

void PartWriter::append(ByteView unit, uint64_t hash) {
  DBB_CHECK(cut_by_units(stream_class_), "pages and bytes have no units");
  bytes_ += unit.size();
  const size_t max_bytes = cut_.limits().max_bytes;
  if (chunk().size() + unit.size() <= max_bytes) {
    put_in_chunk(unit);
    if (cut_.cuts_after(hash, unit.size(), chunk().size())) end_chunk();
    return;
  }
  end_chunk();
  const bool cut_inside = unit.size() > max_bytes;
  for (; unit.size() > max_bytes; unit = unit.subspan(max_bytes)) {
    put_in_chunk(unit.first(max_bytes));
    end_chunk();
  }
  put_in_chunk(unit);
  if (cut_inside || cut_.cuts_after(hash, unit.size(), chunk().size())) end_chunk();
}

void PartWriter::append_bytes(ByteView bytes) {
  DBB_CHECK(!cut_by_units(stream_class_), "rows and records come one by one");
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    if (chunk().empty() && bytes.size() >= kPageBytes) {
      end_page(bytes.first(kPageBytes));  // from where it lies, without a copy if it is known
      bytes = bytes.subspan(kPageBytes);
      continue;
    }
    const size_t count = std::min(bytes.size(), kPageBytes - chunk().size());
    put_in_chunk(bytes.first(count));
    bytes = bytes.subspan(count);
    if (chunk().size() == kPageBytes) end_chunk();
  }
}

void PartWriter::put_in_chunk(ByteView bytes) {
  if (frame_.capacity() == 0) frame_ = session_.pipeline().take_buffer();
  frame_.insert(frame_.end(), bytes.begin(), bytes.end());
}

void PartWriter::end_chunk() {
  if (chunk().empty()) return;
  session_.pipeline().check();
  const auto length = static_cast<uint32_t>(chunk().size());
  if (!cut_by_units(stream_class_) && is_zero(chunk())) {
    note({.hole = true, .bytes = length}, false);
    frame_.resize(chunk_begin_);
    return;
  }
  const ChunkId id = ids_.chunk(chunk());
  if (refer(id, length)) {
    frame_.resize(chunk_begin_);
    return;
  }
  if (frame_.size() > frame_bytes_ || frame_chunks_.size() == kMaxFrameChunks) end_frame(chunk_begin_);
  add_new(id, length);
}

void PartWriter::end_page(ByteView page) {
  session_.pipeline().check();
  if (is_zero(page)) {
    note({.hole = true, .bytes = page.size()}, false);
    return;
  }
  const ChunkId id = ids_.chunk(page);
  if (refer(id, kPageBytes)) return;
  if (frame_.size() + page.size() > frame_bytes_) end_frame(frame_.size());
  put_in_chunk(page);
  add_new(id, kPageBytes);
}

bool PartWriter::refer(const ChunkId& id, uint32_t length) {
  const std::optional<PreviousPart::Found> found = previous_.find(id, length);
  if (!found) return false;
  note({.frame = found->frame, .first_chunk = found->chunk, .chunk_count = 1, .bytes = length}, false);
  return true;
}

// The chunk's bytes are the last of frame_.
void PartWriter::add_new(const ChunkId& id, uint32_t length) {
  new_bytes_ += length;
  note({.first_chunk = static_cast<uint32_t>(frame_chunks_.size()), .chunk_count = 1, .bytes = length}, true);
  frame_chunks_.push_back({.id = id, .length = length});
  chunk_begin_ = frame_.size();
}

void PartWriter::note(const Extent& extent, bool in_open_frame) {
  if (!in_open_frame && frame_chunks_.empty()) {
    add_to_recipe(extent);
    return;
  }
  // An id of zeros stands for the open frame's, in every pending extent alike: they merge.
  if (!pending_.empty() && pending_.back().in_open_frame == in_open_frame &&
      pending_.back().extent.merge(extent)) {
    return;
  }
  if (pending_.size() == kMaxPendingExtents && !in_open_frame) {
    end_frame(chunk_begin_);
    add_to_recipe(extent);
    return;
  }
  pending_.push_back({.extent = extent, .in_open_frame = in_open_frame});
}

// Ends the open frame, which has `data_bytes`; what lies behind them in frame_ begins the next one.
void PartWriter::end_frame(size_t data_bytes) {
  if (frame_chunks_.empty()) return;
  const FrameId id = ids_.frame(stream_class_, frame_chunks_);
  for (PendingExtent& pending : pending_) {
    if (pending.in_open_frame) pending.extent.frame = id;
    add_to_recipe(pending.extent);
  }
  pending_.clear();

  if (session_.claim(id, data_bytes)) {
    Bytes next = session_.pipeline().take_buffer();
    next.insert(next.end(), frame_.begin() + static_cast<ptrdiff_t>(data_bytes), frame_.end());
    frame_.resize(data_bytes);
    append_frame_trailer(frame_, stream_class_, frame_chunks_);
    session_.pipeline().push({.id = id,
                              .stream_class = stream_class_,
                              .chunks = std::move(frame_chunks_),
                              .content = std::move(frame_),
                              .origin = origin_});
    frame_ = std::move(next);
  } else {
    frame_.erase(frame_.begin(), frame_.begin() + static_cast<ptrdiff_t>(data_bytes));
  }
  frame_chunks_.clear();
  chunk_begin_ = 0;
}

void PartWriter::add_to_recipe(const Extent& extent) {
  if (!block_.empty() && block_.back().merge(extent)) return;
  if (!recipe_ && block_.size() == kInlineExtents) {
    recipe_ = std::make_unique<PartWriter>(session_, StreamClass::kMetadata, &previous_recipe_);
    std::vector<Extent> extents;
    extents.swap(block_);
    for (const Extent& earlier : extents) add_to_recipe(earlier);
  }
  if (recipe_ && !block_.empty()) {
    // Blocks end where the frames say, not after a fixed number: a recipe that differs in one place is, from
    // a little behind it, cut as before.
    const bool ends = !block_.back().hole && (block_.back().frame.bytes[0] & 31) == 0;
    if ((ends && block_.size() >= kMinBlockExtents) || block_.size() == kMaxBlockExtents) end_recipe_block();
  }
  block_.push_back(extent);
}

void PartWriter::end_recipe_block() {
  ByteWriter record;
  record.sized(encode_recipe_block(block_));
  recipe_->append(record.bytes(), codec::xxh3_128(record.bytes()).low);
  block_.clear();
}

StreamRef PartWriter::finish() {
  DBB_CHECK(!finished_, "a stream ends once");
  finished_ = true;
  end_chunk();
  end_frame(chunk_begin_);
  if (frame_.capacity() != 0) session_.pipeline().give_buffer(std::move(frame_));
  frame_ = {};
  StreamRef stream = {.stream_class = stream_class_, .bytes = bytes_};
  if (recipe_) {
    if (!block_.empty()) end_recipe_block();
    StreamRef recipe = recipe_->finish();
    stream.depth = static_cast<uint8_t>(recipe.depth + 1);
    stream.recipe = std::move(recipe.recipe);
  } else if (!block_.empty()) {
    stream.recipe = encode_recipe_block(block_);
  }
  return stream;
}

}  // namespace dbb::repository
