#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/bytes.h"
#include "system/file.h"

namespace dbb::system {

// Bytes that are written once, one after the other, and read back anywhere, for what may outgrow memory: the
// first few stay in memory, and only when there are more is there a file. It has no name, so that nobody else
// can open it and nothing is left of it however this process ends; it lies in TMPDIR or /var/tmp, which are
// on a disk more often than /tmp is.
//
// Confined to one thread while it is written; read() from any number after that. Errors: kDiskFull and the
// others of files.
class SpillFile {
 public:
  // Of memory; up to so many bytes there is no file.
  explicit SpillFile(size_t buffer_bytes) : buffer_bytes_(buffer_bytes) {}

  // Where they begin.
  uint64_t append(ByteView bytes);
  uint64_t size() const { return flushed_bytes_ + buffer_.size(); }
  // All of `into`: reading past the end is a bug of the caller.
  void read(uint64_t offset, std::span<uint8_t> into) const;

 private:
  void flush();

  const size_t buffer_bytes_;
  FileDescriptor file_;
  std::filesystem::path directory_;
  uint64_t flushed_bytes_ = 0;
  Bytes buffer_;  // the last of what was written
};

}  // namespace dbb::system
