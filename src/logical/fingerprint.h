#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace dbb::logical {

// What identifies a table's rows whatever their order: their number, and the sum modulo 2^128 of the XXH3-128
// of each row's canonical text (a line of COPY, with its newline). A sum, because XOR would let two equal
// rows cancel.
struct Fingerprint {
  uint64_t rows = 0;
  uint64_t low = 0;  // of the sum
  uint64_t high = 0;

  // Adds one row and returns the low half of its hash, which also decides where chunks are cut.
  uint64_t add(ByteView row);
  Fingerprint& operator+=(const Fingerprint& other);
  bool operator==(const Fingerprint&) const = default;

  std::string hex() const;  // of the sum, 32 digits
  // Throws Error kCorruptedBackup when `hex` is not one.
  static Fingerprint parse(uint64_t rows, std::string_view hex);
};

}  // namespace dbb::logical
