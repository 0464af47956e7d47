#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "repository/frame_reader.h"
#include "repository/recipe.h"

namespace dbb::repository {

class RecordReader;

// The extents of a stream, block by block, whatever the depth of its recipe. Confined to one thread.
class RecipeReader {
 public:
  RecipeReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
               const StreamRef& stream);
  ~RecipeReader();
  // False at the end.
  bool next(std::vector<Extent>& block);

 private:
  std::optional<Bytes> only_block_;        // depth 0
  std::unique_ptr<RecordReader> records_;  // depth > 0
};

// The work behind StreamReader, whose header says what it promises.
class WindowReader {
 public:
  // Of a stream of recipes the length is not recorded; its records say where it ends.
  static constexpr uint64_t kLengthUnknown = UINT64_MAX;

  WindowReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
               const StreamRef& stream);
  bool next(ByteView& piece);

 private:
  struct Slot {
    Extent extent;
    std::optional<Bytes> stash;  // its bytes, when its frame was opened for an earlier slot
  };

  bool fill_window();
  void open_next_extent();
  ByteView open_frame(const Extent& wanted);

  const uint64_t stream_bytes_;
  FrameReader frames_;
  RecipeReader recipe_;
  std::vector<Extent> block_;  // of the recipe; from block_next_ on, not yet in a window
  size_t block_next_ = 0;
  std::vector<Slot> window_;
  size_t window_next_ = 0;
  std::vector<std::pair<FrameId, size_t>> slots_of_frame_;  // sorted; slots of window_
  Bytes stash_;                                             // backs current_ when the slot had one
  ByteView current_;
  uint64_t hole_left_ = 0;
  uint64_t bytes_done_ = 0;
};

// A stream that is a sequence of records, one after the other. Confined to one thread.
class RecordReader {
 public:
  struct Limits {
    size_t record_bytes;  // a longer one is kCorruptedBackup
    const char* what;     // for the message: "item list"
  };
  RecordReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
               const StreamRef& stream, const Limits& limits);
  // False at the end. The record is valid until the next call.
  bool next(ByteView& record);

 private:
  bool read_more();

  WindowReader stream_;
  const Limits limits_;
  Bytes buffer_;
  size_t begin_ = 0;  // of what is not yet consumed
};

}  // namespace dbb::repository
