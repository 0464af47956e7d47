#include "base/bytes.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb {

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Bytes from_hex(std::string_view hex) {
  const auto digit = [&](char c) -> uint8_t {
    if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("\"{}\" is not a hexadecimal number.", hex)});
  };
  if (hex.size() % 2 != 0) digit('?');
  Bytes out;
  out.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return out;
}

void ByteWriter::fixed(uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void ByteWriter::varint(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<uint8_t>(value));
}

uint64_t ByteReader::fixed(int width) {
  const ByteView field = raw(static_cast<uint64_t>(width));
  uint64_t value = 0;
  for (int i = 0; i < width; ++i) value |= static_cast<uint64_t>(field[static_cast<size_t>(i)]) << (8 * i);
  return value;
}

uint64_t ByteReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = u8();
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail("a number does not fit in 64 bits");
}

ByteView ByteReader::raw(uint64_t count) {
  if (count > remaining()) fail(fmt::format("{} bytes are wanted, {} are left", count, remaining()));
  const ByteView view = bytes_.subspan(offset_, count);
  offset_ += count;
  return view;
}

void ByteReader::expect_end() const {
  if (!at_end()) fail(fmt::format("{} bytes follow the end", remaining()));
}

void ByteReader::fail(std::string_view reason) const {
  throw Error(ErrorCode::kCorruptedBackup,
              {.message = fmt::format("{} cannot be read.", what_),
               .cause = fmt::format("At byte {}: {}.", offset_, reason),
               .solution = {"Run `dbbackup check` to learn which backups are affected.",
                            "Restore another backup, or copy the repository again from where it is whole."}});
}

}  // namespace dbb
