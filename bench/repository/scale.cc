// One step of the life of a large repository, in a process of its own whose memory the kernel limits. Chunks
// have 64 bytes and frames 8 KiB, so that a disk suffices: the number of chunks, frames, packs and items is
// that of a repository of 64 times the size.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/measurements.h"
#include "repository/process.h"
#include "repository/repository.h"
#include "storage/directory_store.h"
#include "system/clock.h"

namespace dbb::bench {
namespace {

using namespace repository;

constexpr size_t kChunkBytes = 64;
constexpr size_t kFrameChunks = 126;  // of a frame of 8 KiB: a frame ends before it would be full

class Silence final : public EventSink {
 public:
  void emit(const Event&) override {}
};

struct Plan {
  uint64_t files;
  uint64_t tables;
  uint64_t chunks;
  uint64_t first_chunk;  // chunks are numbered through all backups, and no two are alike
};

// Chunks that differ in a number and compress well.
class ChunkSource {
 public:
  explicit ChunkSource(uint64_t first) : next_(first), unit_(kFrameChunks * kChunkBytes, 'x') {}
  // The next so many chunks as one unit, which is cut inside.
  ByteView take(size_t chunks) {
    for (size_t i = 0; i < chunks; ++i, ++next_)
      std::memcpy(unit_.data() + i * kChunkBytes, &next_, sizeof next_);
    return ByteView(unit_).first(chunks * kChunkBytes);
  }

 private:
  uint64_t next_;
  Bytes unit_;
};

StreamRef write_stream(BackupWriter& backup, const StreamKey& key, ChunkSource& source, uint64_t chunks) {
  const auto stream = backup.open_stream(key, StreamClass::kRows);
  while (chunks > 0) {
    const size_t count = std::min<uint64_t>(chunks, kFrameChunks);
    stream->append(source.take(count), UINT64_MAX);
    chunks -= count;
  }
  return stream->finish();
}

void back_up(Repository& repository, const std::string& source_name, const Plan& plan) {
  system::RealClock clock;
  const auto backup = repository.begin_backup(
      {.kind = "cluster", .source = source_name, .program_version = "1", .host = "h"}, clock, {});
  ChunkSource source(plan.first_chunk);
  const uint64_t items = plan.files + plan.tables;
  for (uint64_t i = 0; i < items; ++i) {
    const bool is_file = i < plan.files;
    const std::string key =
        fmt::format("{}/{}", is_file ? "base/16384" : "db/public/table", i * 2654435761 % items);
    const uint64_t chunks = plan.chunks / items + (i < plan.chunks % items ? 1 : 0);
    backup->add_item({.kind = is_file ? "file" : "table",
                      .key = key,
                      .attributes = R"({"rows":1000,"fingerprint":"00112233445566778899aabbccddeeff"})",
                      .parts = {write_stream(*backup, {.item_key = key}, source, chunks)}});
  }
  backup->commit({});
}

uint64_t restore(Repository& repository, const std::string& which) {
  const auto backup = repository.open_backup(repository.resolve(which));
  uint64_t bytes = 0;
  backup->for_each_item([&](const Item& item) {
    for (const StreamRef& part : item.parts) {
      const auto stream = backup->open_stream(part);
      ByteView piece;
      while (stream->next(piece)) bytes += piece.size();
    }
  });
  return bytes;
}

// Forgets the earlier backups of the small sources, then prunes; the bytes that became free.
uint64_t prune(Repository& repository) {
  system::RealClock clock;
  Silence silence;
  std::set<std::string> seen;
  for (const Manifest& manifest : repository.list_backups().backups) {  // newest first
    if (!seen.insert(manifest.source).second && manifest.source != "large") {
      repository.forget(manifest.id, "bench", clock);
    }
  }
  const PruneResult result = repository.prune({.host = "h"}, clock, silence, {});
  return static_cast<uint64_t>(std::max<int64_t>(0, result.freed_bytes()));
}

}  // namespace

void measure_scale(Arguments arguments) {
  const auto limit = static_cast<uint64_t>(option(arguments, "memory-mib", 256)) << 20;
  limit_memory(limit);
  const std::string step = option(arguments, "step", std::string());
  storage::DirectoryStore store(option(arguments, "folder", std::string()));
  system::RealClock clock;
  const Stopwatch watch;
  uint64_t bytes = 0;
  uint64_t findings = 0;
  if (step == "init") {
    // Item lists and recipes are cut as rows are: with small chunks they have 64 times as many, too.
    const WriteSettings small = {.rows = {.min_bytes = 62, .mean_bytes = 63, .max_bytes = kChunkBytes},
                                 .frame_bytes = 8192};
    const bool use_defaults = option(arguments, "chunk-sizes", std::string("small")) == "default";
    Repository::init(store, {.writing = use_defaults ? WriteSettings() : small}, clock);
    return;
  }
  const auto repository = Repository::open(store, {});
  if (step == "backup") {
    back_up(*repository, option(arguments, "source", std::string("s")),
            {.files = static_cast<uint64_t>(option(arguments, "files", 0)),
             .tables = static_cast<uint64_t>(option(arguments, "tables", 0)),
             .chunks = static_cast<uint64_t>(option(arguments, "chunks", 0)),
             .first_chunk = static_cast<uint64_t>(option(arguments, "first-chunk", 0))});
  } else if (step == "check" || step == "check-data") {
    Silence silence;
    const CheckReport report = repository->check({.read_data = step == "check-data"}, silence, {});
    findings = report.findings.size();
    bytes = report.frames;
  } else if (step == "restore") {
    bytes = restore(*repository, option(arguments, "backup", std::string("latest")));
  } else if (step == "prune") {
    bytes = prune(*repository);
  }
  fmt::print(
      "{{\"measure\": \"scale\", \"step\": \"{}\", \"wall_seconds\": {:.1f}, \"processor_seconds\": {:.1f}, "
      "\"peak_memory_bytes\": {}, \"memory_limit_bytes\": {}, \"count\": {}, \"findings\": {}}}\n",
      step, watch.wall_seconds(), watch.processor_seconds(), peak_memory_bytes(), limit, bytes, findings);
}

}  // namespace dbb::bench
