#include "system/clock.h"

#include <ctime>

namespace dbb::system {

UtcTime RealClock::now() {
  using namespace std::chrono;
  return UtcTime(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

std::chrono::steady_clock::time_point RealClock::steady_now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::steady_clock::time_point(std::chrono::seconds(time.tv_sec) +
                                               std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace dbb::system
