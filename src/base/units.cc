#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/error.h"

namespace dbb {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void throw_no_time(std::string_view text) {
  throw Error(ErrorCode::kUsage, {.message = fmt::format("\"{}\" is not a time.", text),
                                  .solution = {"Write it in UTC like 2026-11-20T20:15:02Z."}});
}

std::tm broken_down(int64_t microseconds) {
  // Floor, so that times before 1970 do not round towards it.
  const int64_t whole = microseconds / 1'000'000 - (microseconds % 1'000'000 < 0 ? 1 : 0);
  const auto seconds = static_cast<std::time_t>(whole);
  std::tm out{};
  gmtime_r(&seconds, &out);
  return out;
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  if (duration < seconds(1)) return fmt::format("{} ms", duration_cast<milliseconds>(duration).count());
  if (duration < seconds(60)) return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
  const auto total = duration_cast<seconds>(duration).count();
  if (total < 3600) return fmt::format("{}m {:02}s", total / 60, total % 60);
  return fmt::format("{}h {:02}m", total / 3600, total / 60 % 60);
}

std::string format_count(uint64_t count) {
  std::string digits = std::to_string(count);
  for (auto i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

UtcTime UtcTime::parse(std::string_view text) {
  static constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size()) throw_no_time(text);
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !is_digit(text[i]) : text[i] != kForm[i]) throw_no_time(text);
  }
  const auto number = [&](size_t at, size_t digits) {
    int value = 0;
    for (const char digit : text.substr(at, digits)) value = value * 10 + (digit - '0');
    return value;
  };
  std::tm fields{};
  fields.tm_year = number(0, 4) - 1900;
  fields.tm_mon = number(5, 2) - 1;
  fields.tm_mday = number(8, 2);
  fields.tm_hour = number(11, 2);
  fields.tm_min = number(14, 2);
  fields.tm_sec = number(17, 2);
  std::string_view rest = text.substr(kForm.size());
  int64_t fraction = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    for (int64_t scale = 100'000; !rest.empty() && is_digit(rest[0]); scale /= 10) {
      fraction += scale * (rest[0] - '0');
      rest.remove_prefix(1);
    }
  }
  if (rest != "Z") throw_no_time(text);
  // timegm makes the 31st of February a day in March; what it changed was not a date.
  std::tm normal = fields;
  const int64_t seconds = timegm(&normal);
  const bool is_date = normal.tm_mon == fields.tm_mon && normal.tm_mday == fields.tm_mday &&
                       normal.tm_hour == fields.tm_hour && normal.tm_min == fields.tm_min &&
                       normal.tm_sec == fields.tm_sec;
  if (!is_date) throw_no_time(text);
  return UtcTime(seconds * 1'000'000 + fraction);
}

std::string UtcTime::iso() const {
  const std::tm t = broken_down(microseconds_);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                     t.tm_hour, t.tm_min, t.tm_sec);
}

std::string UtcTime::compact() const {
  const std::tm t = broken_down(microseconds_);
  return fmt::format("{}T{:02}{:02}{:02}Z", day(), t.tm_hour, t.tm_min, t.tm_sec);
}

std::string UtcTime::day() const {
  const std::tm t = broken_down(microseconds_);
  return fmt::format("{:04}{:02}{:02}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
}

}  // namespace dbb
