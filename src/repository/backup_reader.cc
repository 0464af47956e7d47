#include "repository/backup_reader.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"
#include "repository/core.h"
#include "repository/damage.h"
#include "repository/references.h"
#include "repository/window_reader.h"

namespace dbb::repository {

StreamReader::StreamReader(std::unique_ptr<WindowReader> window) : window_(std::move(window)) {}
StreamReader::~StreamReader() = default;
bool StreamReader::next(ByteView& piece) { return window_->next(piece); }

BackupReader::BackupReader(std::shared_ptr<RepositoryCore> core, std::shared_ptr<const FrameIndex> index,
                           Manifest manifest)
    : core_(std::move(core)), index_(std::move(index)), manifest_(std::move(manifest)) {}
BackupReader::~BackupReader() = default;

void BackupReader::for_each_item(const std::function<void(const Item&)>& visit) {
  RecordReader records(core_, index_, manifest_.items, {.record_bytes = kMaxItemBytes, .what = "item list"});
  ByteView record;
  while (records.next(record)) visit(decode_item(record, "item list"));
}

std::unique_ptr<StreamReader> BackupReader::open_stream(const StreamRef& stream) {
  return std::make_unique<StreamReader>(std::make_unique<WindowReader>(core_, index_, stream));
}

Bytes BackupReader::read_all(const StreamRef& stream, uint64_t limit) {
  if (stream.bytes > limit) {
    throw_damaged("item list", fmt::format("A stream of {} bytes has at most {}.", stream.bytes, limit));
  }
  Bytes all;
  constexpr uint64_t kMostReserved = uint64_t{64} << 20;  // of what a manifest says, before it is seen
  all.reserve(std::min(stream.bytes, kMostReserved));
  WindowReader reader(core_, index_, stream);
  ByteView piece;
  while (reader.next(piece)) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

std::vector<std::string> BackupReader::missing_frames(std::stop_token stop) {
  constexpr size_t kMaxLines = 1000;
  const PackSizes sizes(core_->store());
  std::vector<std::string> lines;
  const auto report = [&](std::string line) {
    if (lines.size() < kMaxLines) lines.push_back(std::move(line));
  };
  std::unordered_set<FrameId, FrameId::Hash> seen;
  const auto look = [&](const std::string& where, const StreamRef& stream) {
    try {
      for_each_extent(core_, index_, stream, [&](const Extent& extent) {
        if (stop.stop_requested()) throw cancelled();
        if (extent.hole || !seen.insert(extent.frame).second) return;
        const std::string problem = sizes.problem_of(*index_, extent.frame);
        if (!problem.empty()) report(fmt::format("{}: {}", where, problem));
      });
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      report(fmt::format("{}: {}", where, error.what()));
    }
  };
  try {
    for_each_item([&](const Item& item) {
      for (const StreamRef& part : item.parts) look(fmt::format("{} {}", item.kind, item.key), part);
    });
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    report(fmt::format("list of items: {}", error.what()));
  }
  return lines;
}

}  // namespace dbb::repository
