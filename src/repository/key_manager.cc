#include "repository/key_manager.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/config.h"
#include "repository/core.h"
#include "repository/damage.h"
#include "repository/key_slot.h"
#include "repository/unlock.h"
#include "system/random.h"

namespace dbb::repository {
namespace {

ListedKey listed(const StoredKeySlot& stored) {
  ListedKey key{.object = stored.object,
                .id = id_of_key_slot(stored.object),
                .created = {},
                .label = {},
                .kind = {},
                .problem = stored.problem};
  if (stored.slot) {
    key.created = stored.slot->created;
    key.label = stored.slot->label;
    key.kind = name_of(stored.slot->kind);
  }
  return key;
}

bool can_be_opened(const ListedKey& key) { return key.trust == KeyTrust::kGenuine && !key.kind.empty(); }

// Different for two processes even if they draw the same random bytes at the same time: what it seals is in
// it.
std::string new_slot_id(const KeyRing& keys, const NewKey& key, UtcTime now) {
  const codec::Digest drawn = codec::Hmac(keys.name())
                                  .add(system::random_bytes(16))
                                  .add(key.source.secret.bytes())
                                  .add(as_bytes(key.label + now.iso()))
                                  .finish();
  return to_hex(ByteView(drawn).first(8));
}

Error key_is_last(const ListedKey& key) {
  return Error(
      ErrorCode::kKeyIsLast,
      {.message = fmt::format("The key {} is the last one of the repository.", key.id),
       .cause = "Without it, nobody could ever read a backup in it.",
       .solution = {"Add another one before: dbbackup key add", "Or replace it: dbbackup key change"}});
}

codec::Salt new_salt() {
  const Bytes random = system::random_bytes(sizeof(codec::Salt));
  codec::Salt salt;
  std::ranges::copy(random, salt.begin());
  return salt;
}

}  // namespace

std::vector<ListedKey> list_keys(storage::ObjectStore& store) {
  std::vector<ListedKey> keys;
  for (const StoredKeySlot& stored : read_key_slots(store)) keys.push_back(listed(stored));
  return keys;
}

std::string put_key_slot(storage::ObjectStore& store, const NewKey& key, const codec::Key& master,
                         const KeyRing& keys, UtcTime now) {
  const NewKeySlot slot = {
      .id = new_slot_id(keys, key, now), .created = now, .label = key.label, .salt = new_salt(), .cost = {}};
  const std::string text = encode_key_slot(slot, key.source, master, keys);
  if (store.put(key_slot_object(slot.id), as_bytes(text)) == storage::PutResult::kNameTaken) {
    throw Error(ErrorCode::kStorageFailed,
                {.message = fmt::format("There is a key {} already.", slot.id),
                 .solution = {"Run the command again: it will choose another name."}});
  }
  return slot.id;
}

KeyManager::KeyManager(std::shared_ptr<RepositoryCore> core) : core_(std::move(core)) {}

std::vector<ListedKey> KeyManager::list() {
  std::vector<ListedKey> keys;
  for (const StoredKeySlot& stored : read_key_slots(core_->store())) {
    ListedKey key = listed(stored);
    key.trust = is_authentic_key_slot(stored.text, core_->keys()) ? KeyTrust::kGenuine : KeyTrust::kForeign;
    key.in_use = key.id == core_->opened_slot();
    keys.push_back(std::move(key));
  }
  return keys;
}

void KeyManager::refuse_without_encryption() const {
  if (core_->config().encryption != EncryptionKind::kNone) return;
  throw Error(ErrorCode::kUsage,
              {.message = fmt::format("The repository in {} is not encrypted: it has no keys.",
                                      core_->store().describe()),
               .solution = {"Make an encrypted one in another place: dbbackup init --encryption passphrase "
                            "--repository PATH",
                            "What lies in this one stays readable for whoever can read its files."}});
}

// A second slot for the same secret would stay valid when the first is removed or changed.
void KeyManager::refuse_known(const NewKey& key) const {
  const std::optional<Bytes> config = core_->store().get(kConfigObject, kMaxJsonBytes);
  if (!config) return;
  std::vector<KeySource> given;
  given.push_back({.kind = key.source.kind, .secret = key.source.secret.clone()});
  std::string slot;
  try {
    slot = unlock(core_->store(), *config, given).slot;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kKeyRefused) return;
    throw;
  }
  throw Error(ErrorCode::kUsage,
              {.message = fmt::format("That key opens the repository already: it is the key {}.", slot),
               .solution = {
                   "Give another one.",
                   "If an earlier change was broken off, remove the old key: dbbackup key list; dbbackup key "
                   "remove ID --confirm"}});
}

