#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "storage/object_store.h"

namespace dbb::storage {

// Passes everything on to another store until it is told to fail. For tests. Thread-safe.
class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& store) : store_(store) {}

  // The n-th put from now on, counted from 1, and all after it fail like that; 0: none.
  void fail_puts_from(int n, ErrorCode code) {
    code_ = code;
    puts_left_ = n;
  }

  StoreFeatures features() const override { return store_.features(); }
  std::string describe() const override { return store_.describe(); }
  using ObjectStore::put;
  PutResult put(std::string_view name, std::span<const ByteView> pieces) override {
    int left = puts_left_;
    while (left > 1 && !puts_left_.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 1) {
      throw Error(code_,
                  {.message = "Could not write " + std::string(name) + ".", .cause = "A test asked for it"});
    }
    return store_.put(name, pieces);
  }
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override { return store_.get(name, limit); }
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override {
    return store_.get_range(name, offset, into);
  }
  std::optional<uint64_t> size(std::string_view name) override { return store_.size(name); }
  void list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) override {
    store_.list(prefix, visit);
  }
  bool remove(std::string_view name) override { return store_.remove(name); }

 private:
  ObjectStore& store_;
  std::atomic<ErrorCode> code_ = ErrorCode::kStorageFailed;
  std::atomic<int> puts_left_ = 0;  // 1: the next one fails, and stays there
};

}  // namespace dbb::storage
