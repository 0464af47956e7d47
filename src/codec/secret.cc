#include "codec/secret.h"

#include <sodium.h>

namespace dbb::codec {

void wipe(std::span<uint8_t> bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace dbb::codec
