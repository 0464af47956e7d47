#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/error.h"
#include "base/task_group.h"
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
  Bytes content;  // with its trailer
};

// Frames in, stored packs out: compress and seal on all cores, then one thread that packs and stores.
// Thread-safe. Memory: see BackupWriter, whose sum this is the largest part of.
//
// The first failure stops everything; push() and finish() throw a copy of it.
class FramePipeline {
 public:
  FramePipeline(storage::ObjectStore& store, const KeyRing& keys, const WriteSettings& writing,
                std::stop_token stop);
  ~FramePipeline();

  // Blocks while the queue is full.
  void push(FrameJob job);
  // An empty buffer with room for a frame, used before if possible.
  Bytes take_buffer();
  void give_buffer(Bytes buffer);

  // Waits until everything is stored. Nothing may be pushed after it. The packs, in the order they were
  // stored.
  std::vector<PackContents> finish();

  // Throws what went wrong meanwhile, or kCancelled on stop.
  void check() const;
  // So far, in stored packs.
  uint64_t stored_bytes() const { return stored_bytes_; }
  // Stops, waits for the threads, and removes the packs that were stored, as far as the store allows.
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
  std::atomic<uint64_t> stored_bytes_ = 0;
  std::atomic<unsigned> sealers_;  // still running

  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  // guarded by failure_mutex_; the first

  std::mutex buffers_mutex_;
  std::vector<Bytes> buffers_;  // guarded by buffers_mutex_

  std::mutex packs_mutex_;
  std::vector<PackContents> packs_;  // guarded by packs_mutex_

  Channel<FrameJob> jobs_;
  Channel<SealedFrame> sealed_;
  TaskGroup tasks_;  // last: its threads use all of the above
};

}  // namespace dbb::repository
