#include "codec/openssl_error.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/error.h"

namespace dbb::codec {

void throw_openssl(std::string_view action) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  throw Error(ErrorCode::kInternal, {.message = fmt::format("OpenSSL could not {}.", action), .cause = text});
}

}  // namespace dbb::codec
