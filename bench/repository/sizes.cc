// What backups of a table that changes add, by model (table_model.h), for the choice of sizes.

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>

#include "codec/xxh3.h"
#include "repository/config.h"
#include "repository/core.h"
#include "repository/measurements.h"
#include "repository/process.h"
#include "repository/references.h"
#include "repository/table_model.h"
#include "repository/testing.h"
#include "storage/memory_store.h"

namespace dbb::bench {
namespace {

using namespace repository;

struct Change {
  std::string name;
  std::function<void(TableModel&)> make;
  double changed = 0;   // share of rows whose place in a chunk changes, each time
  double appended = 0;  // share of rows that are new at the end, each time
};

struct Variant {
  std::string name;
  WriteSettings writing;
  double parts = 4;        // that the table has at first
  int other_parts_at = 0;  // increment at which the table is divided into twice as many
};

struct Rows {
  std::string name;
  RowKind kind;
};

class Experiment {
 public:
  Experiment(const Rows& rows, const Change& change, const Variant& variant, uint64_t bytes)
      : rows_(rows), change_(change), variant_(variant), bytes_(bytes), table_(rows.kind, bytes, 1) {
    Repository::init(store_, {.writing = variant.writing}, clock_);
    repository_ = Repository::open(store_, {});
  }

  void run(int increments) {
    back_up(0);
    for (int increment = 1; increment <= increments; ++increment) {
      change_.make(table_);
      back_up(increment);
    }
  }

