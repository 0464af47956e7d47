// The write path from rows to stored packs, and back. Bytes a second of logical data, on the processor time
// of all threads, so that the figure is that of one core.
//   cmake --preset release -B build/bench -DDBB_TESTS=ON && ninja -C build/bench repository_bench

#include <benchmark/benchmark.h>

#include "codec/zstd.h"
#include "repository/format.h"
#include "repository/testing.h"
#include "storage/directory_store.h"
#include "system/file.h"

namespace dbb::repository {
namespace {

using testing::make_rows;
using testing::write_rows;

constexpr size_t kRows = 500'000;
constexpr size_t kRowBytes = 190;

// Made once for all: it takes longer than what is measured.
const std::vector<std::string>& all_rows() {
  static const std::vector<std::string> kMade = make_rows(kRows, 1, kRowBytes);
  return kMade;
}

const std::vector<uint64_t>& all_hashes() {
  static const std::vector<uint64_t> kMade = [] {
    std::vector<uint64_t> made;
    for (const std::string& row : all_rows()) made.push_back(codec::xxh3_128(as_bytes(row)).low);
    return made;
  }();
  return kMade;
}

struct Bench {
  system::TemporaryDirectory directory{"dbbackup-bench-"};
  storage::DirectoryStore store{directory.path() / "repository"};
  testing::StepClock clock;
  std::unique_ptr<Repository> repository;

  Bench() {
    Repository::init(store, {}, clock);
    repository = Repository::open(store, {});
  }

  Manifest back_up() {
    const auto backup = repository->begin_backup(
        {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, clock, {});
    const auto stream = backup->open_stream({.item_key = "t"}, StreamClass::kRows);
    for (size_t i = 0; i < kRows; ++i) stream->append(as_bytes(all_rows()[i]), all_hashes()[i]);
    backup->add_item({.kind = "table", .key = "t", .attributes = "{}", .parts = {stream->finish()}});
    return backup->commit({});
  }
};

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kRows * kRowBytes));
}

void zstd_1_of_frames(benchmark::State& state) {
  Bytes data;
  for (const std::string& row : all_rows()) data.insert(data.end(), row.begin(), row.end());
  codec::Compressor compressor;
  size_t compressed = 0;
  for (auto _ : state) {
    compressed = 0;
    for (size_t at = 0; at < data.size(); at += kFrameDataBytes) {
      compressed +=
          compressor.compress(ByteView(data).subspan(at, std::min(kFrameDataBytes, data.size() - at))).size();
    }
  }
  count_bytes(state);
  state.counters["ratio"] = static_cast<double>(data.size()) / static_cast<double>(compressed);
}

void hash_of_rows(benchmark::State& state) {
  for (auto _ : state) {
    for (const std::string& row : all_rows()) benchmark::DoNotOptimize(codec::xxh3_128(as_bytes(row)));
  }
  count_bytes(state);
}

void first_backup(benchmark::State& state) {
  all_hashes();
  for (auto _ : state) {
    state.PauseTiming();
    Bench bench;
    state.ResumeTiming();
    benchmark::DoNotOptimize(bench.back_up());
  }
  count_bytes(state);
}

void second_backup_unchanged(benchmark::State& state) {
  all_hashes();
  Bench bench;
  bench.back_up();
  for (auto _ : state) benchmark::DoNotOptimize(bench.back_up());
  count_bytes(state);
}

void read_back(benchmark::State& state) {
  Bench bench;
  const BackupId id = bench.back_up().id;
  const auto backup = bench.repository->open_backup(id);
  StreamRef table;
  backup->for_each_item([&](const Item& item) { table = item.parts.at(0); });
  for (auto _ : state) {
    const auto stream = backup->open_stream(table);
    ByteView piece;
    while (stream->next(piece)) benchmark::DoNotOptimize(piece.data());
  }
  count_bytes(state);
}

BENCHMARK(zstd_1_of_frames)->Unit(benchmark::kMillisecond);
BENCHMARK(hash_of_rows)->Unit(benchmark::kMillisecond);
BENCHMARK(first_backup)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(second_backup_unchanged)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
BENCHMARK(read_back)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

}  // namespace
}  // namespace dbb::repository
