#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.h"

namespace dbb {

// Names one backup and, the same way, one run: "20261120T201502Z-c3f9a41e7b20d855". Sorts by time.
class BackupId {
 public:
  BackupId() = default;
  BackupId(UtcTime when, uint64_t random_bits);
  // Throws Error kCorruptedBackup unless `text` has exactly that form.
  static BackupId parse(std::string_view text);

  const std::string& text() const { return text_; }
  // The random half, 16 hexadecimal digits: short and unique enough for names on the server.
  std::string_view random_part() const { return std::string_view(text_).substr(17); }

  auto operator<=>(const BackupId&) const = default;

 private:
  std::string text_;
};

}  // namespace dbb
