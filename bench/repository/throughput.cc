// The write path stage by stage, each alone on one thread over the same rows, then all together.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "codec/zstd.h"
#include "repository/frame.h"
#include "repository/frame_pipeline.h"
#include "repository/measurements.h"
#include "repository/pack.h"
#include "repository/process.h"
#include "repository/sealed_box.h"
#include "repository/testing.h"
#include "storage/directory_store.h"
#include "storage/memory_store.h"
#include "system/file.h"

namespace dbb::bench {
namespace {

using namespace repository;

struct Cost {
  double wall = 1e9;
  double processor = 1e9;
};

// The best of some runs: other processes can only make one slower.
Cost best_of(int runs, const std::function<void()>& work) {
  Cost best;
  for (int i = 0; i < runs; ++i) {
    const Stopwatch watch;
    work();
    best.wall = std::min(best.wall, watch.wall_seconds());
    best.processor = std::min(best.processor, watch.processor_seconds());
  }
  return best;
}

struct Row {
  ByteView bytes;
  uint64_t hash;
};

class WritePath {
 public:
  WritePath(size_t rows, int level, int runs)
      : keys_(test_key(), RepositoryId()), level_(level), runs_(runs) {
    keys_.add_epoch(1, test_key());
    text_ = testing::make_rows(rows, 1, 190);
    for (const std::string& row : text_) {
      rows_.push_back({as_bytes(row), codec::xxh3_128(as_bytes(row)).low});
      bytes_ += row.size();
    }
  }

  void run() {
    stage("hash of rows (of the layer above)", [this] { hash_rows(); });
    const double cut = stage("cut, id", [this] { cut_and_id(); });
    const double compress = stage("compress", [this] { compress_frames(); });
    const double seal = stage("seal", [this] { seal_frames(); });
    const double pack = stage("pack, store in memory", [this] { pack_frames(); });
    together("first backup", {.reader = cut, .sealers = compress + seal, .packer = pack}, [this] {
      repository_.reset();
      back_up();
    });
    together("unchanged backup", {.reader = cut}, [this] { back_up(); });
    stage("store in a directory", [this] { store_packs(); });
  }

 private:
  static codec::Key test_key() {
    codec::Key key;
    key.fill(7);
    return key;
  }

  double stage(const std::string& name, const std::function<void()>& work) {
    const Cost cost = best_of(runs_, work);
    fmt::print(
        "{{\"measure\": \"throughput\", \"zstd_level\": {}, \"stage\": \"{}\", \"processor_seconds\": "
        "{:.4f}, "
        "\"wall_seconds\": {:.4f}, \"logical_bytes\": {}}}\n",
        level_, name, cost.processor, cost.wall, bytes_);
    std::fflush(stdout);
    return cost.processor;
  }

  void hash_rows() {
    uint64_t sum = 0;
    for (const Row& row : rows_) sum += codec::xxh3_128(row.bytes).low;
    sink_ = sum;
  }

  // Into frames_, as PartWriter does.
  void cut_and_id() {
    frames_.clear();
    const codec::CutRule rule(keys_.cut(), {});
    IdMaker ids(keys_);
    FrameJob frame;
    Bytes spare;
    size_t begin = 0;
    const auto end_chunk = [&] {
      const ByteView chunk = ByteView(frame.content).subspan(begin);
      if (chunk.empty()) return;
      frame.chunks.push_back({.id = ids.chunk(chunk), .length = static_cast<uint32_t>(chunk.size())});
      begin = frame.content.size();
    };
    const auto end_frame = [&] {
      frame.id = ids.frame(StreamClass::kRows, frame.chunks);
      append_frame_trailer(frame.content, StreamClass::kRows, frame.chunks);
      frames_.push_back(std::move(frame));
      frame = {};
      frame.content.reserve(kFrameDataBytes + (16 << 10));
      begin = 0;
    };
    frame.content.reserve(kFrameDataBytes + (16 << 10));
    for (const Row& row : rows_) {
      frame.content.insert(frame.content.end(), row.bytes.begin(), row.bytes.end());
      if (!rule.cuts_after(row.hash, row.bytes.size(), frame.content.size() - begin)) continue;
      end_chunk();
      if (frame.content.size() > kFrameDataBytes - rule.limits().max_bytes) end_frame();
    }
    end_chunk();
    if (!frame.chunks.empty()) end_frame();
  }

  void compress_frames() {
    payloads_.clear();
    codec::Compressor compressor(level_);
    for (const FrameJob& frame : frames_) {
      const ByteView payload = compressor.compress(frame.content);
      payloads_.emplace_back(payload.begin(), payload.end());
    }
  }

