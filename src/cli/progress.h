#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/event.h"
#include "cli/style.h"
#include "system/clock.h"

namespace dbb::cli {

// Bytes a second, percent and time left, from the newest progress of an operation. By bytes, never by
// databases: a small database that is done says nothing about a large one that is not. Confined to one
// thread.
class ProgressMeter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void update(const Progress& progress, TimePoint now);
  // Over the last half minute; 0 before there is anything to divide.
  double bytes_per_second() const;
  // The operation's own estimate, where it makes one; empty when the total or the rate is not known.
  std::optional<std::chrono::seconds> time_left() const;
  std::optional<int> percent() const;  // rounded down: 100 means done

 private:
  struct Sample {
    TimePoint when;
    uint64_t bytes;
  };
  std::deque<Sample> samples_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
  std::optional<double> work_done_;
  std::optional<double> left_seconds_;
};

// "rows: 1.20 GB of 4.50 GB (26 %), 210 MB/s, 16.0 s left, databases 2 of 5, app: public.orders"
std::string describe_progress(const Progress& progress, const ProgressMeter& meter);

// Writes to standard error, or into a test.
using Writer = std::function<void(std::string_view)>;

struct ProgressOptions {
  bool progress = true;  // false: notices only
  bool infos = true;     // notices that are no warnings
  bool warnings = true;
  bool fields = false;  // with the fields of notices (--verbose)
  Style style = {};
  size_t width = 100;  // of the terminal
};

// An EventSink that shows what it is given. finish() leaves the place clean for what is printed next, and is
// called before anything else is. Thread-safe.
class ProgressSink : public EventSink {
 public:
  virtual void finish() = 0;
};

// One line that is drawn again in place, at most ten times a second; notices go above it.
std::unique_ptr<ProgressSink> make_terminal_progress(Writer write, ProgressOptions options,
                                                     system::Clock& clock);
// A line when the phase changes and otherwise every ten seconds; after five minutes, every minute.
std::unique_ptr<ProgressSink> make_line_progress(Writer write, ProgressOptions options, system::Clock& clock);
// One JSON document a line, docs/json.md "Events"; progress at most once a second within a phase.
std::unique_ptr<ProgressSink> make_json_progress(Writer write, system::Clock& clock);

}  // namespace dbb::cli
