#include "logical/restore_progress.h"

#include <algorithm>

namespace dbb::logical {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

RestoreProgress::RestoreProgress(EventSink& events, system::Clock& clock, uint64_t bytes_total,
                                 uint32_t databases_total)
    : events_(events), clock_(clock) {
  progress_.bytes_total = bytes_total;
  progress_.databases_total = databases_total;
}

void RestoreProgress::add_total(uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.bytes_total += bytes;
}

void RestoreProgress::show(std::string_view phase, std::string object) {
  const std::scoped_lock lock(mutex_);
  const bool is_new = progress_.phase != phase;
  progress_.phase = phase;
  progress_.object = std::move(object);
  emit(is_new);
}

void RestoreProgress::add(std::string_view phase, std::string_view object, uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.phase = phase;
  progress_.object = object;
  progress_.bytes_done += bytes;
  emit(false);
}

void RestoreProgress::database_done() {
  const std::scoped_lock lock(mutex_);
  ++progress_.databases_done;
  emit(true);
}

void RestoreProgress::emit(bool now) {
  const auto time = clock_.steady_now();
  if (!now && time - emitted_ < kInterval) return;
  emitted_ = time;
  Progress shown = progress_;
  shown.bytes_total = std::max(shown.bytes_total, shown.bytes_done);
  events_.emit(shown);
}

}  // namespace dbb::logical
