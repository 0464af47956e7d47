#pragma once

#include <string>
#include <string_view>

namespace dbb::repository {

// Error kCorruptedBackup that names the stored object and what is wrong with it.
[[noreturn]] void throw_damaged(std::string_view object, std::string problem);

}  // namespace dbb::repository
