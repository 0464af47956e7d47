#include "storage/directory_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
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
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool is_link(const fs::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

// A disk that is not mounted, most likely: what is behind it is not gone, and must not be taken for that.
[[noreturn]] void throw_leads_nowhere(const fs::path& path) {
  std::error_code unknown;
  throw Error(ErrorCode::kStorageFailed,
              {.message = fmt::format("{} is a link that leads nowhere.", path.string()),
               .cause = fmt::format("It leads to {}.", fs::read_symlink(path, unknown).string()),
               .solution = {"Bring back what it leads to: is the disk mounted?",
                            "If nobody needs it: remove the link."}});
}

// Empty when there is no such folder. One that may not be read is an error: what is in it is not missing.
Directory open_directory(const fs::path& path) {
  Directory directory(::opendir(path.c_str()));
  if (directory) return directory;
  const int problem = errno;
  if (problem != ENOENT && problem != ENOTDIR) system::throw_errno(problem, "list", path);
  const fs::path folder = path.has_filename() ? path : path.parent_path();  // "a/" would follow the link
  if (problem == ENOENT && is_link(folder)) throw_leads_nowhere(folder);
  return directory;
}

// Visits the names in a folder that may be objects or folders of objects, until `visit` returns false.
template <typename Visit>
bool for_each_name(DIR* directory, const fs::path& path, const Visit& visit) {
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) system::throw_errno("list", path);
      return true;
    }
    const std::string_view name = entry->d_name;
    if (name.find(".tmp-") != std::string_view::npos || !is_object_name(name)) continue;
    if (!visit(std::string(name))) return false;
  }
}

// Links are followed, as reading follows them. Empty when the name has vanished since it was read.
std::optional<struct stat> look_at(DIR* directory, const fs::path& folder, const std::string& name) {
  struct stat status{};
  if (::fstatat(::dirfd(directory), name.c_str(), &status, 0) == 0) return status;
  if (errno != ENOENT) system::throw_errno("look at", folder / name);
  if (is_link(folder / name)) throw_leads_nowhere(folder / name);
  return std::nullopt;
}

using Identity = std::pair<dev_t, ino_t>;

struct PendingFolder {
  std::string name;              // "" or "a/b/"
  std::vector<Identity> within;  // the folders it is in, so that no link leads in circles
};

// For reading: whatever has the name of an object is one, or it is damaged.
std::optional<system::FileDescriptor> open_object(const fs::path& path, std::string_view name) {
  const auto damaged = [&](std::string problem) {
    return Error(
        ErrorCode::kCorruptedBackup,
        {.message = fmt::format("The stored object {} is damaged.", name), .cause = std::move(problem)});
  };
  auto file = system::open_for_reading(path);
  if (!file) {
    if (is_link(path)) throw damaged("It is a link that leads nowhere.");
    return file;
  }
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) system::throw_errno("look at", path);
  if (S_ISDIR(status.st_mode)) throw damaged("It is a folder, not a file.");
  return file;
}

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
  const auto file = open_object(path, name);
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
  const auto file = open_object(path, name);
  if (!file) return std::nullopt;
  return system::read_at(*file, offset, into, path);
}

std::optional<uint64_t> DirectoryStore::size(std::string_view name) {
  const fs::path path = root_ / name;
  const auto file = open_object(path, name);
  if (!file) return std::nullopt;
  return system::file_size(*file, path);
}

void DirectoryStore::list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) {
  std::vector<PendingFolder> pending;
  pending.push_back({.name = std::string(prefix), .within = {}});
  while (!pending.empty()) {
    PendingFolder folder = std::move(pending.back());
    pending.pop_back();
    const fs::path path = root_ / folder.name;
    const Directory directory = open_directory(path);
    if (!directory) continue;
    struct stat self{};
    if (::fstat(::dirfd(directory.get()), &self) != 0) system::throw_errno("look at", path);
    folder.within.emplace_back(self.st_dev, self.st_ino);
    const bool go_on = for_each_name(directory.get(), path, [&](const std::string& file) {
      const auto status = look_at(directory.get(), path, file);
      if (!status) return true;
      const std::string name = folder.name + file;
      if (S_ISREG(status->st_mode)) {
        return visit({.name = name, .size_bytes = static_cast<uint64_t>(status->st_size)});
      }
      const Identity identity(status->st_dev, status->st_ino);
      if (S_ISDIR(status->st_mode) && std::ranges::find(folder.within, identity) == folder.within.end()) {
        pending.push_back({.name = name + "/", .within = folder.within});
      }
      return true;
    });
    if (!go_on) return;
  }
}

void DirectoryStore::list_names(std::string_view prefix,
                                const std::function<void(const std::string&)>& visit) {
  const fs::path path = root_ / prefix;
  const Directory directory = open_directory(path);
  if (!directory) return;
  for_each_name(directory.get(), path, [&](const std::string& file) {
    visit(std::string(prefix) + file);
    return true;
  });
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
