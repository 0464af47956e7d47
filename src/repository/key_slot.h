#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "codec/argon2.h"
#include "repository/encryption.h"
#include "repository/key_ring.h"

// The master key, sealed with one passphrase or key file (docs/format/repository.md, "Key slot").
namespace dbb::repository {

inline constexpr size_t kMaxKeySlots = 64;

// A slot as it was read: well-formed, and nothing more is known of it until it is opened.
struct KeySlot {
  std::string id;  // 16 hexadecimal digits
  UtcTime created;
  std::string label;
  KeyKind kind = KeyKind::kPassphrase;
  codec::Argon2Cost cost;  // of a passphrase
  codec::Salt salt{};
  Bytes sealed;           // nonce, ciphertext, tag
  codec::Digest bound{};  // over what the seal binds besides: id, kind, parameters, label, time
};

std::string key_slot_object(std::string_view id);
// Empty when `object` is not the name of a key slot.
std::string id_of_key_slot(std::string_view object);

struct NewKeySlot {
  std::string id;
  UtcTime created;
  std::string label;
  codec::Salt salt{};
  codec::Argon2Cost cost;
};
// Wraps `master`, whose keys are `keys`. Takes as long as one guess of a passphrase (codec/argon2.h).
std::string encode_key_slot(const NewKeySlot& slot, const KeySource& source, const codec::Key& master,
                            const KeyRing& keys);
// Empty: a kind of slot that this version does not know. kCorruptedBackup; kObjectSwapped when it is a slot
// of another name. Also refused: a cost below or above what the format allows.
std::optional<KeySlot> decode_key_slot(ByteView text, std::string_view object);

// The master key; empty when the source is of another kind or another secret, or any bit of
// the slot or the repository is another.
std::optional<codec::Key> open_key_slot(const KeySlot& slot, const RepositoryId& repository,
                                        const KeySource& source);
// Whether somebody wrote this text who had the master key.
bool is_authentic_key_slot(ByteView text, const KeyRing& keys);

}  // namespace dbb::repository
