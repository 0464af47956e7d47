#include "system/memory_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace dbb::system {

MemoryFile::MemoryFile(const std::string& label) : file_(::memfd_create(label.c_str(), MFD_CLOEXEC)) {
  if (!file_) throw_errno("create in memory", label);
  path_ = fmt::format("/proc/{}/fd/{}", ::getpid(), file_.get());
}

void MemoryFile::write(ByteView bytes) { write_all(file_, bytes, path_); }

}  // namespace dbb::system
