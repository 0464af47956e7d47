#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dbb {

// How far an operation is. Sent often; a consumer shows the newest.
struct Progress {
  std::string phase;   // "rows", "indexes", "proof", ...
  std::string object;  // what is being worked on now: "app: public.orders"
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // 0: not known yet
  uint32_t databases_done = 0;
  uint32_t databases_total = 0;
  std::string waiting = {};  // "waiting for a lock held by process 4711 ...", while it is so
  // Of all work, of which rows are only a part; where it is estimated.
  std::optional<double> work_done = {};  // 0 to 1
  std::optional<double> left_seconds = {};
};

enum class Severity : uint8_t { kInfo, kWarning };

// Something a person wants to read once: a phase begun, a database done, a warning.
struct Notice {
  Severity severity = Severity::kInfo;
  std::string kind;  // stable, for scripts: "database-done", "role-differs"
  std::string text;  // for people, one line
  std::vector<std::pair<std::string, std::string>> fields =
      {};  // structured: {"database","app"}, {"rows","12"}
};

using Event = std::variant<Progress, Notice>;

// Where events go: a terminal, JSON lines, a test. emit() is called from many threads at once and must not
// block long.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void emit(const Event& event) = 0;
};

// For callers that do not care.
class NullEventSink final : public EventSink {
 public:
  void emit(const Event&) override {}
};

}  // namespace dbb
