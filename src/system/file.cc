#include "system/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dbb::system {
namespace fs = std::filesystem;
namespace {

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Removes the temporary file unless it was given its real name.
class Unpublished {
 public:
  explicit Unpublished(const fs::path& target) {
    static std::atomic<uint64_t> counter = 0;
    path_ = target;
    path_ += fmt::format(".tmp-{}-{}", ::getpid(), counter++);
  }
  ~Unpublished() {
    if (!published_) ::unlink(path_.c_str());
  }
  Unpublished(const Unpublished&) = delete;
  Unpublished& operator=(const Unpublished&) = delete;

  const fs::path& path() const { return path_; }
  void set_published() { published_ = true; }

 private:
  fs::path path_;
  bool published_ = false;
};

void write_durably(const fs::path& path, std::span<const ByteView> pieces, mode_t mode) {
  const FileDescriptor file = create_file(path, mode);
  for (const ByteView piece : pieces) write_all(file, piece, path);
  sync_file(file, path);
}

}  // namespace

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void throw_errno(std::string_view action, const fs::path& path) { throw_errno(errno, action, path); }

void throw_errno(int error_number, std::string_view action, const fs::path& path) {
  const std::string message = fmt::format("Could not {} {}.", action, path.string());
  const std::string cause = std::strerror(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      throw Error(
          ErrorCode::kDiskFull,
          {.message = message,
           .cause = cause,
           .solution = {
               fmt::format("See what is used: df -h {}", parent_of(path).string()),
               "Free space there, or use a repository on a larger disk, then run the command again."}});
    case EACCES:
    case EPERM:
    case EROFS:
      throw Error(ErrorCode::kPermissionDenied,
                  {.message = message,
                   .cause = cause,
                   .solution = {fmt::format("Look at owner and mode: ls -ld {} {}", parent_of(path).string(),
                                            path.string()),
                                "Run dbbackup as the user who owns it, or give this user the right."}});
    default:
      throw Error(
          ErrorCode::kStorageFailed,
          {.message = message,
           .cause = cause,
           .solution = {fmt::format("Look at the file system and its limits: df -h {}; ulimit -a; and at "
                                    "what the kernel says of the disk: dmesg.",
                                    parent_of(path).string()),
                        "Run the command again when that is in order."}});
  }
}

std::optional<FileDescriptor> open_for_reading(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) return file;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("open", path);
}

FileDescriptor create_file(const fs::path& path, mode_t mode) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) throw_errno("create", path);
  return file;
}

uint64_t file_size(const FileDescriptor& file, const fs::path& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) throw_errno("look at", path);
  return static_cast<uint64_t>(status.st_size);
}

size_t read_at(const FileDescriptor& file, uint64_t offset, std::span<uint8_t> into, const fs::path& path) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count =
        ::pread(file.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("read", path);
    done += static_cast<size_t>(count);
  }
  return done;
}

std::optional<Bytes> read_file(const fs::path& path, uint64_t limit) {
  const std::optional<FileDescriptor> file = open_for_reading(path);
  if (!file) return std::nullopt;
  const uint64_t size = file_size(*file, path);
  if (size > limit) {
    throw Error(ErrorCode::kStorageFailed,
                {.message = fmt::format("{} is too large to be what it should be.", path.string()),
                 .cause = fmt::format("It has {} bytes, at most {} are expected.", size, limit)});
  }
  Bytes bytes(size);
  bytes.resize(read_at(*file, 0, bytes, path));
  return bytes;
}

void write_all(const FileDescriptor& file, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("write", path);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void sync_file(const FileDescriptor& file, const fs::path& path) {
  if (::fsync(file.get()) != 0) throw_errno("sync", path);
}

void sync_directory(const fs::path& directory) {
  const FileDescriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle) throw_errno("open", directory);
  sync_file(handle, directory);
}

bool publish_new(const fs::path& path, std::span<const ByteView> pieces, mode_t mode) {
  Unpublished temporary(path);
  write_durably(temporary.path(), pieces, mode);
  if (::renameat2(AT_FDCWD, temporary.path().c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    // File systems without RENAME_NOREPLACE (NFS): a hard link fails as well when the name is taken.
    if (errno != EINVAL && errno != ENOSYS) throw_errno("rename to", path);
    if (::link(temporary.path().c_str(), path.c_str()) != 0) {
      if (errno == EEXIST) return false;
      throw_errno("link", path);
    }
  } else {
    temporary.set_published();
  }
  sync_directory(parent_of(path));
  return true;
}

void publish_replacing(const fs::path& path, ByteView bytes, mode_t mode) {
  Unpublished temporary(path);
  write_durably(temporary.path(), std::span(&bytes, 1), mode);
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) throw_errno("rename to", path);
  temporary.set_published();
  sync_directory(parent_of(path));
}

bool remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  throw_errno("remove", path);
}

void create_directories(const fs::path& directory, mode_t mode) {
  if (directory.empty() || fs::is_directory(directory)) return;
  create_directories(directory.parent_path(), mode);
  if (::mkdir(directory.c_str(), mode) != 0) {
    if (errno == EEXIST && fs::is_directory(directory)) return;
    throw_errno("create directory", directory);
  }
  sync_directory(parent_of(directory));
}

std::optional<DiskSpace> disk_space(const fs::path& path) {
  struct statvfs status{};
  struct stat place{};
  if (::statvfs(path.c_str(), &status) != 0 || ::stat(path.c_str(), &place) != 0) return std::nullopt;
  return DiskSpace{.total_bytes = static_cast<uint64_t>(status.f_blocks) * status.f_frsize,
                   .available_bytes = static_cast<uint64_t>(status.f_bavail) * status.f_frsize,
                   .device = place.st_dev};
}

TemporaryDirectory::TemporaryDirectory(std::string_view prefix) {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = fmt::format("{}/{}XXXXXX", base != nullptr && *base != '\0' ? base : "/tmp", prefix);
  if (::mkdtemp(pattern.data()) == nullptr) throw_errno("create directory", pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // a leftover in the temporary directory harms nobody
  fs::remove_all(path_, ignored);
}

}  // namespace dbb::system
