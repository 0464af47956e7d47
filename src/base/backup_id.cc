#include "base/backup_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dbb {

BackupId::BackupId(UtcTime when, uint64_t random_bits)
    : text_(fmt::format("{}-{:016x}", when.compact(), random_bits)) {}

BackupId BackupId::parse(std::string_view text) {
  static constexpr std::string_view kShape = "00000000T000000Z-xxxxxxxxxxxxxxxx";
  const auto fits = [](char shape, char c) {
    if (shape == '0') return c >= '0' && c <= '9';
    if (shape == 'x') return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    return c == shape;
  };
  if (text.size() != kShape.size() || !std::ranges::equal(kShape, text, fits)) {
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("\"{}\" is not the id of a backup.", text)});
  }
  BackupId id;
  id.text_ = text;
  return id;
}

}  // namespace dbb
