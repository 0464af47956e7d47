#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace dbb::repository {

// Whether an error says that stored bytes are not those that were written: kCorruptedBackup or
// kObjectSwapped.
bool is_damage(const Error& error);

// Error kCorruptedBackup that names the stored object and what is wrong with it.
[[noreturn]] void throw_damaged(std::string_view object, std::string problem);
// Error kObjectSwapped: what is there was written for another place.
[[noreturn]] void throw_swapped(std::string_view object, std::string problem);

}  // namespace dbb::repository
