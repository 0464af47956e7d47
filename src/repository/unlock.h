#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "repository/config.h"
#include "repository/encryption.h"
#include "repository/key_ring.h"
#include "repository/key_slot.h"
#include "storage/object_store.h"

// From the stored objects and what somebody was given, to the keys of a repository.
namespace dbb::repository {

struct Unlocked {
  Config config;
  KeyRing keys;           // with every epoch there is
  std::string slot = {};  // id of the key slot that was opened; empty without encryption
};

// `config` is the text of the object. Costs one guess (codec/argon2.h) a passphrase and slot that is tried.
//
// kKeyNeeded: it is encrypted, and nothing was given. kKeyRefused: nothing that was given opens a slot.
// kEncryptionDowngraded: something was given, and it is not encrypted. kCorruptedBackup, kObjectSwapped: of
// `config`, of an epoch record, or of the only slots there are. kNotARepository, kRepositoryTooNew.
Unlocked unlock(storage::ObjectStore& store, ByteView config, std::span<const KeySource> given);

// The data key of an epoch; empty when there is no such record. Errors of decode_epoch().
std::optional<codec::Key> read_epoch(storage::ObjectStore& store, const KeyRing& keys, uint32_t epoch);

// A key slot as it lies in the store.
struct StoredKeySlot {
  std::string object;
  Bytes text;
  std::optional<KeySlot> slot = {};  // empty: see problem
  std::string problem = {};
  bool is_swapped = false;  // it was written for another place
};
// All of them, by name. One that cannot be read says so; never more than kMaxKeySlots + 1.
std::vector<StoredKeySlot> read_key_slots(storage::ObjectStore& store);

}  // namespace dbb::repository
