#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace dbb::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = ProgressMeter::TimePoint;

constexpr seconds kRateWindow{30};
constexpr milliseconds kSampleEvery{250};

std::string notice_line(const Notice& notice, const ProgressOptions& options) {
  const bool warning = notice.severity == Severity::kWarning;
  std::string line =
      options.style.paint(warning ? Tone::kWarning : Tone::kFaint, warning ? "[WARN]" : "[INFO]");
  line += " " + printable_line(notice.text);
  if (options.fields) {
    for (const auto& [name, value] : notice.fields)
      line += fmt::format(" {}={}", name, printable_line(value));
  }
  return line + "\n";
}

bool shown(const Notice& notice, const ProgressOptions& options) {
  return notice.severity == Severity::kWarning ? options.warnings : options.infos;
}

// As many code points as there are columns.
std::string cut(const std::string& text, size_t width) {
  size_t columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    if (columns++ == width) return text.substr(0, i);
  }
  return text;
}

class TerminalProgress final : public ProgressSink {
 public:
  TerminalProgress(Writer write, ProgressOptions options, system::Clock& clock)
      : write_(std::move(write)), options_(std::move(options)), clock_(clock) {}

  void emit(const Event& event) override {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (const auto* notice = std::get_if<Notice>(&event)) {
      if (shown(*notice, options_)) write_(erase() + notice_line(*notice, options_) + line_);
      return;
    }
    if (!options_.progress) return;
    const auto& progress = std::get<Progress>(event);
    const auto now = clock_.steady_now();
    meter_.update(progress, now);
    const bool due = line_.empty() || progress.phase != phase_ || now - drawn_ >= kRedraw;
    if (!due) return;
    const std::string before = erase();
    line_ = cut(printable_line(describe_progress(progress, meter_)), options_.width - 1);
    phase_ = progress.phase;
    drawn_ = now;
    write_(before + line_);
  }

  void finish() override {
    const std::lock_guard lock(mutex_);
    if (!line_.empty()) write_(erase());
    line_.clear();
    finished_ = true;
  }

 private:
  static constexpr milliseconds kRedraw{100};

  std::string erase() const { return line_.empty() ? "" : "\r\x1b[K"; }

  const Writer write_;
  const ProgressOptions options_;
  system::Clock& clock_;
  std::mutex mutex_;  // guards what follows
  ProgressMeter meter_;
  std::string phase_;
  std::string line_;  // as it stands on the terminal
  TimePoint drawn_;
  bool finished_ = false;
};

class LineProgress final : public ProgressSink {
 public:
  LineProgress(Writer write, ProgressOptions options, system::Clock& clock)
      : write_(std::move(write)), options_(std::move(options)), clock_(clock), begun_(clock.steady_now()) {}

  void emit(const Event& event) override {
    const std::lock_guard lock(mutex_);
    if (const auto* notice = std::get_if<Notice>(&event)) {
      if (shown(*notice, options_)) write_(notice_line(*notice, options_));
      return;
    }
    if (!options_.progress) return;
    const auto& progress = std::get<Progress>(event);
    const auto now = clock_.steady_now();
    meter_.update(progress, now);
    const seconds every = now - begun_ < kOftenFor ? kOften : kSeldom;
    if (written_ && progress.phase == phase_ && now - *written_ < every) return;
    phase_ = progress.phase;
    written_ = now;
    write_(printable_line(describe_progress(progress, meter_)) + "\n");
  }

  void finish() override {}

 private:
  static constexpr std::chrono::minutes kOftenFor{5};
  static constexpr seconds kOften{10};
  static constexpr seconds kSeldom{60};

  const Writer write_;
  const ProgressOptions options_;
  system::Clock& clock_;
  const TimePoint begun_;
  std::mutex mutex_;  // guards what follows
  ProgressMeter meter_;
  std::string phase_;
  std::optional<TimePoint> written_;
};

}  // namespace

void ProgressMeter::update(const Progress& progress, TimePoint now) {
  // Another total, or fewer bytes than before: the work was counted anew.
  if (progress.bytes_total != total_ || progress.bytes_done < done_) samples_.clear();
  done_ = progress.bytes_done;
  total_ = progress.bytes_total;
  work_done_ = progress.work_done;
  left_seconds_ = progress.left_seconds;
  if (samples_.size() >= 2 && now - samples_[samples_.size() - 2].when < kSampleEvery) samples_.pop_back();
  samples_.push_back({.when = now, .bytes = done_});
  while (samples_.size() > 2 && now - samples_[1].when >= kRateWindow) samples_.pop_front();
}

double ProgressMeter::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> time = samples_.back().when - samples_.front().when;
  if (time.count() <= 0) return 0;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / time.count();
}

std::optional<seconds> ProgressMeter::time_left() const {
  if (left_seconds_) return seconds(static_cast<int64_t>(std::ceil(*left_seconds_)));
  const double rate = bytes_per_second();
  if (total_ == 0 || rate < 1 || done_ >= total_) return std::nullopt;
  const double left = std::ceil(static_cast<double>(total_ - done_) / rate);
  constexpr double kTooLongToSay = 365.0 * 24 * 3600;
  if (left > kTooLongToSay) return std::nullopt;
  return seconds(static_cast<int64_t>(left));
}

std::optional<int> ProgressMeter::percent() const {
  if (work_done_) return std::clamp(static_cast<int>(*work_done_ * 100), 0, 99);
  if (total_ == 0) return std::nullopt;
  const double part = static_cast<double>(std::min(done_, total_)) / static_cast<double>(total_);
  return done_ >= total_ ? 100 : std::min(99, static_cast<int>(part * 100));
}

std::string describe_progress(const Progress& progress, const ProgressMeter& meter) {
  std::string out = progress.phase + ":";
  if (progress.bytes_total > 0) {
    out += fmt::format(" {} of {} ({} %)", format_bytes(progress.bytes_done),
                       format_bytes(progress.bytes_total), meter.percent().value_or(0));
  } else {
    out += " " + format_bytes(progress.bytes_done);
  }
  if (const double rate = meter.bytes_per_second(); rate >= 1) {
    out += fmt::format(", {}/s", format_bytes(static_cast<uint64_t>(rate)));
  }
  if (const auto left = meter.time_left()) out += fmt::format(", {} left", format_duration(*left));
  if (progress.databases_total > 0) {
    out += fmt::format(", databases {} of {}", progress.databases_done, progress.databases_total);
  }
  if (!progress.waiting.empty()) out += ", " + progress.waiting;
  if (!progress.object.empty()) out += ", " + progress.object;
  return out;
}

std::unique_ptr<ProgressSink> make_terminal_progress(Writer write, ProgressOptions options,
                                                     system::Clock& clock) {
  options.width = std::max<size_t>(options.width, 20);
  return std::make_unique<TerminalProgress>(std::move(write), std::move(options), clock);
}

std::unique_ptr<ProgressSink> make_line_progress(Writer write, ProgressOptions options,
                                                 system::Clock& clock) {
  return std::make_unique<LineProgress>(std::move(write), std::move(options), clock);
}

}  // namespace dbb::cli
