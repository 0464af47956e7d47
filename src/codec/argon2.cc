#include "codec/argon2.h"

#include <fmt/format.h>
#include <sodium.h>

#include "base/check.h"
#include "base/error.h"

namespace dbb::codec {

static_assert(sizeof(Salt) == crypto_pwhash_SALTBYTES);

bool is_allowed(const Argon2Cost& cost) {
  return cost.memory_kib >= kLeastArgon2Cost.memory_kib && cost.memory_kib <= kMostArgon2Cost.memory_kib &&
         cost.passes >= kLeastArgon2Cost.passes && cost.passes <= kMostArgon2Cost.passes;
}

Key argon2id(ByteView secret, const Salt& salt, const Argon2Cost& cost) {
  DBB_CHECK(is_allowed(cost), "what a store asks for is looked at before it is computed");
  DBB_CHECK(sodium_init() >= 0, "libsodium only needs the kernel's random numbers to begin");
  Key key;
  const char* const data = secret.empty() ? "" : reinterpret_cast<const char*>(secret.data());
  const int done = crypto_pwhash(key.data(), key.size(), data, secret.size(), salt.data(), cost.passes,
                                 size_t{cost.memory_kib} << 10, crypto_pwhash_ALG_ARGON2ID13);
  if (done != 0) {
    throw Error(ErrorCode::kStorageFailed,
                {.message = fmt::format("There are no {} MiB of memory to make a key out of a passphrase.",
                                        cost.memory_kib >> 10),
                 .cause = "libsodium could not compute Argon2id.",
                 .solution = {"See what memory there is: free -m; ulimit -v",
                              "Or use a key file: dbbackup key add --new-key-file FILE, on another host."}});
  }
  return key;
}

}  // namespace dbb::codec
