#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace dbb::codec {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const Hash128&) const = default;
  std::string hex() const;  // 32 digits
};

// XXH3, 128 bits, seed 0. Not keyed: whoever chooses the bytes can choose the hash.
Hash128 xxh3_128(ByteView bytes);

}  // namespace dbb::codec
