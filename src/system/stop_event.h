#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

#include "system/file.h"

namespace dbb::system {

// A descriptor that becomes readable when stop is requested, so that poll() can wait for both.
// Thread-safe; keep it as long as a wait may last.
class StopEvent {
 public:
  explicit StopEvent(std::stop_token token);
  int fd() const { return event_.get(); }
  bool stop_requested() const { return token_.stop_requested(); }
  const std::stop_token& token() const { return token_; }

 private:
  std::stop_token token_;
  FileDescriptor event_;
  std::stop_callback<std::function<void()>> callback_;
};

enum class WaitFor : uint8_t { kRead, kWrite, kReadOrWrite };
enum class WaitResult : uint8_t { kReady, kTimedOut, kStopped };

// Blocks until `fd` is ready (or has an error or hang-up to report), the time is over, or stop was requested.
// Stop wins when both are true.
WaitResult wait_for(int fd, WaitFor what, const StopEvent& stop,
                    std::optional<std::chrono::milliseconds> timeout = std::nullopt);

// Returns early, with false, when stop is requested.
bool sleep_for(std::chrono::milliseconds duration, const StopEvent& stop);

}  // namespace dbb::system