 private:
  void back_up(int increment) {
    const Stopwatch watch;
    const bool divided = variant_.other_parts_at != 0 && increment >= variant_.other_parts_at;
    const double parts = variant_.parts * (divided ? 2 : 1);
    const auto part_bytes = static_cast<uint64_t>(static_cast<double>(bytes_) / parts) + 4096;
    const auto backup = repository_->begin_backup(
        {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, clock_, {});
    Item item = {.kind = "table", .key = "t", .attributes = "{}", .parts = {}};
    std::unique_ptr<StreamWriter> stream;
    uint32_t part = 0;
    table_.for_each_row(part_bytes, [&](uint32_t in_part, std::string_view row) {
      if (stream && in_part != part) {
        item.parts.push_back(stream->finish());
        stream.reset();
      }
      if (!stream) {
        part = in_part;
        stream = backup->open_stream({.item_key = "t", .part = static_cast<uint32_t>(item.parts.size())},
                                     StreamClass::kRows);
      }
      stream->append(as_bytes(row), codec::xxh3_128(as_bytes(row)).low);
    });
    if (stream) item.parts.push_back(stream->finish());
    stream.reset();
    backup->add_item(item);
    const Totals totals = backup->commit({}).totals;
    const double seconds = watch.processor_seconds();
    report(increment, totals, seconds);
  }

  void report(int increment, const Totals& totals, double seconds) {
    const auto [total, metadata] = stored();
    if (increment == 0) measure_chunks();
    const uint64_t added = total - last_total_;
    last_total_ = total;
    if (increment == 0) first_total_ = total;
    if (increment != 0 && increment != 1 && increment != 10 && increment != 20) return;
    fmt::print(
        "{{\"measure\": \"sizes\", \"rows\": \"{}\", \"change\": \"{}\", \"variant\": \"{}\", \"increment\": "
        "{}, "
        "\"logical_bytes\": {}, \"new_share\": {:.6f}, \"law\": {:.6f}, \"law_of_hit_chunks\": {:.6f}, "
        "\"mean_chunk_bytes\": {:.0f}, \"hit_chunk_bytes\": {:.0f}, \"added_bytes\": {}, "
        "\"total_bytes\": {}, "
        "\"first_bytes\": {}, \"metadata_share\": {:.4f}, \"opened_share\": {:.3f}, \"processor_seconds\": "
        "{:.3f}, "
        "\"peak_memory_bytes\": {}}}\n",
        rows_.name, change_.name, variant_.name, increment, totals.logical_bytes,
        static_cast<double>(totals.new_bytes_raw) / static_cast<double>(totals.logical_bytes),
        increment == 0 ? 1.0 : law(mean_chunk_), increment == 0 ? 1.0 : law(hit_chunk_), mean_chunk_,
        hit_chunk_, added, total, first_total_, static_cast<double>(metadata) / static_cast<double>(total),
        opened_share(totals.logical_bytes), seconds, peak_memory_bytes());
    std::fflush(stdout);
  }

  // 1 - e^(-k*c/S), with k*c/S = changed rows x chunk / (rows x row), for a chunk of the mean size.
  double law(double chunk) const {
    return 1 - std::exp(-change_.changed * chunk / table_.mean_row_bytes()) + change_.appended;
  }

  // All bytes, and those of them that are not frames of data.
  std::pair<uint64_t, uint64_t> stored() {
    uint64_t total = 0;
    store_.list("", [&](const storage::ListedObject& object) {
      total += object.size_bytes;
      return true;
    });
    return {total, total - data_frame_bytes()};
  }

  std::shared_ptr<RepositoryCore> core() {
    return std::make_shared<RepositoryCore>(
        store_, unlock(store_, store_.get(kConfigObject, kMaxJsonBytes).value(), {}));
  }

  // The mean size, and that of the chunk in which a random byte lies: large chunks are hit more often.
  void measure_chunks() {
    const auto shared = core();
    double chunks = 0;
    double bytes = 0;
    double squares = 0;
    for (const IndexedPack& pack : shared->refresh_index()->packs()) {
      for (const DirectoryEntry& frame : shared->read_directory(pack).frames) {
        if (frame.stream_class != StreamClass::kRows) continue;
        for (const ChunkInfo& chunk : frame.chunks) {
          chunks += 1;
          bytes += chunk.length;
          squares += static_cast<double>(chunk.length) * chunk.length;
        }
      }
    }
    mean_chunk_ = bytes / chunks;
    hit_chunk_ = squares / bytes;
  }

  uint64_t data_frame_bytes() {
    const auto index = core()->refresh_index();
    uint64_t bytes = 0;
    for (uint32_t pack = 0; pack < index->packs().size(); ++pack) {
      for (const PackedFrame& frame : index->frames_of(pack)) {
        if (frame.kind == static_cast<uint8_t>(BoxKind::kDataFrame)) bytes += frame.length;
      }
    }
    return bytes;
  }

  // Raw bytes of the frames that a restore of the newest backup opens, a part at a time, over its own bytes.
  double opened_share(uint64_t logical_bytes) {
    const auto shared = core();
    const auto index = shared->refresh_index();
    const auto backup = repository_->open_backup(repository_->resolve("latest"));
    uint64_t opened = 0;
    backup->for_each_item([&](const Item& item) {
      for (const StreamRef& part : item.parts) {
        std::map<FrameId, uint32_t> frames;  // a part here is smaller than a reader's window
        for_each_extent(shared, index, part, [&](const Extent& extent) {
          const auto copies = index->copies(extent.frame);
          if (!copies.empty()) frames[extent.frame] = copies[0].data_bytes;
        });
        for (const auto& [frame, bytes] : frames) opened += bytes;
      }
    });
    return static_cast<double>(opened) / static_cast<double>(logical_bytes);
  }

  const Rows rows_;
  const Change change_;
  const Variant variant_;
  const uint64_t bytes_;
  TableModel table_;
  testing::StepClock clock_;
  storage::MemoryStore store_;
  std::unique_ptr<Repository> repository_;
  double mean_chunk_ = 0;
  double hit_chunk_ = 0;
  uint64_t last_total_ = 0;
  uint64_t first_total_ = 0;
};

std::vector<Change> changes() {
  using Updates = TableModel::Updates;
  std::vector<Change> all = {{.name = "none", .make = [](TableModel&) {}}};
  for (const auto& [percent, share] :
       {std::pair("0.1 %", 0.001), std::pair("1 %", 0.01), std::pair("10 %", 0.1)}) {
    const auto update = [share](Updates where) {
      return [=](TableModel& table) { table.update(share, where); };
    };
    all.push_back(
        {.name = fmt::format("{} in place", percent), .make = update(Updates::kInPlace), .changed = share});
    // A row leaves one place and comes to another.
    all.push_back({.name = fmt::format("{} with VACUUM", percent),
                   .make = update(Updates::kFreePlace),
                   .changed = 2 * share});
    all.push_back({.name = fmt::format("{} without VACUUM", percent),
                   .make = update(Updates::kAtEnd),
                   .changed = share,
                   .appended = share});
  }
  all.push_back(
      {.name = "2 % appended", .make = [](TableModel& table) { table.append(0.02); }, .appended = 0.02});
  all.push_back({.name = "1 % without VACUUM, then VACUUM FULL",
                 .make =
                     [](TableModel& table) {
                       table.update(0.01, Updates::kAtEnd);
                       table.vacuum_full();
                     },
                 .changed = 0.01,
                 .appended = 0.01});
  return all;
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const size_t min : {512, 1024, 1536, 2560, 3072}) {
    all.push_back(
        {.name = fmt::format("chunk at least {} bytes", min), .writing = {.rows = {.min_bytes = min}}});
  }
  for (const size_t mean : {2048, 8192}) {
    all.push_back({.name = fmt::format("chunk {} KiB", mean >> 10),
                   .writing = {.rows = {.min_bytes = mean / 4,
                                        .mean_bytes = mean,
                                        .max_bytes = std::min<size_t>(mean * 4, 16384)}}});
  }
  // A chunk has at most 16 KiB, so this is as near to a mean of 16 KiB as the format allows.
  all.push_back({.name = "chunk 15 KiB",
                 .writing = {.rows = {.min_bytes = 12288, .mean_bytes = 15360, .max_bytes = 16384}}});
  for (const size_t kib : {128, 256, 960}) {
    all.push_back({.name = fmt::format("frame {} KiB", kib), .writing = {.frame_bytes = kib << 10}});
  }
  all.push_back({.name = "zstd -3", .writing = {.zstd_level = 3}});
  all.push_back({.name = "1 part", .parts = 1});
  all.push_back({.name = "16 parts", .parts = 16});
  all.push_back({.name = "other parts from increment 10 on", .other_parts_at = 10});
  return all;
}

}  // namespace

void measure_sizes(Arguments arguments) {
  const auto bytes = static_cast<uint64_t>(option(arguments, "mib", 48)) << 20;
  const auto increments = static_cast<int>(option(arguments, "increments", 20));
  const std::string only = option(arguments, "only", std::string("all"));
  const bool with_defaults = only != "variants";
  const bool with_variants = only != "defaults";
  const std::vector<Rows> rows = {{"190 bytes", RowKind::k190Bytes},
                                  {"100 bytes", RowKind::k100Bytes},
                                  {"1,000 bytes", RowKind::k1000Bytes},
                                  {"wide jsonb", RowKind::kWideJson}};
  for (const Rows& kind : rows) {
    if (!with_defaults) break;
    for (const Change& change : changes())
      Experiment(kind, change, {.name = "default"}, bytes).run(increments);
  }
  if (!with_variants) return;
  for (const Variant& variant : variants()) {
    for (const Change& change : changes()) {
      const bool telling = change.name == "0.1 % in place" || change.name == "1 % with VACUUM" ||
                           change.name == "2 % appended";
      if (telling) Experiment(rows[0], change, variant, bytes).run(increments);
    }
  }
}

}  // namespace dbb::bench
