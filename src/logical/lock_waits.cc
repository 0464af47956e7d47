#include "logical/lock_waits.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::logical {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;

constexpr double kTellAfter = 2;  // seconds: shorter waits are part of everyday life
constexpr double kNearlyOver = 0.7;
// How long an ended wait is remembered: its error is on its way to whoever asks for the holders.
constexpr std::chrono::seconds kRemembered{30};

std::string holders_of(const LockWait& wait) {
  std::string text;
  for (const LockHolder& holder : wait.holders) {
    if (!holder.is_ours) text += fmt::format("{}{}", text.empty() ? "" : "; ", holder.text);
  }
  return text;
}

std::string pids_of(const LockWait& wait) {
  std::string text;
  for (const LockHolder& holder : wait.holders) {
    if (!holder.is_ours) text += fmt::format("{}{}", text.empty() ? "" : ",", holder.pid);
  }
  return text;
}

Notice notice(Severity severity, std::string kind, std::string text, const LockWait& wait) {
  return {.severity = severity,
          .kind = std::move(kind),
          .text = std::move(text),
          .fields = {{"database", wait.database},
                     {"object", wait.object},
                     {"pid", std::to_string(wait.pid)},
                     {"statement", wait.statement},
                     {"waited_seconds", fmt::format("{:.1f}", wait.seconds)},
                     {"holder_pids", pids_of(wait)},
                     {"holders", holders_of(wait)}}};
}

bool is_the_same(const LockWait& a, const LockWait& b) {
  return a.lock == b.lock && a.object == b.object && a.statement == b.statement && b.seconds >= a.seconds;
}

}  // namespace

bool LockWait::is_for_others() const {
  return std::ranges::any_of(holders, [](const LockHolder& holder) { return !holder.is_ours; });
}

void LockWaits::tell(Told& told, std::vector<Notice>& notices) const {
  const LockWait& wait = told.wait;
  if (!wait.is_for_others()) return;
  if (wait.seconds >= told.tell_at) {
    notices.push_back(notice(Severity::kInfo, "lock-wait",
                             fmt::format("Waiting for {} ({:.0f} seconds): {} in {}, held by {}", wait.lock,
                                         wait.seconds, wait.object, wait.database, holders_of(wait)),
                             wait));
    told.was_told = true;
    told.tell_at = wait.seconds * 2;
  }
  const double timeout = std::chrono::duration<double>(timeout_).count();
  if (timeout > 0 && !told.was_warned && wait.seconds >= timeout * kNearlyOver) {
    notices.push_back(
        notice(Severity::kWarning, "lock-timeout-near",
               fmt::format("Lock wait timeout approaching ({:.0f}/{:.0f} seconds): {} in {}, held by {}",
                           wait.seconds, timeout, wait.object, wait.database, holders_of(wait)),
               wait));
    told.was_warned = true;
  }
}

bool LockWaits::may_have_timed_out(const Told& told, TimePoint now) const {
  return timeout_.count() > 0 &&
         std::chrono::duration<double>(told.wait.seconds) + (now - told.seen) >= timeout_;
}

std::vector<Notice> LockWaits::update(std::vector<LockWait> found, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  std::vector<Notice> notices;
  const auto ended = [&](Told& told) {
    told.is_waiting = false;
    // Whether it got the lock or lost patience is not known then, and the error will say so.
    if (!told.was_told || may_have_timed_out(told, now)) return;
    notices.push_back(
        notice(Severity::kInfo, "lock-acquired",
               fmt::format("Lock acquired, proceeding with restore: {} in {}, after {:.0f} seconds",
                           told.wait.object, told.wait.database, told.wait.seconds),
               told.wait));
  };
  for (auto& [pid, told] : told_) {
    const auto still = std::ranges::find(found, pid, &LockWait::pid);
    if (told.is_waiting && (still == found.end() || !is_the_same(told.wait, *still))) ended(told);
  }
  std::erase_if(
      told_, [&](const auto& one) { return !one.second.is_waiting && now - one.second.seen > kRemembered; });
  for (LockWait& wait : found) {
    const int pid = wait.pid;
    auto [place, is_new] = told_.try_emplace(pid);
    if (is_new || !place->second.is_waiting) place->second = {.tell_at = kTellAfter};
    place->second.wait = std::move(wait);
    place->second.seen = now;
    tell(place->second, notices);
  }
  return notices;
}

std::string LockWaits::line() const {
  const std::scoped_lock lock(mutex_);
  const Told* longest = nullptr;
  for (const auto& [pid, told] : told_) {
    const bool is_shown = told.is_waiting && told.was_told;
    if (is_shown && (longest == nullptr || told.wait.seconds > longest->wait.seconds)) longest = &told;
  }
  if (longest == nullptr) return {};
  return fmt::format("waiting for a lock held by {} ({:.0f} s)", holders_of(longest->wait),
                     longest->wait.seconds);
}

bool LockWaits::waited_for_ourselves(int pid) const {
  const std::scoped_lock lock(mutex_);
  const auto found = told_.find(pid);
  return found != told_.end() && !found->second.wait.holders.empty() && !found->second.wait.is_for_others();
}

Error LockWaits::explained(const Error& error) const {
  if (error.code() != ErrorCode::kLockTimeout) return error;
  const std::scoped_lock lock(mutex_);
  const Told* last = nullptr;
  for (const auto& [pid, told] : told_) {
    if (!told.wait.is_for_others()) continue;
    const bool is_better = last == nullptr || told.wait.seconds > last->wait.seconds;
    if (is_better) last = &told;
  }
  if (last == nullptr) return error;
  std::vector<std::string> solution;
  for (const LockHolder& holder : last->wait.holders) {
    if (holder.is_ours) continue;
    solution.push_back(
        holder.pid == 0 ? "COMMIT PREPARED or ROLLBACK PREPARED it: SELECT * FROM pg_prepared_xacts;"
                        : fmt::format("Let process {0} finish, or end it: SELECT pg_terminate_backend({0});",
                                      holder.pid));
  }
  solution.emplace_back("Run the restore again, with a longer --lock-timeout if such locks are normal here.");
  Error told(ErrorCode::kLockTimeout,
             {.message = fmt::format("A lock was not granted within {} seconds: {} in {}.",
                                     std::chrono::duration_cast<std::chrono::seconds>(timeout_).count(),
                                     last->wait.object, last->wait.database),
              .cause = fmt::format("It is held by {}. {}", holders_of(last->wait), error.what()),
              .solution = std::move(solution),
              .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) told.add_context(label, value);
  told.add_context("Lock", fmt::format("{} on {}", last->wait.lock, last->wait.object));
  return told;
}

}  // namespace dbb::logical
