#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "storage/object_store.h"

namespace dbb::storage {

// Passes everything on to another store and counts what changes it, until the chosen step goes wrong. For
// tests that try every step. Thread-safe.
class CrashStore final : public ObjectStore {
 public:
  enum class Fault : uint8_t {
    kError,      // the step fails, and changes nothing; what comes after works again
    kReplyLost,  // the step takes place, and fails all the same; what comes after works again
    kDies,       // the process ends before the step: it fails, and so does everything after it
    kDiesAfter,  // the process ends after the step, before it hears of it
  };

  explicit CrashStore(ObjectStore& store) : store_(store) {}

  // The `step`-th change from now on, counted from 1.
  void fail_at(uint64_t step, Fault fault) {
    const std::scoped_lock lock(mutex_);
    steps_ = 0;
    fail_at_ = step;
    fault_ = fault;
  }
  // From now on everything fails.
  void die() {
    const std::scoped_lock lock(mutex_);
    dead_ = true;
  }
  uint64_t steps() {
    const std::scoped_lock lock(mutex_);
    return steps_;
  }
  bool has_failed() {
    const std::scoped_lock lock(mutex_);
    return fail_at_ != 0 && steps_ >= fail_at_;
  }

  StoreFeatures features() const override { return store_.features(); }
  std::string describe() const override { return store_.describe(); }
  using ObjectStore::put;
  PutResult put(std::string_view name, std::span<const ByteView> pieces) override {
    return step(name, [&] { return store_.put(name, pieces); });
  }
  bool remove(std::string_view name) override {
    return step(name, [&] { return store_.remove(name); });
  }
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override {
    refuse_the_dead(name);
    return store_.get(name, limit);
  }
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override {
    refuse_the_dead(name);
    return store_.get_range(name, offset, into);
  }
  std::optional<uint64_t> size(std::string_view name) override {
    refuse_the_dead(name);
    return store_.size(name);
  }
  void list(std::string_view prefix, const std::function<bool(const ListedObject&)>& visit) override {
    refuse_the_dead(prefix);
    store_.list(prefix, visit);
  }

 private:
  [[noreturn]] static void fail(std::string_view name) {
    throw Error(ErrorCode::kStorageFailed,
                {.message = "No answer about " + std::string(name) + ".", .cause = "A test asked for it"});
  }
  void refuse_the_dead(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (dead_) fail(name);
  }
  // One after the other, so that "after" means something with several threads, too.
  template <typename Change>
  std::invoke_result_t<Change> step(std::string_view name, const Change& change) {
    const std::scoped_lock lock(mutex_);
    if (dead_) fail(name);
    if (++steps_ != fail_at_) return change();
    dead_ = fault_ == Fault::kDies || fault_ == Fault::kDiesAfter;
    if (fault_ == Fault::kReplyLost || fault_ == Fault::kDiesAfter) change();
    fail(name);
  }

  ObjectStore& store_;
  std::mutex mutex_;
  uint64_t steps_ = 0;    // guarded by mutex_, like those below
  uint64_t fail_at_ = 0;  // 0: never
  Fault fault_ = Fault::kError;
  bool dead_ = false;
};

}  // namespace dbb::storage
