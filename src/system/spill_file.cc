#include "system/spill_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/check.h"

namespace dbb::system {
namespace {

std::filesystem::path directory_for_spilling() {
  const char* const chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
}

FileDescriptor create_unnamed(const std::filesystem::path& directory) {
  FileDescriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) throw_errno("create a file in", directory);
  // A file system (or a kernel) that has no files without a name: take the name away at once.
  std::string path = directory / "dbbackup-spill-XXXXXX";
  file = FileDescriptor(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) throw_errno("create a file in", directory);
  ::unlink(path.c_str());
  return file;
}

}  // namespace

uint64_t SpillFile::append(ByteView bytes) {
  const uint64_t offset = size();
  if (buffer_.size() + bytes.size() > buffer_bytes_) flush();
  if (bytes.size() > buffer_bytes_) {
    write_all(file_, bytes, directory_);
    flushed_bytes_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  return offset;
}

void SpillFile::flush() {
  if (!file_) {
    directory_ = directory_for_spilling();
    file_ = create_unnamed(directory_);
  }
  write_all(file_, buffer_, directory_);
  flushed_bytes_ += buffer_.size();
  buffer_.clear();
}

void SpillFile::read(uint64_t offset, std::span<uint8_t> into) const {
  DBB_CHECK(offset <= size() && into.size() <= size() - offset, "only what was written is read");
  if (offset < flushed_bytes_) {
    const size_t count = std::min<uint64_t>(into.size(), flushed_bytes_ - offset);
    if (read_at(file_, offset, into.first(count), directory_) != count) {
      throw Error(ErrorCode::kStorageFailed,
                  {.message = fmt::format("A temporary file in {} lost its end.", directory_.string()),
                   .solution = {"Look at the disk it lies on, then run the command again."}});
    }
    if (count == into.size()) return;
    offset += count;
    into = into.subspan(count);
  }
  std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(offset - flushed_bytes_), into.size(), into.begin());
}

}  // namespace dbb::system
