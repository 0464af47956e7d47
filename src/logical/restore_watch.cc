#include "logical/restore_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "logical/index_look.h"
#include "logical/lock_look.h"
#include "logical/restore_session.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};
constexpr std::chrono::seconds kBeforeAnotherSession{5};

Operation watched_by(const Operation& operation, std::chrono::milliseconds lock_timeout,
                     const LockWaits& waits, std::stop_token stop) {
  Operation watched = with_stop(operation, std::move(stop));
  watched.lock_timeout = lock_timeout;
  watched.lock_waits = &waits;
  return watched;
}

}  // namespace

RestoreWatch::RestoreWatch(const Operation& operation, std::string maintenance, WatchOptions options,
                           RestoreProgress& progress)
    : operation_(operation),
      maintenance_(std::move(maintenance)),
      options_(std::move(options)),
      progress_(progress),
      waits_(options_.lock_timeout),
      threads_(operation.stop),
      watched_(watched_by(operation, options_.lock_timeout, waits_, threads_.token())) {
  threads_.spawn("watch-locks", [this](const std::stop_token& stop) { watch_locks(stop); });
  if (!options_.places.empty()) {
    threads_.spawn("watch-disk", [this](const std::stop_token& stop) { watch_disk(stop); });
  }
}

RestoreWatch::~RestoreWatch() = default;

void RestoreWatch::finished() {
  for (const Notice& notice : waits_.update({}, operation_.clock.steady_now()))
    operation_.events.emit(notice);
}

Error RestoreWatch::reason(const Error& error) const {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_for_ && error.code() == ErrorCode::kCancelled) {
      Error reason = *stopped_for_;
      for (const auto& [label, value] : error.context()) reason.add_context(label, value);
      return reason;
    }
  }
  return waits_.explained(error);
}

void RestoreWatch::look(postgres::Connection& session) {
  const std::vector<LockWait> waits = look_at_lock_waits(session, operation_);
  if (options_.debug_locks) {
    for (std::string& line : describe_locks(session, operation_, waits))
      operation_.notice("locks", std::move(line));
  }
  for (const Notice& notice : waits_.update(waits, operation_.clock.steady_now()))
    operation_.events.emit(notice);
  progress_.set_waiting(waits_.line());
  progress_.builds_seen(look_at_index_builds(session, operation_));
}

void RestoreWatch::watch_locks(const std::stop_token& stop) {
  const Operation mine = with_stop(operation_, stop);
  const system::StopEvent stopped(stop);
  std::optional<postgres::Connection> session;
  bool was_warned = false;
  std::chrono::milliseconds pause = kBetweenLooks;
  do {
    pause = kBetweenLooks;
    try {
      if (!session) session = mine.connect(maintenance_, "watch");
      look(*session);
    } catch (const Error& error) {
      if (stop.stop_requested()) return;
      session.reset();
      pause = kBeforeAnotherSession;
      if (!was_warned) {
        operation_.warn("not-watched", fmt::format("Waits for locks cannot be shown now: {}", error.what()));
      }
      was_warned = true;
    }
  } while (system::sleep_for(pause, stopped));
}

void RestoreWatch::watch_disk(const std::stop_token& stop) {
  const system::StopEvent stopped(stop);
  DiskWatch disk(options_.places, options_.wal_segment_bytes,
                 [this](const auto& tablespaces) { return progress_.bytes_to_write(tablespaces); });
  do {
    try {
      for (const Notice& notice : disk.look(operation_.clock.steady_now())) operation_.events.emit(notice);
    } catch (const Error& error) {
      const std::scoped_lock lock(mutex_);
      stopped_for_ = error;
      throw;  // stops the group, and with it the restore
    }
  } while (system::sleep_for(disk.next_look(), stopped));
}

bool waited_for_ourselves(const Operation& operation, const postgres::Connection& session,
                          const Error& error) {
  return error.code() == ErrorCode::kLockTimeout && operation.lock_waits != nullptr &&
         operation.lock_waits->waited_for_ourselves(session.backend_pid());
}

}  // namespace dbb::logical
