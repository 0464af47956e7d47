#include "repository/frame_reader.h"

#include <fmt/format.h>

#include "base/error.h"
#include "repository/damage.h"

namespace dbb::repository {

FrameReader::FrameReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index)
    : core_(std::move(core)), index_(std::move(index)), opener_(core_->keys()), ids_(core_->keys()) {}

const OpenedFrame& FrameReader::read(const FrameId& id, const Suits& suits) {
  const std::span<const IndexedFrame> copies = index_->copies(id);
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
  if (box_.size() < copy.length) box_.resize(copy.length);
  const std::span<uint8_t> box = std::span(box_).first(copy.length);
  const std::optional<size_t> got = core_->store().get_range(object, copy.offset, box);
  if (!got) throw_damaged(object, "It is missing.");
  if (*got != box.size())
    throw_damaged(object, fmt::format("It ends before byte {}.", copy.offset + copy.length));
  const ByteView content = opener_.open(static_cast<BoxKind>(copy.kind), copy.id.bytes, box, object);
  opened_.emplace(content, copy.id, ids_, object);
  return *opened_;
}

}  // namespace dbb::repository
