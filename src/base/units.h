#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace dbb {

// "1.5 GB": powers of 1000, three significant digits, as disks and clouds count.
std::string format_bytes(uint64_t bytes);
// "3m 07s", "412 ms", "1h 02m"
std::string format_duration(std::chrono::nanoseconds duration);
// 1234567 -> "1,234,567"
std::string format_count(uint64_t count);

// A moment in UTC with microseconds, as it is stored and shown; never a duration's source.
class UtcTime {
 public:
  UtcTime() = default;
  explicit UtcTime(int64_t microseconds_since_epoch) : microseconds_(microseconds_since_epoch) {}
  // Accepts "2026-11-20T20:15:02Z" (fraction optional); throws Error kUsage otherwise.
  static UtcTime parse(std::string_view text);

  int64_t microseconds() const { return microseconds_; }
  std::string iso() const;      // 2026-11-20T20:15:02Z
  std::string compact() const;  // 20261120T201502Z, sorts by time
  std::string day() const;      // 20261120

  auto operator<=>(const UtcTime&) const = default;

 private:
  int64_t microseconds_ = 0;
};

}  // namespace dbb
