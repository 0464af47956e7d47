#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace dbb::storage {

// What a store can do, asked for instead of its kind.
struct StoreFeatures {
  bool conditional_put = false;  // put() of a taken name is refused by the store itself, whoever races
};

enum class PutResult : uint8_t {
  kStored,
  kNameTaken,  // an object of that name was there; it was not changed
};

// What list() reports of one object.
struct ListedObject {
  std::string name;
  uint64_t size_bytes = 0;
};

// Holds named, immutable objects. Names are relative, '/'-separated runs of [A-Za-z0-9._-], no part
// begins with a dot: "packs/1a/1a2b...". Thread-safe. Every call may block on disk or network.
//
// "No such object" is an answer, not an error. Errors: kDiskFull, kRepositoryReadOnly (writes),
// kPermissionDenied (reads), kStorageFailed. After an error of put() no object of that name
// exists, unless the error says that its reply was lost.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual StoreFeatures features() const = 0;
  // For messages: "directory /srv/backups".
  virtual std::string describe() const = 0;

  // Stores the pieces, one after the other, as one object that survives power loss once this returns.
  virtual PutResult put(std::string_view name, std::span<const ByteView> pieces) = 0;
  PutResult put(std::string_view name, ByteView bytes) {
    return put(name, std::span<const ByteView>(&bytes, 1));
  }

  // kCorruptedBackup when the object is larger than `limit`: the store must not decide what we allocate.
  virtual std::optional<Bytes> get(std::string_view name, uint64_t limit) = 0;
  // Fills `into` from `offset` on, as far as the object reaches; returns how much that was.
  virtual std::optional<size_t> get_range(std::string_view name, uint64_t offset,
                                          std::span<uint8_t> into) = 0;
  virtual std::optional<uint64_t> size(std::string_view name) = 0;

  // Visits the objects whose names begin with `prefix` (which ends in '/', or is empty for all), in no
  // order, until `visit` returns false. Objects put or removed meanwhile may be missed or seen.
  virtual void list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) = 0;
  // Visits every name directly below `prefix` that an object could have, also one that cannot be read: where
  // objects are files, a folder, or a link that leads nowhere. Reading that is kCorruptedBackup.
  virtual void list_names(std::string_view prefix, const std::function<void(const std::string&)>& visit) {
    list(prefix, [&](const ListedObject& object) {
      if (object.name.find('/', prefix.size()) == std::string::npos) visit(object.name);
      return true;
    });
  }

  // False when there was no such object. Once this returns, it does not come back by power loss.
  virtual bool remove(std::string_view name) = 0;
};

}  // namespace dbb::storage
