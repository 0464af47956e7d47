#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "codec/cut_rule.h"
#include "repository/backup_session.h"
#include "repository/frame.h"
#include "repository/previous_part.h"
#include "repository/recipe.h"

namespace dbb::repository {

// The work behind StreamWriter: cut, compare, frame. Confined to one thread.
class PartWriter {
 public:
  // `previous` is what the stream is compared with; null for nothing. `origin` is what its frames belong to;
  // null for metadata.
  PartWriter(BackupSession& session, StreamClass stream_class, const StreamRef* previous,
             std::shared_ptr<const StreamKey> origin = nullptr);
  ~PartWriter();

  void append(ByteView unit, uint64_t hash);
  void append_bytes(ByteView bytes);
  StreamRef finish();

  uint64_t bytes() const { return bytes_; }
  uint64_t new_bytes() const { return new_bytes_; }

 private:
  // An extent of which the frame may not have its id yet.
  struct PendingExtent {
    Extent extent;
    bool in_open_frame = false;
  };

  ByteView chunk() const { return ByteView(frame_).subspan(chunk_begin_); }
  void put_in_chunk(ByteView bytes);
  void end_chunk();
  void end_page(ByteView page);
  // Refers to an earlier chunk if there is an equal one. Else false.
  bool refer(const ChunkId& id, uint32_t length);
  void add_new(const ChunkId& id, uint32_t length);
  void end_frame(size_t data_bytes);
  void note(const Extent& extent, bool in_open_frame);
  void add_to_recipe(const Extent& extent);
  void end_recipe_block();

  BackupSession& session_;
  const StreamClass stream_class_;
  const std::shared_ptr<const StreamKey> origin_;  // owned together with the frames on their way
  const codec::CutRule cut_;
  const size_t frame_bytes_;  // where a frame ends
  IdMaker ids_;
  PreviousPart previous_;
  StreamRef previous_recipe_;  // the stream of recipes of the previous part, to compare ours with

  Bytes frame_;             // new chunks, then the bytes of the chunk that is being filled
  size_t chunk_begin_ = 0;  // where the latter begin
  std::vector<ChunkInfo> frame_chunks_;
  std::vector<PendingExtent> pending_;  // since the open frame began
  std::vector<Extent> block_;           // of the recipe, the one being filled
  std::unique_ptr<PartWriter>
      recipe_;  // where full blocks go; none as long as the recipe fits in the reference
  uint64_t bytes_ = 0;
  uint64_t new_bytes_ = 0;
  bool finished_ = false;
};

}  // namespace dbb::repository
