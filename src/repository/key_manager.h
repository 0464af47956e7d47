#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "codec/hmac.h"
#include "repository/encryption.h"
#include "storage/object_store.h"
#include "system/clock.h"

namespace dbb::repository {

class KeyRing;
class RepositoryCore;

enum class KeyTrust : uint8_t {
  kUnknown,  // only a key of the repository can tell
  kGenuine,  // made by somebody who had the master key
  kForeign,  // not made by somebody who had it, or changed since
};

// One key slot, for people.
struct ListedKey {
  std::string object;  // "keys/slot-<id>"
  std::string id;      // 16 hexadecimal digits
  UtcTime created;
  std::string label;
  std::string kind;  // "passphrase", "keyfile"; empty when it cannot be read
  KeyTrust trust = KeyTrust::kUnknown;
  bool in_use = false;       // it is the one this repository was opened with
  std::string problem = {};  // why it cannot be used, if so
};

// Needs no key. kKeyNeeded is never thrown; nothing of it is authentic.
std::vector<ListedKey> list_keys(storage::ObjectStore& store);

// Makes and stores a slot; returns its id. For this layer.
std::string put_key_slot(storage::ObjectStore& store, const NewKey& key, const codec::Key& master,
                         const KeyRing& keys, UtcTime now);

// Changes the keys of an open repository. Every change is a new object first and a removal after it, so that
// a process that dies in between leaves a key too many, never one too few. Confined to one thread.
class KeyManager {
 public:
  explicit KeyManager(std::shared_ptr<RepositoryCore> core);

  std::vector<ListedKey> list();
  // kUsage in a repository that is not encrypted, or has 64 already. The id of the new one.
  std::string add(const NewKey& key, system::Clock& clock);
  // What `text` means: an id or a unique beginning of one. kUsage when it means none or several.
  ListedKey find(std::string_view text);
  // kKeyIsLast when nobody could open the repository any more without it. Foreign slots may always go.
  void refuse_last(const ListedKey& key);
  // The same, and removes it.
  void remove(const ListedKey& key);
  // The one in use is replaced. The id of the new one.
  std::string change(const NewKey& key, system::Clock& clock);
  // Begins a new epoch and returns its number: whoever opens the repository from now on seals what is new
  // with its data key.
  uint32_t rotate(system::Clock& clock);

 private:
  void refuse_without_encryption() const;
  void refuse_known(const NewKey& key) const;
  // Genuine slots besides that one.
  size_t others(std::string_view id);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
};

// What is wrong with keys/: slots that nobody with the key wrote, or that cannot be read. Object and problem.
std::vector<std::pair<std::string, std::string>> key_problems(RepositoryCore& core);

}  // namespace dbb::repository
