#include "repository/session.h"

#include <fmt/format.h>

#include "base/error.h"
#include "system/machine.h"

namespace dbb::repository {
namespace {

constexpr int kBeatsPerGrace = 20;

// A full disk, too, is no reason not to read a backup.
bool refuses_writes(const Error& error) {
  return error.code() == ErrorCode::kRepositoryReadOnly || error.code() == ErrorCode::kPermissionDenied ||
         error.code() == ErrorCode::kDiskFull;
}

}  // namespace

Session::Session(std::shared_ptr<RepositoryCore> core, const SessionOptions& options, Writes writes,
                 system::Clock& clock)
    : core_(std::move(core)),
      clock_(clock),
      grace_(core_->config().writing.grace),
      tasks_(std::stop_token()) {
  record_.id = new_state_id(core_->keys());
  record_.host = options.host;
  record_.process = system::process_identity();
  record_.operation = options.operation;
  record_.backup = options.backup;
  record_.started = clock_.now();
  try {
    put_record();
  } catch (const Error& error) {
    if (writes == Writes::kNeeded || !refuses_writes(error)) throw;
    return;
  }
  tasks_.spawn("session", [this](const std::stop_token& stop) { beat_until_stopped(stop); });
}

Session::~Session() {
  tasks_.request_stop();
  try {
    tasks_.join();
    if (present_ && !left_behind_) remove_written();
  } catch (const Error&) {
    // What stays is taken for dead when the process has ended, or after the grace.
  }
}

void Session::leave_behind() {
  const std::scoped_lock lock(mutex_);
  left_behind_ = true;
}

void Session::remove_written() {
  for (const std::string& object : written_) core_->store().remove(object);
  written_.clear();
}

// Times are taken before the object is stored: what counts is how old a sign of life is at least. Every
// attempt has a name of its own: one whose reply was lost may have taken place.
void Session::put_record() {
  const UtcTime now = clock_.now();
  const auto steady = clock_.steady_now();
  if (present_) longest_silence_ = std::max(longest_silence_, silence());
  SessionRecord next = record_;
  next.beat = now;
  next.sequence = next_sequence_++;
  const std::string object = object_of(next);
  written_.push_back(object);
  put_state(*core_, next);
  record_ = next;
  beat_steady_ = steady;
  present_ = true;
  for (const std::string& earlier : written_) {
    if (earlier != object) core_->store().remove(earlier);
  }
  written_ = {object};
}

void Session::beat() {
  const std::scoped_lock lock(mutex_);
  if (!present_) return;
  try {
    put_record();
  } catch (const Error&) {
    // The next one may get through; refuse_if_silent() decides.
  }
}

void Session::beat_until_stopped(const std::stop_token& stop) {
  const auto interval = grace_ / kBeatsPerGrace;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, stop, interval, [] { return false; });
    }
    if (!stop.stop_requested()) beat();
  }
}

std::chrono::microseconds Session::silence() {
  using std::chrono::microseconds;
  const microseconds by_wall(clock_.now().microseconds() - record_.beat.microseconds());
  const auto by_steady = std::chrono::duration_cast<microseconds>(clock_.steady_now() - beat_steady_);
  return std::max(by_wall, by_steady);
}

void Session::refuse_if_silent() {
  const std::scoped_lock lock(mutex_);
  // A sign of life after a long silence does not undo it.
  const auto silent = std::max(longest_silence_, silence());
  if (silent * 2 <= grace_) return;
  throw Error(
      ErrorCode::kSessionSilent,
      {.message = fmt::format("This run gave no sign of life for {}, so that it may not commit.",
                              format_duration(silent)),
       .cause = fmt::format("The repository's grace is {}. After half of it, a prune on another host may be "
                            "about to take this run for dead.",
                            format_duration(grace_)),
       .solution = {"Run it again: what was stored is not stored again.",
                    "Find out what stopped the process or cut it off from the repository: a suspended host, "
                    "SIGSTOP, a network that was down."}});
}

}  // namespace dbb::repository
