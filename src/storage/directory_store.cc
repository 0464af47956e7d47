#include "storage/directory_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "storage/object_name.h"
#include "system/file.h"

namespace dbb::storage {
namespace fs = std::filesystem;
namespace {

// Runs a write; a place that refuses writes is a repository that can be read only.
template <typename Write>
auto writing(const fs::path& root, const Write& write) {
  try {
    return write();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    throw Error(
        ErrorCode::kRepositoryReadOnly,
        {.message = fmt::format("The repository {} cannot be written to.", root.string()),
         .cause = fmt::format("{} {}", error.message(), error.cause()),
         .solution = {fmt::format("Look at owner, mode and mount: ls -ld {0}; findmnt -T {0}", root.string()),
                      "Run dbbackup as the user who owns the repository, or give this user the right to "
                      "write there."}});
  }
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

DirectoryStore::DirectoryStore(fs::path root) : root_(std::move(root)) {}

std::string DirectoryStore::describe() const { return "directory " + root_.string(); }

PutResult DirectoryStore::put(std::string_view name, std::span<const ByteView> pieces) {
  DBB_CHECK(is_object_name(name), "names are made by this program");
  const fs::path path = root_ / name;
  return writing(root_, [&] {
    system::create_directories(path.parent_path());
    return system::publish_new(path, pieces) ? PutResult::kStored : PutResult::kNameTaken;
  });
}

std::optional<Bytes> DirectoryStore::get(std::string_view name, uint64_t limit) {
  const fs::path path = root_ / name;
  const auto file = system::open_for_reading(path);
  if (!file) return std::nullopt;
  const uint64_t size = system::file_size(*file, path);
  if (size > limit) throw_too_large(name, size, limit);
  Bytes bytes(size);
  bytes.resize(system::read_at(*file, 0, bytes, path));
  return bytes;
}

std::optional<size_t> DirectoryStore::get_range(std::string_view name, uint64_t offset,
                                                std::span<uint8_t> into) {
  const fs::path path = root_ / name;
  const auto file = system::open_for_reading(path);
  if (!file) return std::nullopt;
  return system::read_at(*file, offset, into, path);
}

std::optional<uint64_t> DirectoryStore::size(std::string_view name) {
  const fs::path path = root_ / name;
  const auto file = system::open_for_reading(path);
  if (!file) return std::nullopt;
  return system::file_size(*file, path);
}

void DirectoryStore::list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) {
  std::vector<std::string> pending = {std::string(prefix)};  // "" or "a/b/"
  while (!pending.empty()) {
    const std::string folder = std::move(pending.back());
    pending.pop_back();
    const fs::path path = root_ / folder;
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (!directory) {
      if (errno == ENOENT || errno == ENOTDIR || (errno == EACCES && folder != prefix)) continue;
      system::throw_errno("list", path);
    }
    while (true) {
      errno = 0;
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr) {
        if (errno != 0) system::throw_errno("list", path);
        break;
      }
      const std::string_view file = entry->d_name;
      if (file.starts_with('.') || file.find(".tmp-") != std::string_view::npos) continue;
      struct stat status{};
      // Neither links nor devices are objects, and a link might lead in circles.
      if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        system::throw_errno("look at", path / file);
      }
      const std::string name = folder + std::string(file);
      if (S_ISDIR(status.st_mode)) {
        pending.push_back(name + "/");
      } else if (S_ISREG(status.st_mode) && is_object_name(name)) {
        if (!visit({.name = name, .size_bytes = static_cast<uint64_t>(status.st_size)})) return;
      }
    }
  }
}

bool DirectoryStore::remove(std::string_view name) {
  const fs::path path = root_ / name;
  return writing(root_, [&] {
    if (!system::remove_file(path)) return false;
    // Callers rely on the order of what they remove, also over a power loss.
    system::sync_directory(path.parent_path());
    return true;
  });
}

}  // namespace dbb::storage
