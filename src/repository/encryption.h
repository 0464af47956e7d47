#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/secret.h"

namespace dbb::repository {

enum class EncryptionKind : uint8_t {
  kNone,   // the same sealing with keys that lie open in `config`: everything is checked, nothing is secret
  kSlots,  // the master key lies in key slots, each sealed with a passphrase or a key file
};

enum class KeyKind : uint8_t { kPassphrase, kKeyFile };
std::string_view name_of(KeyKind kind);  // "passphrase", "keyfile", as stored and typed

inline constexpr size_t kLeastKeyFileBytes = 32;
inline constexpr size_t kMostKeyFileBytes = 64 << 10;

// What somebody was given to open a repository with. Whoever makes one has read or asked for it; nothing in
// this layer does.
struct KeySource {
  KeyKind kind = KeyKind::kPassphrase;
  codec::Secret secret;  // the passphrase without a line end; all bytes of the key file
};

// A key slot to be made.
struct NewKey {
  KeySource source;
  std::string label = {};  // for people
};

}  // namespace dbb::repository
