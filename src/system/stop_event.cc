#include "system/stop_event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace dbb::system {
namespace {

using Clock = std::chrono::steady_clock;

FileDescriptor make_event() {
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw_errno("create", "an eventfd");
  return event;
}

short events_of(WaitFor what) {
  switch (what) {
    case WaitFor::kRead:
      return POLLIN;
    case WaitFor::kWrite:
      return POLLOUT;
    case WaitFor::kReadOrWrite:
      break;
  }
  return POLLIN | POLLOUT;
}

}  // namespace

StopEvent::StopEvent(std::stop_token token)
    : token_(token), event_(make_event()), callback_(std::move(token), [this] {
        const uint64_t one = 1;
        // Cannot fail: the counter is far from its limit.
        [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
      }) {}

WaitResult wait_for(int fd, WaitFor what, const StopEvent& stop,
                    std::optional<std::chrono::milliseconds> timeout) {
  const auto deadline = timeout ? std::optional(Clock::now() + *timeout) : std::nullopt;
  while (true) {
    std::array<pollfd, 2> fds{pollfd{.fd = fd, .events = events_of(what), .revents = 0},
                              pollfd{.fd = stop.fd(), .events = POLLIN, .revents = 0}};
    int wait_ms = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      wait_ms = static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    const int ready = ::poll(fds.data(), fds.size(), wait_ms);
    if (ready < 0 && errno != EINTR) throw_errno("poll", "descriptors");
    if (stop.stop_requested()) return WaitResult::kStopped;
    if (ready > 0 && fds[0].revents != 0) return WaitResult::kReady;
    if (deadline && Clock::now() >= *deadline) return WaitResult::kTimedOut;
  }
}

bool sleep_for(std::chrono::milliseconds duration, const StopEvent& stop) {
  return wait_for(-1, WaitFor::kRead, stop, duration) != WaitResult::kStopped;
}

}  // namespace dbb::system
