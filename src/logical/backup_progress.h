#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/event.h"
#include "logical/operation.h"

namespace dbb::logical {

// Adds up what all workers have read and tells the world. Thread-safe.
class BackupProgress {
 public:
  BackupProgress(const Operation& operation, uint32_t databases_total)
      : operation_(operation), databases_total_(databases_total) {}
  void expect(int64_t bytes);  // may be negative: an estimate that is replaced
  void advance(uint64_t bytes, const std::string& object);
  void database_done();

 private:
  const Operation& operation_;
  const uint32_t databases_total_;
  std::mutex mutex_;
  Progress now_{.phase = "rows", .object = {}};
};

}  // namespace dbb::logical
