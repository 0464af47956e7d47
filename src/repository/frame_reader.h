#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "repository/core.h"
#include "repository/frame.h"
#include "repository/frame_index.h"

namespace dbb::repository {

// Fetches frames from their packs, opens and checks them. Confined to one thread. Memory: the largest frame
// so far, sealed, compressed and plain: about 1.5 MiB, at most 3.5.
class FrameReader {
 public:
  FrameReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index);

  using Suits = std::function<bool(const OpenedFrame&)>;
  // The first copy that is sound and suits (has the chunks that are wanted). Valid until the next call.
  // Error kCorruptedBackup, which names the pack of the last copy tried, when there is none.
  const OpenedFrame& read(const FrameId& id, const Suits& suits);
  // One copy. Error kCorruptedBackup when that is not sound.
  const OpenedFrame& read_copy(const IndexedFrame& copy);
  // The same for a copy found by its pack, of which the index has only the short id: the whole one is taken
  // from the box, and must agree with that.
  const OpenedFrame& read_packed(const IndexedPack& pack, const PackedFrame& frame);

  // The sealed bytes of what was read last. Valid until the next call.
  ByteView box() const { return ByteView(box_).first(box_bytes_); }

  RepositoryCore& core() { return *core_; }
  const FrameIndex& index() const { return *index_; }

 private:
  ByteView fetch(const std::string& object, uint32_t offset, uint32_t length);
  const OpenedFrame& open(uint8_t kind, const FrameId& id, ByteView box, const std::string& object);

  const std::shared_ptr<RepositoryCore> core_;     // owned together with the Repository
  const std::shared_ptr<const FrameIndex> index_;  // owned together with whoever began at the same time
  BoxOpener opener_;
  IdMaker ids_;
  Bytes box_;
  size_t box_bytes_ = 0;  // of the last one, at the front of box_
  std::optional<OpenedFrame> opened_;
};

}  // namespace dbb::repository
