#pragma once

#include <cstddef>
#include <string_view>

namespace dbb {

// The longest prefix of `text` of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view utf8_prefix(std::string_view text, size_t limit);

// Shortest forms only, no surrogates, nothing above U+10FFFF (RFC 3629).
bool is_valid_utf8(std::string_view text);

}  // namespace dbb
