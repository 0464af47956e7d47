#include "logical/restore_session.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "system/stop_event.h"

namespace dbb::logical {

postgres::Connection open_session(const Operation& operation, const WorkSession& work, std::string_view role,
                                  std::stop_token stop) {
  return postgres::Connection::open(operation.target.with_database(work.database),
                                    {.application_name = operation.application_name(role),
                                     .settings = work.settings,
                                     .client_encoding = work.encoding},
                                    std::move(stop));
}

Operation with_stop(const Operation& operation, std::stop_token stop) {
  Operation other = operation;
  other.stop = std::move(stop);
  return other;
}

void run_in_sessions(const Operation& operation, const WorkSession& work, const std::string& role,
                     size_t count, int workers, const SessionTask& task) {
  std::atomic<size_t> next = 0;
  TaskGroup group(operation.stop);
  const size_t threads = std::min(count, static_cast<size_t>(std::max(workers, 1)));
  for (size_t i = 0; i < threads; ++i) {
    group.spawn(role, [&](const std::stop_token& stop) {
      const Operation mine = with_stop(operation, stop);
      postgres::Connection session = open_session(mine, work, role, stop);
      for (size_t index = next++; index < count; index = next++) {
        if (stop.stop_requested()) throw cancelled();
        task(session, index, mine);
      }
    });
  }
  group.join();
}

Deadline::Deadline(std::chrono::milliseconds time) : timer_(std::stop_token()) {
  timer_.spawn("deadline", [this, time](const std::stop_token& gone) {
    if (system::sleep_for(time, system::StopEvent(gone))) stop_.request_stop();
  });
}

}  // namespace dbb::logical
