#include "system/clock.h"

namespace dbb::system {

UtcTime RealClock::now() {
  using namespace std::chrono;
  return UtcTime(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

std::chrono::steady_clock::time_point RealClock::steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace dbb::system
