#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace dbb::codec {

// Overwrites, also where a compiler sees that nobody reads it again.
void wipe(std::span<uint8_t> bytes);

// A passphrase or the bytes of a key file: wiped when it is not needed any more, moved, never copied by
// accident.
class Secret {
 public:
  Secret() = default;
  explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  explicit Secret(std::string_view text) : Secret(as_bytes(text)) {}
  // Takes them over: no second copy stays behind.
  explicit Secret(Bytes&& bytes) : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  Secret clone() const { return Secret(ByteView(bytes_)); }
  ByteView bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Secret& other) const { return bytes_ == other.bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace dbb::codec
