#pragma once

#include <string_view>

namespace dbb::codec {

// Error kInternal with OpenSSL's own words. For calls that fail only when memory or the library does.
[[noreturn]] void throw_openssl(std::string_view action);

inline void require_openssl(bool succeeded, std::string_view action) {
  if (!succeeded) [[unlikely]]
    throw_openssl(action);
}

}  // namespace dbb::codec
