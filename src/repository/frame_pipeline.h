#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/error.h"
#include "base/task_group.h"
#include "repository/backup_writer.h"
#include "repository/frame.h"
#include "repository/frame_index.h"
#include "repository/write_settings.h"
#include "storage/object_store.h"

namespace dbb::repository {

// A frame that is to be stored.
struct FrameJob {
  FrameId id;
  StreamClass stream_class = StreamClass::kBytes;
  std::vector<ChunkInfo> chunks;
  Bytes content;      // with its trailer
  Bytes bitmap = {};  // of the chunks that are there; empty: all
  // What it is part of; null for metadata and for what is copied. Owned together with the part's other
  // frames.
  std::shared_ptr<const StreamKey> origin = nullptr;
};

struct FrameOrigin {
  FrameId frame;
  std::shared_ptr<const StreamKey> key;  // as in FrameJob
};

// How much of what waits between the stages may be in memory, in bytes.
struct PipelineQueues {
  size_t frames = 8 << 20;
  size_t sealed = 16 << 20;
  size_t spare_buffers = 16;  // of a frame each; a number
};

// Called with each pack once it is stored, by the thread that stores, one after the other.
using PackStored = std::function<void(PackContents contents, std::vector<FrameOrigin> origins)>;

// Frames in, stored packs out: compress and seal on all cores, then one thread that packs and stores.
// Thread-safe. Memory: see BackupWriter, whose sum this is the largest part of.
//
// The first failure stops everything; push() and finish() throw a copy of it.
class FramePipeline {
 public:
  FramePipeline(storage::ObjectStore& store, const KeyRing& keys, const WriteSettings& writing,
                PackStored pack_stored, std::stop_token stop, const PipelineQueues& queues = {});
  ~FramePipeline();

  // Blocks while the queue is full.
  void push(FrameJob job);
  // A frame that is sealed already, such as one that is copied from another pack as it is.
  void push_sealed(FrameJob job, Bytes box);
  // An empty buffer with room for a frame, used before if possible.
  Bytes take_buffer();
  void give_buffer(Bytes buffer);

  // Waits until everything is stored. Nothing may be pushed after it.
  void finish();

  // Throws what went wrong meanwhile, or kCancelled on stop.
  void check() const;
  // So far, in stored packs.
  uint64_t stored_bytes() const { return stored_bytes_; }
  // Stops and waits for the threads.
  void abandon();

 private:
  struct SealedFrame {
    FrameJob job;  // without content
    Bytes box;
  };
  class Packer;

  template <typename Task>
  void spawn(const std::string& name, Task task);
  void seal_frames(const std::stop_token& stop);
  void pack_frames(const std::stop_token& stop);
  [[noreturn]] void throw_failure() const;

  storage::ObjectStore& store_;
  const KeyRing& keys_;
  const WriteSettings writing_;
  const size_t spare_buffers_;
  const PackStored pack_stored_;
  std::atomic<uint64_t> stored_bytes_ = 0;
  std::atomic<unsigned> sealers_;  // still running

  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  // guarded by failure_mutex_; the first

  std::mutex buffers_mutex_;
  std::vector<Bytes> buffers_;  // guarded by buffers_mutex_

  Channel<FrameJob> jobs_;
  Channel<SealedFrame> sealed_;
  TaskGroup tasks_;  // last: its threads use all of the above
};

}  // namespace dbb::repository
