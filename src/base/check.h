#pragma once

#include <source_location>

namespace dbb {

// Ends the process with the place and the reason. For bugs only: a state this
// program promised itself can never be. Whatever the world can do to us is an Error.
[[noreturn]] void check_failed(const char* condition, const char* why, std::source_location where);

}  // namespace dbb

// Always compiled in. `why` says why the condition must hold, not that it failed.
#define DBB_CHECK(condition, why)                                              \
  do {                                                                         \
    if (!(condition)) [[unlikely]]                                             \
      ::dbb::check_failed(#condition, (why), std::source_location::current()); \
  } while (false)
