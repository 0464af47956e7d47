#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dbb::cli {

enum class Tone { kPlain, kStrong, kGood, kWarning, kBad, kFaint };

// Colours, or none: decided once, by what the output goes to.
class Style {
 public:
  Style() = default;
  explicit Style(bool colours) : colours_(colours) {}
  std::string paint(Tone tone, std::string_view text) const;

 private:
  bool colours_ = false;
};

// Names come from servers and files: control characters in them are shown as \x1b instead of reaching the
// terminal. Newlines are kept where `text` may have several lines.
std::string printable(std::string_view text);
std::string printable_line(std::string_view text);

// Columns a text takes on a terminal: one a code point. Wide characters count short, which only misaligns a
// line.
size_t display_width(std::string_view text);

// "1 backup", "2 backups", "1,234 backups"
std::string counted(uint64_t count, std::string_view noun);

// Puts `indent` before every line but the first.
std::string indent_rest(std::string_view text, std::string_view indent);

}  // namespace dbb::cli
