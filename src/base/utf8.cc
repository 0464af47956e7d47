#include "base/utf8.h"

#include <cstdint>

namespace dbb {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes in the sequence that `lead` begins; 0 when none begins with it.
size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

}  // namespace

std::string_view utf8_prefix(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t length = sequence_length(lead);
    if (length == 0 || length > text.size()) return false;
    for (size_t i = 1; i < length; ++i) {
      if (!is_continuation(text[i])) return false;
    }
    if (length > 2) {
      const auto second = static_cast<unsigned char>(text[1]);
      const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
      const bool surrogate = lead == 0xED && second > 0x9F;
      const bool beyond = lead == 0xF4 && second > 0x8F;
      if (overlong || surrogate || beyond) return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace dbb
