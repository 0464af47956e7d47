#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/event.h"
#include "cli/redaction.h"
#include "system/clock.h"
#include "system/file.h"

namespace dbb::cli {

// The file of --save-debug-log: what somebody who was not there needs to know about a run. It grows while the
// run goes on, so that it tells of a run that was killed, too. Everything passes the redaction. emit() may be
// called from many threads. Once writing fails, it is given up: a log is not worth a restore.
class DebugLog final : public EventSink {
 public:
  // Makes the file, for its owner only. Error kUsage when it exists.
  DebugLog(const std::filesystem::path& file, EventSink& next, system::Clock& clock);

  void add_secret(std::string value);
  // A section: a title and lines.
  void note(std::string_view title, std::string_view text);
  void emit(const Event& event) override;
  void end(const std::optional<Error>& error, std::string_view document, ExitCode exit_code);

  const std::filesystem::path& file() const { return file_; }

 private:
  void write(std::string_view text);

  const std::filesystem::path file_;
  EventSink& next_;
  system::Clock& clock_;
  system::FileDescriptor descriptor_;
  std::mutex mutex_;  // guards what follows
  Redaction redaction_;
  bool has_failed_ = false;
  std::string phase_;
  std::chrono::steady_clock::time_point progress_written_;
};

}  // namespace dbb::cli
