#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "base/bytes.h"

namespace dbb::system {

struct SecretFile {
  Bytes bytes;  // never moved while it was read, so that wiping it leaves no copy
  // Other users than its owner and group may read or write it. Never of a pipe, such as <(pass show backup).
  bool open_to_others = false;

  bool operator==(const SecretFile&) const = default;
};

// To the end, also from a pipe. Empty when it does not exist. kKeyNeeded when it is a directory or longer
// than `limit` bytes; kPermissionDenied.
std::optional<SecretFile> read_secret_file(const std::filesystem::path& path, size_t limit);

// From now on a crash leaves no core dump of this process, whoever collects them, and other processes of the
// same user may not look into its memory (PR_SET_DUMPABLE). Programs it starts are not affected.
void forbid_core_dumps();

}  // namespace dbb::system
