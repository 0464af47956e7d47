#include "system/file_system.h"

#include <sys/stat.h>

namespace dbb::system {

std::optional<uint64_t> file_system_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_dev;
}

}  // namespace dbb::system
