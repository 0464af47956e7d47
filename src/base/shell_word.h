#pragma once

#include <string>
#include <string_view>

namespace dbb {

// A word of a command that a person copies into a shell: quoted where it needs to be.
std::string shell_word(std::string_view text);

}  // namespace dbb
