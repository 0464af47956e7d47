#include "repository/unlock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"

namespace dbb::repository {
namespace {

// "2 passphrases and 1 key file"
std::string kinds_of(const std::vector<StoredKeySlot>& slots) {
  size_t passphrases = 0;
  size_t key_files = 0;
  for (const StoredKeySlot& stored : slots) {
    if (stored.slot) ++(stored.slot->kind == KeyKind::kPassphrase ? passphrases : key_files);
  }
  const auto counted = [](size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  if (key_files == 0) return counted(passphrases, "passphrase");
  if (passphrases == 0) return counted(key_files, "key file");
  return counted(passphrases, "passphrase") + " and " + counted(key_files, "key file");
}

std::string problems_of(const std::vector<StoredKeySlot>& slots) {
  std::string out;
  for (const StoredKeySlot& stored : slots) {
    if (!stored.slot) out += fmt::format(" {}: {}", stored.object, stored.problem);
  }
  return out;
}

Error key_needed(const storage::ObjectStore& store, const std::vector<StoredKeySlot>& slots) {
  return Error(
      ErrorCode::kKeyNeeded,
      {.message = fmt::format("The repository in {} is encrypted, and no key was given.", store.describe()),
       .cause = fmt::format("It opens with {}.", kinds_of(slots)),
       .solution = {"Name the file that holds the passphrase: --passphrase-file FILE",
                    "Or the key file: --key-file FILE",
                    "Or run the command at a terminal, and type the passphrase when asked."}});
}

Error key_refused(const storage::ObjectStore& store, const std::vector<StoredKeySlot>& slots) {
  return Error(
      ErrorCode::kKeyRefused,
      {.message = fmt::format("No key of the repository in {} is the one that was given.", store.describe()),
       .cause = fmt::format("It opens with {}.{}", kinds_of(slots), problems_of(slots)),
       .solution = {"Give the right passphrase or key file. See which there are: dbbackup key list",
                    "A passphrase in a file ends with its first line."}});
}

Error downgraded(const storage::ObjectStore& store) {
  return Error(
      ErrorCode::kEncryptionDowngraded,
      {.message = fmt::format("The repository in {} is not encrypted, but a key was given for it.",
                              store.describe()),
       .cause = "Its `config` says encryption \"none\": whoever can read its files could read what is backed "
                "up into it.",
       .solution = {"Look at the path or name of the repository: is it the one you meant?",
                    "If it is, and was made without encryption, give no key for it: neither option, nor "
                    "DBBACKUP_PASSPHRASE_FILE, DBBACKUP_PASSPHRASE or DBBACKUP_KEY_FILE, nor the "
                    "configuration's keys.",
                    "Else find out who replaced it before you back up anything into it."}});
}

// Nobody could open any: then what is wrong with them is the news, not the key.
void refuse_broken_slots(const std::vector<StoredKeySlot>& slots) {
  if (slots.empty()) throw_damaged("keys/", "There is no key slot, and the repository is encrypted.");
  if (slots.size() > kMaxKeySlots) throw_damaged("keys/", "There are more than 64 key slots.");
  if (std::ranges::any_of(slots, [](const StoredKeySlot& stored) { return stored.slot.has_value(); })) return;
  if (slots.front().is_swapped) throw_swapped(slots.front().object, slots.front().problem);
  throw_damaged(slots.front().object, slots.front().problem);
}

struct Opened {
  codec::Key master;
  std::string slot;
};

std::optional<Opened> open_any(const std::vector<StoredKeySlot>& slots, const RepositoryId& repository,
                               std::span<const KeySource> given) {
  std::vector<const KeySlot*> cheapest_first;
  for (const StoredKeySlot& stored : slots) {
    if (stored.slot) cheapest_first.push_back(&*stored.slot);
  }
  // Key files cost nothing, and a dear slot that somebody put beside ours delays nobody who has a right one.
  std::ranges::stable_sort(cheapest_first, {}, [](const KeySlot* slot) {
    return slot->kind == KeyKind::kKeyFile ? uint64_t{0}
                                           : uint64_t{slot->cost.memory_kib} * slot->cost.passes;
  });
  for (const KeySlot* const slot : cheapest_first) {
    for (const KeySource& source : given) {
      if (const auto master = open_key_slot(*slot, repository, source)) return Opened{*master, slot->id};
    }
  }
  return std::nullopt;
}

void add_epochs(storage::ObjectStore& store, KeyRing& keys) {
  bool any = false;
  store.list("keys/", [&](const storage::ListedObject& object) {
    const uint32_t epoch = epoch_of_object(object.name);
    if (epoch == 0) return true;
    const std::optional<codec::Key> data_key = read_epoch(store, keys, epoch);
    if (!data_key) throw_damaged(object.name, "It was listed and is missing.");
    keys.add_epoch(epoch, *data_key);
    return any = true;
  });
  if (!any) throw_damaged(epoch_object(1), "It is missing, and no other epoch record is there.");
}

}  // namespace

std::optional<codec::Key> read_epoch(storage::ObjectStore& store, const KeyRing& keys, uint32_t epoch) {
  const std::optional<Bytes> text = store.get(epoch_object(epoch), kMaxJsonBytes);
  if (!text) return std::nullopt;
  return decode_epoch(keys, epoch, *text);
}

std::vector<StoredKeySlot> read_key_slots(storage::ObjectStore& store) {
  std::vector<StoredKeySlot> slots;
  store.list("keys/", [&](const storage::ListedObject& object) {
    if (id_of_key_slot(object.name).empty()) return true;
    StoredKeySlot stored = {.object = object.name, .text = {}};
    try {
      std::optional<Bytes> text = store.get(object.name, kMaxJsonBytes);
      if (!text) return true;  // removed since it was listed
      stored.text = std::move(*text);
      stored.slot = decode_key_slot(stored.text, stored.object);
      if (!stored.slot) stored.problem = "It is of a kind that this version does not know.";
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      stored.problem = error.cause();
      stored.is_swapped = error.code() == ErrorCode::kObjectSwapped;
    }
    slots.push_back(std::move(stored));
    return slots.size() <= kMaxKeySlots;
  });
  std::ranges::sort(slots, {}, &StoredKeySlot::object);
  return slots;
}

Unlocked unlock(storage::ObjectStore& store, ByteView text, std::span<const KeySource> given) {
  const ConfigHead head = decode_config_head(text, store.describe());
  Opened opened{.master = head.master_key, .slot = {}};
  if (head.encryption == EncryptionKind::kNone) {
    if (!given.empty()) throw downgraded(store);
  } else {
    const std::vector<StoredKeySlot> slots = read_key_slots(store);
    refuse_broken_slots(slots);
    if (given.empty()) throw key_needed(store, slots);
    std::optional<Opened> found = open_any(slots, head.repository_id, given);
    if (!found) throw key_refused(store, slots);
    opened = std::move(*found);
  }
  Config config = decode_config(text, opened.master, store.describe());
  KeyRing keys(opened.master, config.repository_id);
  codec::wipe(opened.master);
  add_epochs(store, keys);
  return {.config = std::move(config), .keys = std::move(keys), .slot = std::move(opened.slot)};
}

}  // namespace dbb::repository
