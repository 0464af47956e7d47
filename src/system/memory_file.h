#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "system/file.h"

namespace dbb::system {

// A file without a name on any disk, for a program that wants one: it is gone with this object, and with this
// process, however that ends. Costs memory as large as its contents. Confined to one thread while it is
// written.
class MemoryFile {
 public:
  // `label` shows in /proc only.
  explicit MemoryFile(const std::string& label);

  void write(ByteView bytes);
  // Under which programs of the same user can open it for reading, any number of times.
  const std::filesystem::path& path() const { return path_; }

 private:
  FileDescriptor file_;
  std::filesystem::path path_;
};

}  // namespace dbb::system
