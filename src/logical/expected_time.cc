#include "logical/expected_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace dbb::logical {

ExpectedTime expect_time(const std::vector<DatabaseSizes>& databases, Concurrency concurrency) {
  int busy = std::max(concurrency.databases, 1) * std::max(concurrency.workers, 1);
  if (concurrency.processors > 0) busy = std::min(busy, concurrency.processors);
  ExpectedTime expected{.seconds = WorkEstimate(databases, concurrency).left_seconds() * kProcessorsOfRates /
                                   static_cast<double>(busy)};
  double bytes = 0;
  bool is_proven = false;
  for (const DatabaseSizes& sizes : databases) {
    bytes += static_cast<double>(sizes.row_bytes);
    is_proven |= sizes.is_restored && sizes.is_proven;
  }
  if (expected.seconds > 0) expected.bytes_per_second = bytes / expected.seconds;
  const auto rate = [&](double of_two) {
    return format_bytes(static_cast<uint64_t>(of_two * busy / kProcessorsOfRates));
  };
  expected.assumption = fmt::format(
      "assuming at most {}/s of rows{} with {} busy worker{}, and beside them what indexes have to sort; "
      "slower "
      "disks take longer",
      rate(kRowBytesPerSecond),
      is_proven ? fmt::format(" and {}/s of proof", rate(kProvenBytesPerSecond)) : "", busy,
      busy == 1 ? "" : "s");
  return expected;
}

std::string describe(const ExpectedTime& expected) {
  const auto seconds = static_cast<int64_t>(std::max(expected.seconds, 1.0));
  const std::string time = seconds < 90     ? fmt::format("{} s", seconds)
                           : seconds < 5400 ? fmt::format("{} min", (seconds + 30) / 60)
                                            : fmt::format("{:.1f} h", static_cast<double>(seconds) / 3600);
  return fmt::format(
      "about {}{} ({})", time,
      expected.bytes_per_second < 1
          ? ""
          : fmt::format(", at {}/s", format_bytes(static_cast<uint64_t>(expected.bytes_per_second))),
      expected.assumption);
}

}  // namespace dbb::logical
