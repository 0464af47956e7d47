#include "storage/object_name.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb::storage {

bool is_object_name(std::string_view name) {
  bool part_begins = true;
  for (const char c : name) {
    if (c == '/') {
      if (part_begins) return false;
      part_begins = true;
      continue;
    }
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && c != '_' && c != '-' && (c != '.' || part_begins)) return false;
    part_begins = false;
  }
  return !part_begins;
}

void throw_too_large(std::string_view name, uint64_t size, uint64_t limit) {
  throw Error(ErrorCode::kCorruptedBackup,
              {.message = fmt::format("The stored object {} is damaged.", name),
               .cause = fmt::format("It has {} bytes; its kind has at most {}.", size, limit)});
}

}  // namespace dbb::storage
