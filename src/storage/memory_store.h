#pragma once

#include <map>
#include <mutex>

#include "storage/object_store.h"

namespace dbb::storage {

// Objects in memory, for tests.
class MemoryStore final : public ObjectStore {
 public:
  // Without conditional put, an object of the same name is overwritten, as some object stores do.
  explicit MemoryStore(StoreFeatures features = {.conditional_put = true}) : features_(features) {}

  StoreFeatures features() const override { return features_; }
  std::string describe() const override { return "memory"; }
  using ObjectStore::put;
  PutResult put(std::string_view name, std::span<const ByteView> pieces) override;
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override;
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override;
  std::optional<uint64_t> size(std::string_view name) override;
  void list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) override;
  bool remove(std::string_view name) override;

 private:
  const StoreFeatures features_;
  std::mutex mutex_;
  std::map<std::string, Bytes, std::less<>> objects_;  // guarded by mutex_
};

}  // namespace dbb::storage
