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

  RepositoryCore& core() { return *core_; }
  const FrameIndex& index() const { return *index_; }

 private:
  const std::shared_ptr<RepositoryCore> core_;     // owned together with the Repository
  const std::shared_ptr<const FrameIndex> index_;  // owned together with whoever began at the same time
  BoxOpener opener_;
  IdMaker ids_;
  Bytes box_;
  std::optional<OpenedFrame> opened_;
};

}  // namespace dbb::repository
