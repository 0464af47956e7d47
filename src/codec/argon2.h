#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "codec/hmac.h"

namespace dbb::codec {

using Salt = std::array<uint8_t, 16>;

// What one guess of a passphrase costs whoever makes it: that much memory, and about 0.1 s on one core with
// the defaults.
struct Argon2Cost {
  uint32_t memory_kib = 64 << 10;
  uint32_t passes = 3;

  bool operator==(const Argon2Cost&) const = default;
};

// What a reader computes, whatever a store asks it to: less would give the passphrase away, more would be an
// attack on the reader.
inline constexpr Argon2Cost kLeastArgon2Cost = {.memory_kib = 8 << 10, .passes = 1};
inline constexpr Argon2Cost kMostArgon2Cost = {.memory_kib = 1 << 20, .passes = 16};
bool is_allowed(const Argon2Cost& cost);

// Argon2id, version 1.3, one lane (RFC 9106). The cost is allowed. Holds cost.memory_kib while it runs;
// kStorageFailed when there is no such memory. Thread-safe.
Key argon2id(ByteView secret, const Salt& salt, const Argon2Cost& cost);

}  // namespace dbb::codec
