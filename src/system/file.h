#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

// Files and their durability. Every failure is an Error: kDiskFull for ENOSPC and EDQUOT, kPermissionDenied
// for EACCES, EPERM and EROFS, kStorageFailed for the rest, with path and errno text in it.
namespace dbb::system {

// Owns a descriptor; -1 when empty.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// The Error for the current errno, e.g. throw_errno("write", path).
[[noreturn]] void throw_errno(std::string_view action, const std::filesystem::path& path);
[[noreturn]] void throw_errno(int error_number, std::string_view action, const std::filesystem::path& path);

// Empty when the file does not exist.
std::optional<FileDescriptor> open_for_reading(const std::filesystem::path& path);
// Fails when it exists.
FileDescriptor create_file(const std::filesystem::path& path, mode_t mode = 0600);

uint64_t file_size(const FileDescriptor& file, const std::filesystem::path& path);
// Fills `into` as far as the file reaches; returns how much that was.
size_t read_at(const FileDescriptor& file, uint64_t offset, std::span<uint8_t> into,
               const std::filesystem::path& path);
// Throws kStorageFailed when larger than `limit`. Empty when the file does not exist.
std::optional<Bytes> read_file(const std::filesystem::path& path, uint64_t limit);

void write_all(const FileDescriptor& file, ByteView bytes, const std::filesystem::path& path);
void sync_file(const FileDescriptor& file, const std::filesystem::path& path);
void sync_directory(const std::filesystem::path& directory);

// Writes the pieces one after the other to a temporary file beside `path`, syncs it, gives it its name and
// syncs the directory. After return the file survives power loss; after a failure nothing has that name, and
// the temporary file is gone. Returns false, and changes nothing, when `path` exists.
bool publish_new(const std::filesystem::path& path, std::span<const ByteView> pieces, mode_t mode = 0600);
// The same, but takes the place of an existing file: a reader sees the old one or the new one whole.
void publish_replacing(const std::filesystem::path& path, ByteView bytes, mode_t mode = 0600);

// False when it did not exist.
bool remove_file(const std::filesystem::path& path);
// Creates missing parents too, each with `mode`, and syncs what contains them.
void create_directories(const std::filesystem::path& directory, mode_t mode = 0700);

struct DiskSpace {
  uint64_t total_bytes;
  uint64_t available_bytes;  // to an unprivileged process
  uint64_t device = 0;       // the same for all paths on one file system
};
// Empty when the path cannot be looked at.
std::optional<DiskSpace> disk_space(const std::filesystem::path& path);

// A directory for one run, 0700, removed with all its contents at the end of the scope.
class TemporaryDirectory {
 public:
  // Below TMPDIR or /tmp: "<prefix>XXXXXX".
  explicit TemporaryDirectory(std::string_view prefix);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dbb::system
