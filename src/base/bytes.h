#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbb {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes);
// Throws Error kCorruptedBackup unless `hex` is an even run of [0-9a-f].
Bytes from_hex(std::string_view hex);

// Appends little-endian fields to a growing buffer. Every stored structure is written through this.
class ByteWriter {
 public:
  void u8(uint8_t value) { out_.push_back(value); }
  void u16(uint16_t value) { fixed(value, 2); }
  void u32(uint32_t value) { fixed(value, 4); }
  void u64(uint64_t value) { fixed(value, 8); }
  void varint(uint64_t value);  // LEB128, at most 10 bytes
  void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void sized(ByteView bytes) {  // varint length, then the bytes
    varint(bytes.size());
    raw(bytes);
  }
  void sized(std::string_view text) { sized(as_bytes(text)); }

  const Bytes& bytes() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  void fixed(uint64_t value, int width);
  Bytes out_;
};

// Reads what ByteWriter wrote. Never reads past the end, never allocates more than what is left to read;
// any violation throws Error kCorruptedBackup that names `what` and the offset.
class ByteReader {
 public:
  ByteReader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  uint8_t u8() { return static_cast<uint8_t>(fixed(1)); }
  uint16_t u16() { return static_cast<uint16_t>(fixed(2)); }
  uint32_t u32() { return static_cast<uint32_t>(fixed(4)); }
  uint64_t u64() { return fixed(8); }
  uint64_t varint();
  ByteView raw(uint64_t count);  // a view into the input
  ByteView sized() { return raw(varint()); }
  std::string sized_text() { return std::string(as_text(sized())); }

  bool at_end() const { return offset_ == bytes_.size(); }
  uint64_t remaining() const { return bytes_.size() - offset_; }
  uint64_t offset() const { return offset_; }
  void expect_end() const;
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  uint64_t fixed(int width);
  ByteView bytes_;
  std::string what_;
  uint64_t offset_ = 0;
};

}  // namespace dbb
