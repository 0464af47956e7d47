#include "logical/replay_trace.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/error.h"
#include "codec/xxh3.h"
#include "system/file.h"

namespace dbb::logical {
namespace {

constexpr std::string_view kHead = "dbbackup paused replay, run ";
constexpr std::string_view kAt = " at ";
constexpr uint64_t kLargestFile = 1024;

}  // namespace

std::filesystem::path replay_trace_file(const std::filesystem::path& directory, const std::string& address) {
  if (directory.empty()) return {};
  return directory / "paused-replay" / codec::xxh3_128(as_bytes(address)).hex();
}

void write_replay_trace(const std::filesystem::path& file, const ReplayTrace& trace) noexcept {
  try {
    if (file.empty()) return;
    system::create_directories(file.parent_path());
    system::publish_replacing(file,
                              as_bytes(fmt::format("{}{}{}{}\n", kHead, trace.run.text(), kAt, trace.lsn)));
  } catch (const std::exception&) {
    // The next run warns of the pause, and does not know whose it is.
  }
}

std::optional<ReplayTrace> read_replay_trace(const std::filesystem::path& file) {
  if (file.empty()) return std::nullopt;
  try {
    const std::optional<Bytes> bytes = system::read_file(file, kLargestFile);
    if (!bytes) return std::nullopt;
    std::string_view text = as_text(*bytes);
    if (!text.starts_with(kHead) || !text.ends_with('\n')) return std::nullopt;
    text = text.substr(kHead.size(), text.size() - kHead.size() - 1);
    const size_t at = text.find(kAt);
    if (at == std::string_view::npos) return std::nullopt;
    return ReplayTrace{.run = BackupId::parse(text.substr(0, at)),
                       .lsn = std::string(text.substr(at + kAt.size()))};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void remove_replay_trace(const std::filesystem::path& file) noexcept {
  try {
    if (!file.empty()) system::remove_file(file);
  } catch (const std::exception&) {
    // It is of a pause that is over, and the next one writes its own.
  }
}

}  // namespace dbb::logical
