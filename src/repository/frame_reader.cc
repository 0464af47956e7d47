#include "repository/frame_reader.h"

#include <fmt/format.h>

#include "base/error.h"
#include "repository/damage.h"

namespace dbb::repository {

FrameReader::FrameReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index)
    : core_(std::move(core)), index_(std::move(index)), opener_(core_->keys()), ids_(core_->keys()) {}

const OpenedFrame& FrameReader::read(const FrameId& id, const Suits& suits) {
  const std::vector<IndexedFrame> copies = index_->copies(id);
  if (copies.empty()) core_->throw_missing_frame(id);
  for (size_t i = 0; i < copies.size(); ++i) {
    const bool last = i + 1 == copies.size();
    try {
      const OpenedFrame& frame = read_copy(copies[i]);
      if (suits(frame)) return frame;
    } catch (const Error& error) {
      if (last || !is_damage(error)) throw;
    }
  }
  throw_damaged(pack_name(index_->pack_of(copies.back()).id),
                fmt::format("Frame {} lacks chunks that a backup needs.", id.hex().substr(0, 16)));
}

const OpenedFrame& FrameReader::read_copy(const IndexedFrame& copy) {
  const std::string object = pack_name(index_->pack_of(copy).id);
  return open(copy.kind, copy.id, fetch(object, copy.offset, copy.length), object);
}

const OpenedFrame& FrameReader::read_packed(const IndexedPack& pack, const PackedFrame& frame) {
  const std::string object = pack_name(pack.id);
  const ByteView box = fetch(object, frame.offset, frame.length);
  const FrameId id = {name_of_box(box)};
  const OpenedFrame& opened = open(frame.kind, id, box, object);
  if (shortened(id) != frame.short_id)
    throw_swapped(object, fmt::format("At byte {} is another frame than the index says.", frame.offset));
  return opened;
}

ByteView FrameReader::fetch(const std::string& object, uint32_t offset, uint32_t length) {
  if (box_.size() < length) box_.resize(length);
  box_bytes_ = length;
  const std::span<uint8_t> box = std::span(box_).first(length);
  const std::optional<size_t> got = core_->store().get_range(object, offset, box);
  if (!got) throw_damaged(object, "It is missing.");
  if (*got != box.size())
    throw_damaged(object, fmt::format("It ends before byte {}.", uint64_t{offset} + length));
  return box;
}

const OpenedFrame& FrameReader::open(uint8_t kind, const FrameId& id, ByteView box,
                                     const std::string& object) {
  const ByteView content = opener_.open(static_cast<BoxKind>(kind), id.bytes, box, object);
  opened_.emplace(content, id, ids_, object);
  return *opened_;
}

}  // namespace dbb::repository