  // What BoxSealer does beside compressing.
  void seal_frames() {
    boxes_.clear();
    codec::Hmac nonces(keys_.nonce());
    codec::AesGcm gcm;
    for (size_t i = 0; i < frames_.size(); ++i) {
      const codec::Digest digest = nonces.add(payloads_[i]).finish();
      codec::Nonce nonce;
      std::copy_n(digest.begin(), nonce.size(), nonce.begin());
      Bytes box(kBoxOverheadBytes + payloads_[i].size());
      gcm.seal(keys_.box_key(BoxKind::kDataFrame, 1, frames_[i].id.bytes), nonce, {}, payloads_[i],
               std::span(box).subspan(kBoxHeaderBytes));
      boxes_.push_back(std::move(box));
    }
  }

  void pack_frames() {
    storage::MemoryStore store;
    for_each_pack(
        [&](const std::string& name, std::span<const ByteView> pieces) { store.put(name, pieces); });
  }

  void store_packs() {
    const system::TemporaryDirectory place("dbbackup-bench-");
    storage::DirectoryStore store(place.path() / "store");
    for_each_pack(
        [&](const std::string& name, std::span<const ByteView> pieces) { store.put(name, pieces); });
  }

  void for_each_pack(const std::function<void(const std::string&, std::span<const ByteView>)>& put) {
    BoxSealer sealer(keys_);
    const Bytes end(kPackHeaderBytes);
    for (size_t i = 0; i < frames_.size();) {
      PackDirectory directory = {.pack = {}, .epoch = 1, .frames = {}};
      std::vector<ByteView> pieces = {end};
      uint64_t offset = kPackHeaderBytes;
      const std::string name = fmt::format("packs/{}", i);
      for (; i < frames_.size() && offset < kPackBytes; ++i) {
        directory.frames.push_back({.id = frames_[i].id,
                                    .offset = offset,
                                    .length = boxes_[i].size(),
                                    .stream_class = StreamClass::kRows,
                                    .chunks = frames_[i].chunks});
        pieces.emplace_back(boxes_[i]);
        offset += boxes_[i].size();
      }
      const Bytes box = sealer.seal(BoxKind::kDirectory, {}, encode_directory(directory));
      pieces.emplace_back(box);
      put(name, pieces);
    }
  }

  // Processor seconds of what runs in one thread, in one a core, and in one.
  struct Stages {
    double reader = 0;
    double sealers = 0;
    double packer = 0;
  };

  void together(const std::string& name, const Stages& stages, const std::function<void()>& work) {
    const Cost cost = best_of(runs_, work);
    const double cores = std::max(1U, std::thread::hardware_concurrency());
    const double sum = stages.reader + stages.sealers + stages.packer;
    // No stage can be faster than its threads, and all together no faster than the machine.
    const double slowest = std::max({stages.reader, stages.sealers / cores, stages.packer, sum / cores});
    fmt::print(
        "{{\"measure\": \"throughput\", \"zstd_level\": {}, \"stage\": \"together: {}\", "
        "\"processor_seconds\": {:.4f}, \"wall_seconds\": {:.4f}, \"logical_bytes\": {}, "
        "\"processor_of_stages\": {:.3f}, \"speed_of_slowest_stage\": {:.3f}}}\n",
        level_, name, cost.processor, cost.wall, bytes_, cost.processor / sum, slowest / cost.wall);
    std::fflush(stdout);
  }

  void back_up() {
    if (!repository_) {
      store_ = std::make_unique<storage::MemoryStore>();
      Repository::init(*store_, {.writing = {.zstd_level = level_}}, clock_);
      repository_ = Repository::open(*store_, {});
    }
    const auto backup = repository_->begin_backup(
        {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, clock_, {});
    const auto stream = backup->open_stream({.item_key = "t"}, StreamClass::kRows);
    for (const Row& row : rows_) stream->append(row.bytes, row.hash);
    backup->add_item({.kind = "table", .key = "t", .attributes = "{}", .parts = {stream->finish()}});
    backup->commit({});
  }

  KeyRing keys_;
  const int level_;
  const int runs_;
  std::vector<std::string> text_;
  std::vector<Row> rows_;
  uint64_t bytes_ = 0;
  std::vector<FrameJob> frames_;
  std::vector<Bytes> payloads_;
  std::vector<Bytes> boxes_;
  testing::StepClock clock_;
  std::unique_ptr<storage::MemoryStore> store_;
  std::unique_ptr<Repository> repository_;
  volatile uint64_t sink_ = 0;
};

}  // namespace

void measure_throughput(Arguments arguments) {
  const auto rows = static_cast<size_t>(option(arguments, "mib", 200) * (1 << 20) / 190);
  for (const int level : {1, 3}) {
    WritePath(rows, level, static_cast<int>(option(arguments, "runs", 5))).run();
  }
}

}  // namespace dbb::bench
