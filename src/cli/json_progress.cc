#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/progress.h"

namespace dbb::cli {
namespace {

using Json = nlohmann::ordered_json;

class JsonProgress final : public ProgressSink {
 public:
  JsonProgress(Writer write, system::Clock& clock) : write_(std::move(write)), clock_(clock) {}

  void emit(const Event& event) override {
    const std::lock_guard lock(mutex_);
    Json line{{"time", clock_.now().iso()}};
    if (const auto* notice = std::get_if<Notice>(&event)) {
      line["event"] = notice->severity == Severity::kWarning ? "warning" : "info";
      line["kind"] = notice->kind;
      line["text"] = notice->text;
      line["fields"] = Json::object();
      for (const auto& [name, value] : notice->fields) line["fields"][name] = value;
    } else {
      const auto& progress = std::get<Progress>(event);
      const auto now = clock_.steady_now();
      meter_.update(progress, now);
      const bool is_same = progress.phase == phase_ && progress.databases_done == databases_done_;
      if (written_ && is_same && now - *written_ < kEvery) return;
      databases_done_ = progress.databases_done;
      written_ = now;
      phase_ = progress.phase;
      line["event"] = "progress";
      line["phase"] = progress.phase;
      line["object"] = progress.object;
      line["done_bytes"] = progress.bytes_done;
      line["total_bytes"] = progress.bytes_total == 0 ? Json(nullptr) : Json(progress.bytes_total);
      line["bytes_per_second"] = meter_.bytes_per_second();
      const auto left = meter_.time_left();
      line["left_seconds"] = left ? Json(left->count()) : Json(nullptr);
      line["percent"] = progress.bytes_total == 0 ? Json(nullptr)
                                                  : Json(100.0 * static_cast<double>(progress.bytes_done) /
                                                         static_cast<double>(progress.bytes_total));
      line["work_percent"] = progress.work_done ? Json(*progress.work_done * 100) : Json(nullptr);
      line["databases_done"] = progress.databases_done;
      line["databases_total"] = progress.databases_total;
      line["waiting"] = progress.waiting.empty() ? Json(nullptr) : Json(progress.waiting);
    }
    // Names of objects need not be UTF-8; a replacement character is better than no line.
    write_(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  void finish() override {}

 private:
  static constexpr std::chrono::seconds kEvery{1};

  const Writer write_;
  system::Clock& clock_;
  std::mutex mutex_;  // guards what follows
  ProgressMeter meter_;
  std::string phase_;
  uint32_t databases_done_ = 0;
  std::optional<ProgressMeter::TimePoint> written_;
};

}  // namespace

std::unique_ptr<ProgressSink> make_json_progress(Writer write, system::Clock& clock) {
  return std::make_unique<JsonProgress>(std::move(write), clock);
}

}  // namespace dbb::cli
