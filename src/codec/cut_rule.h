#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "codec/hmac.h"

namespace dbb::codec {

struct CutLimits {
  size_t min_bytes = 2048;
  size_t mean_bytes = 4096;
  size_t max_bytes = 16384;
};

// Says after which units a chunk ends, by their hashes alone, so that equal runs of units are cut equally
// wherever they stand. Keyed, because where the cuts lie tells what the data is (eprint 2025/532).
class CutRule {
 public:
  CutRule(const Key& key, const CutLimits& limits)
      : limits_(limits),
        k0_(little_endian(key.data())),
        k1_(little_endian(key.data() + 8) | 1),
        threshold_per_byte_(std::numeric_limits<uint64_t>::max() / (limits.mean_bytes - limits.min_bytes)) {}

  const CutLimits& limits() const { return limits_; }

  // `chunk_bytes` includes the unit. A cut is as likely as the unit is long, so that the mean does not
  // depend on the length of rows.
  bool cuts_after(uint64_t unit_hash, size_t unit_bytes, size_t chunk_bytes) const {
    if (chunk_bytes < limits_.min_bytes) return false;
    const Wide threshold = static_cast<Wide>(threshold_per_byte_) * unit_bytes;
    return threshold >> 64 != 0 || mix(unit_hash) < static_cast<uint64_t>(threshold);
  }

  uint64_t mix(uint64_t hash) const {
    const Wide product = static_cast<Wide>(hash ^ k0_) * k1_;
    return static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  static uint64_t little_endian(const uint8_t* bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
    return value;
  }

  CutLimits limits_;
  uint64_t k0_;
  uint64_t k1_;
  uint64_t threshold_per_byte_;
};

}  // namespace dbb::codec
