#pragma once

#include <chrono>

#include "base/units.h"

namespace dbb::system {

// Passed in from main; tests have one whose hands they turn. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UtcTime now() = 0;  // wall clock, may jump
  virtual std::chrono::steady_clock::time_point
  steady_now() = 0;  // for durations; goes on while the host is suspended
};

class RealClock final : public Clock {
 public:
  UtcTime now() override;
  std::chrono::steady_clock::time_point steady_now() override;
};

}  // namespace dbb::system
