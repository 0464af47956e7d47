#include "base/shell_word.h"

#include <algorithm>

namespace dbb {

std::string shell_word(std::string_view text) {
  static constexpr std::string_view kPlain = "_-./:@%+,";
  const bool is_plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80 ||
           kPlain.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace dbb
