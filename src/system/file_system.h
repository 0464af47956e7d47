#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dbb::system {

// Names the file system a path lies on: the same for all paths on one. Empty when it cannot be looked at.
std::optional<uint64_t> file_system_of(const std::filesystem::path& path);

}  // namespace dbb::system
