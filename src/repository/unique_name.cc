#include "repository/unique_name.h"

#include <chrono>

#include "codec/hmac.h"
#include "system/machine.h"
#include "system/random.h"

namespace dbb::repository {

PackId unique_name(const KeyRing& keys, ByteView what_it_names) {
  ByteWriter who;
  who.sized(system::process_identity());
  who.u64(static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  who.u64(static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
  return PackId::from(
      codec::Hmac(keys.name()).add(system::random_bytes(16)).add(who.bytes()).add(what_it_names).finish());
}

}  // namespace dbb::repository
