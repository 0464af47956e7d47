#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/event.h"
#include "system/clock.h"

namespace dbb::logical {

// Adds up how far a restore is, over all databases and workers, and tells it a few times a second.
// Thread-safe.
class RestoreProgress {
 public:
  RestoreProgress(EventSink& events, system::Clock& clock, uint64_t bytes_total, uint32_t databases_total);

  // What was not known when the restore began.
  void add_total(uint64_t bytes);
  // A phase began, or an object was begun in it.
  void show(std::string_view phase, std::string object);
  void add(std::string_view phase, std::string_view object, uint64_t bytes);
  void database_done();

 private:
  void emit(bool now);

  EventSink& events_;
  system::Clock& clock_;
  std::mutex mutex_;
  Progress progress_;                                // guarded by mutex_
  std::chrono::steady_clock::time_point emitted_{};  // guarded by mutex_
};

}  // namespace dbb::logical
