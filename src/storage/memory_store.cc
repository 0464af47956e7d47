#include "storage/memory_store.h"

#include <algorithm>

#include "base/check.h"
#include "storage/object_name.h"

namespace dbb::storage {

PutResult MemoryStore::put(std::string_view name, std::span<const ByteView> pieces) {
  DBB_CHECK(is_object_name(name), "names are made by this program");
  Bytes object;
  for (const ByteView piece : pieces) object.insert(object.end(), piece.begin(), piece.end());
  const std::scoped_lock lock(mutex_);
  if (!features_.conditional_put) objects_.erase(std::string(name));
  return objects_.emplace(name, std::move(object)).second ? PutResult::kStored : PutResult::kNameTaken;
}

std::optional<Bytes> MemoryStore::get(std::string_view name, uint64_t limit) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::nullopt;
  if (found->second.size() > limit) throw_too_large(name, found->second.size(), limit);
  return found->second;
}

std::optional<size_t> MemoryStore::get_range(std::string_view name, uint64_t offset,
                                             std::span<uint8_t> into) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::nullopt;
  const Bytes& object = found->second;
  if (offset >= object.size()) return 0;
  const size_t count = std::min<size_t>(into.size(), object.size() - offset);
  std::copy_n(object.begin() + static_cast<ptrdiff_t>(offset), count, into.begin());
  return count;
}

std::optional<uint64_t> MemoryStore::size(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::nullopt;
  return found->second.size();
}

void MemoryStore::list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) {
  std::vector<ListedObject> listed;
  {
    const std::scoped_lock lock(mutex_);
    for (auto object = objects_.lower_bound(prefix); object != objects_.end(); ++object) {
      if (!object->first.starts_with(prefix)) break;
      listed.push_back({.name = object->first, .size_bytes = object->second.size()});
    }
  }
  // Without the lock: the visitor may use the store.
  for (const ListedObject& object : listed) {
    if (!visit(object)) return;
  }
}

bool MemoryStore::remove(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) return false;
  objects_.erase(found);
  return true;
}

}  // namespace dbb::storage
