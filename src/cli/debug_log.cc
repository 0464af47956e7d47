#include "cli/debug_log.h"

#include <fmt/format.h>

#include <variant>

#include "cli/error_text.h"

namespace dbb::cli {
namespace {

constexpr std::chrono::seconds kProgressEvery{1};

system::FileDescriptor make_file(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw Error(ErrorCode::kUsage, {.message = fmt::format("{} exists already.", file.string()),
                                    .solution = {"Give --save-debug-log a name that is free."}});
  }
  return system::create_file(file, 0600);
}

std::string text_of(const Notice& notice) {
  std::string text = fmt::format("{} [{}] {}", notice.severity == Severity::kWarning ? "WARNING" : "info",
                                 notice.kind, notice.text);
  for (const auto& [name, value] : notice.fields) text += fmt::format(" {}={}", name, value);
  return text;
}

std::string text_of(const Progress& progress) {
  return fmt::format("progress {}: {} of {} bytes, {} of {} databases, {}", progress.phase,
                     progress.bytes_done, progress.bytes_total, progress.databases_done,
                     progress.databases_total, progress.object);
}

}  // namespace

DebugLog::DebugLog(const std::filesystem::path& file, EventSink& next, system::Clock& clock)
    : file_(file), next_(next), clock_(clock), descriptor_(make_file(file)) {}

void DebugLog::add_secret(std::string value) {
  const std::lock_guard lock(mutex_);
  redaction_.add_secret(std::move(value));
}

void DebugLog::note(std::string_view title, std::string_view text) {
  const std::lock_guard lock(mutex_);
  write(fmt::format("== {} {}\n{}{}", clock_.now().iso(), title, text,
                    text.empty() || text.ends_with('\n') ? "" : "\n"));
}

void DebugLog::emit(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto* notice = std::get_if<Notice>(&event)) {
      write(fmt::format("{} {}\n", clock_.now().iso(), text_of(*notice)));
    } else {
      const auto& progress = std::get<Progress>(event);
      const auto now = clock_.steady_now();
      if (progress.phase != phase_ || now - progress_written_ >= kProgressEvery) {
        phase_ = progress.phase;
        progress_written_ = now;
        write(fmt::format("{} {}\n", clock_.now().iso(), text_of(progress)));
      }
    }
  }
  next_.emit(event);
}

void DebugLog::end(const std::optional<Error>& error, std::string_view document, ExitCode exit_code) {
  if (!document.empty()) note("result", document);
  if (error) note("error", render_error(*error, "", Style()));
  note("end", fmt::format("exit code {}", static_cast<int>(exit_code)));
}

void DebugLog::write(std::string_view text) {
  if (has_failed_) return;
  const std::string clean = redaction_.clean(text);
  try {
    system::write_all(descriptor_, as_bytes(clean), file_);
  } catch (const Error& error) {
    has_failed_ = true;
    next_.emit(Notice{.severity = Severity::kWarning,
                      .kind = "debug-log-broken",
                      .text = fmt::format("{} is not complete: {}", file_.string(), error.what()),
                      .fields = {{"file", file_.string()}}});
  }
}

}  // namespace dbb::cli