std::string KeyManager::add(const NewKey& key, system::Clock& clock) {
  refuse_without_encryption();
  if (read_key_slots(core_->store()).size() >= kMaxKeySlots) {
    throw Error(ErrorCode::kUsage, {.message = "The repository has 64 keys already, as many as it may have.",
                                    .solution = {"Remove one that nobody needs: dbbackup key list; dbbackup "
                                                 "key remove ID --confirm"}});
  }
  refuse_known(key);
  return put_key_slot(core_->store(), key, core_->config().master_key, core_->keys(), clock.now());
}

ListedKey KeyManager::find(std::string_view text) {
  refuse_without_encryption();
  std::vector<ListedKey> candidates;
  for (ListedKey& key : list()) {
    if (!text.empty() && key.id.starts_with(text)) candidates.push_back(std::move(key));
  }
  if (candidates.size() == 1) return candidates.front();
  throw Error(ErrorCode::kUsage,
              {.message = candidates.empty()
                              ? fmt::format("No key's id begins with \"{}\".", text)
                              : fmt::format("{} keys' ids begin with \"{}\".", candidates.size(), text),
               .solution = {"See the ids: dbbackup key list"}});
}

size_t KeyManager::others(std::string_view id) {
  const std::vector<ListedKey> keys = list();
  return static_cast<size_t>(
      std::ranges::count_if(keys, [&](const ListedKey& key) { return key.id != id && can_be_opened(key); }));
}

void KeyManager::refuse_last(const ListedKey& key) {
  if (can_be_opened(key) && others(key.id) == 0) throw key_is_last(key);
}

void KeyManager::remove(const ListedKey& key) {
  refuse_last(key);
  const std::optional<Bytes> text = core_->store().get(key.object, kMaxJsonBytes);
  core_->store().remove(key.object);
  // Somebody may have removed the other one at the same moment. Then both are put back.
  if (!text || !can_be_opened(key) || others(key.id) > 0) return;
  core_->store().put(key.object, *text);
  throw key_is_last(key);
}

std::string KeyManager::change(const NewKey& key, system::Clock& clock) {
  refuse_without_encryption();
  const ListedKey old = find(core_->opened_slot());
  const std::string id = add(key, clock);
  remove(old);
  return id;
}

uint32_t KeyManager::rotate(system::Clock& clock) {
  refuse_without_encryption();
  uint32_t epoch = core_->keys().newest_epoch();
  while (core_->keys().has_epoch(epoch + 1)) ++epoch;  // another process may have begun some
  ++epoch;
  const codec::Key data_key = make_data_key(core_->config().master_key, core_->keys().repository(), epoch);
  const std::string record = encode_epoch(core_->keys(), epoch, data_key, clock.now());
  // Taken: another process begins the same one right now, with the same key.
  core_->store().put(epoch_object(epoch), as_bytes(record));
  return epoch;
}

std::vector<std::pair<std::string, std::string>> key_problems(RepositoryCore& core) {
  const bool encrypted = core.config().encryption != EncryptionKind::kNone;
  std::vector<std::pair<std::string, std::string>> problems;
  for (const StoredKeySlot& stored : read_key_slots(core.store())) {
    if (!stored.problem.empty()) {
      problems.emplace_back(stored.object, stored.problem);
    } else if (!encrypted) {
      problems.emplace_back(stored.object, "A key slot has no place in a repository that is not encrypted.");
    } else if (!is_authentic_key_slot(stored.text, core.keys())) {
      problems.emplace_back(stored.object, "Nobody who had the key of the repository wrote it (MAC).");
    }
  }
  return problems;
}

}  // namespace dbb::repository
