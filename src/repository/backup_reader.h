#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "repository/item.h"
#include "repository/manifest.h"

namespace dbb::repository {

class FrameIndex;
class RepositoryCore;
class WindowReader;

// The bytes of one stream in order. Confined to one thread.
//
// A window of 64 MiB of the stream is looked at as one, and every frame in it is opened once. Memory: one
// frame of 0.5 MiB, its sealed form, and at most 64 MiB that a scattered window keeps for later.
// Every byte handed out was checked against the manifest's hash tree. Error kCorruptedBackup names the
// object that is damaged.
class StreamReader {
 public:
  explicit StreamReader(std::unique_ptr<WindowReader> window);
  ~StreamReader();
  // False at the end. `piece` is never empty, at most 512 KiB, and valid until the next call.
  bool next(ByteView& piece);

 private:
  std::unique_ptr<WindowReader> window_;
};

// Reads one backup. Thread-safe.
class BackupReader {
 public:
  BackupReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
               Manifest manifest);
  ~BackupReader();

  const Manifest& manifest() const { return manifest_; }
  // In key order, in bounded memory.
  void for_each_item(const std::function<void(const Item&)>& visit);
  std::unique_ptr<StreamReader> open_stream(const StreamRef& stream);
  // The whole of a small stream. kCorruptedBackup when it is longer than `limit`.
  Bytes read_all(const StreamRef& stream, uint64_t limit);

  // Reads recipes but no data: is every frame of every stream in the index, and its pack there in full
  // length? One line for a person for each that is not; empty when all is well.
  std::vector<std::string> missing_frames(std::stop_token stop);

 private:
  // Owned together with the Repository it was opened from.
  const std::shared_ptr<RepositoryCore> core_;
  // As it was after the manifest was read; owned together with the streams that are open.
  const std::shared_ptr<const FrameIndex> index_;
  const Manifest manifest_;
};

}  // namespace dbb::repository
