#include "system/secret_file.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "system/file.h"

namespace dbb::system {

std::optional<SecretFile> read_secret_file(const std::filesystem::path& path, size_t limit) {
  const std::optional<FileDescriptor> file = open_for_reading(path);
  if (!file) return std::nullopt;
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) throw_errno("look at", path);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kKeyNeeded, {.message = fmt::format("{} is a directory.", path.string()),
                                        .solution = {"Name the file in it that holds the key."}});
  }
  SecretFile secret;
  secret.open_to_others = S_ISREG(status.st_mode) && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
  secret.bytes.resize(limit + 1);
  size_t filled = 0;
  while (filled < secret.bytes.size()) {
    const ssize_t got = ::read(file->get(), secret.bytes.data() + filled, secret.bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  if (filled > limit) {
    throw Error(ErrorCode::kKeyNeeded,
                {.message = fmt::format("{} has more than {} bytes.", path.string(), limit),
                 .solution = {"Name another file: this one is too long for a passphrase or a key."}});
  }
  secret.bytes.resize(filled);
  return secret;
}

void forbid_core_dumps() { ::prctl(PR_SET_DUMPABLE, 0); }

}  // namespace dbb::system
