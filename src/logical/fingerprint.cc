#include "logical/fingerprint.h"

#include <fmt/format.h>

#include "base/error.h"
#include "codec/xxh3.h"

namespace dbb::logical {
namespace {

void add_128(Fingerprint& to, uint64_t low, uint64_t high) {
  to.low += low;
  to.high += high + (to.low < low ? 1 : 0);
}

}  // namespace

uint64_t Fingerprint::add(ByteView row) {
  const codec::Hash128 hash = codec::xxh3_128(row);
  ++rows;
  add_128(*this, hash.low, hash.high);
  return hash.low;
}

Fingerprint& Fingerprint::operator+=(const Fingerprint& other) {
  rows += other.rows;
  add_128(*this, other.low, other.high);
  return *this;
}

std::string Fingerprint::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Fingerprint Fingerprint::parse(uint64_t rows, std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  if (bytes.size() != 16) {
    throw Error(ErrorCode::kCorruptedBackup, {.message = fmt::format("\"{}\" is not a fingerprint.", hex)});
  }
  Fingerprint out{.rows = rows};
  for (size_t i = 0; i < 8; ++i) {
    out.high = out.high << 8 | bytes[i];
    out.low = out.low << 8 | bytes[i + 8];
  }
  return out;
}

}  // namespace dbb::logical
