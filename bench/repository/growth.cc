// Does a GiB cost the same in a stream of 1 GiB and of 100? Packs keep only their directories on disk, so
// that the disk is no limit.

#include <fmt/format.h>

#include <cstring>
#include <mutex>
#include <unordered_map>

#include "codec/xxh3.h"
#include "repository/format.h"
#include "repository/measurements.h"
#include "repository/process.h"
#include "repository/repository.h"
#include "repository/testing.h"
#include "storage/directory_store.h"
#include "system/clock.h"
#include "system/file.h"

namespace dbb::bench {
namespace {

using namespace repository;

constexpr uint64_t kPartBytes = 256 << 20;
constexpr size_t kRowBytes = 190;

// Of packs it keeps the end from the directory on. Thread-safe.
class HollowStore final : public storage::ObjectStore {
 public:
  explicit HollowStore(const std::filesystem::path& folder) : inner_(folder) {}

  storage::StoreFeatures features() const override { return inner_.features(); }
  std::string describe() const override { return inner_.describe(); }
  using ObjectStore::put;
  storage::PutResult put(std::string_view name, std::span<const ByteView> pieces) override {
    if (!name.starts_with("packs/")) return inner_.put(name, pieces);
    uint64_t bytes = 0;
    for (const ByteView piece : pieces) bytes += piece.size();
    const std::span<const ByteView> kept = pieces.last(2);  // directory and trailer
    const std::scoped_lock lock(mutex_);
    packs_[std::string(name)] = {.bytes = bytes, .kept = kept[0].size() + kept[1].size()};
    return inner_.put(name, kept);
  }
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override { return inner_.get(name, limit); }
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override {
    const std::optional<Pack> pack = pack_of(name);
    if (!pack) return inner_.get_range(name, offset, into);
    const uint64_t hollow = pack->bytes - pack->kept;
    if (offset >= hollow) return inner_.get_range(name, offset - hollow, into);
    // A reader of directories may ask for more of the end than that: what was left out reads as zeros.
    const size_t zeros = std::min<uint64_t>(into.size(), hollow - offset);
    std::memset(into.data(), 0, zeros);
    return zeros + inner_.get_range(name, 0, into.subspan(zeros)).value_or(0);
  }
  std::optional<uint64_t> size(std::string_view name) override {
    const std::optional<Pack> pack = pack_of(name);
    return pack ? pack->bytes : inner_.size(name);
  }
  void list(std::string_view prefix,
            const std::function<bool(const storage::ListedObject&)>& visit) override {
    inner_.list(prefix, [&](const storage::ListedObject& object) {
      const std::optional<Pack> pack = pack_of(object.name);
      return visit({.name = object.name, .size_bytes = pack ? pack->bytes : object.size_bytes});
    });
  }
  bool remove(std::string_view name) override { return inner_.remove(name); }

 private:
  struct Pack {
    uint64_t bytes = 0;
    uint64_t kept = 0;
  };

  std::optional<Pack> pack_of(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    const auto found = packs_.find(std::string(name));
    return found == packs_.end() ? std::nullopt : std::optional(found->second);
  }

  storage::DirectoryStore inner_;
  std::mutex mutex_;
  std::unordered_map<std::string, Pack> packs_;  // guarded by mutex_
};

void back_up(Repository& repository, uint64_t bytes) {
  system::RealClock clock;
  static const std::vector<std::string> kRows = testing::make_rows(4096, 1, kRowBytes);
  const auto backup = repository.begin_backup(
      {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, clock, {});
  Item item = {.kind = "table", .key = "t", .attributes = "{}", .parts = {}};
  uint64_t number = 0;
  for (uint64_t done = 0; done < bytes;) {
    const auto stream = backup->open_stream(
        {.item_key = "t", .part = static_cast<uint32_t>(item.parts.size())}, StreamClass::kRows);
    for (uint64_t end = std::min(bytes, done + kPartBytes); done < end; done += kRowBytes) {
      std::string row = kRows[number % kRows.size()];
      std::memcpy(row.data() + 20, fmt::format("{:016}", number++).data(), 16);
      stream->append(as_bytes(row), codec::xxh3_128(as_bytes(row)).low);
    }
    item.parts.push_back(stream->finish());
  }
  backup->add_item(item);
  backup->commit({});
}

}  // namespace

void measure_growth(Arguments arguments) {
  limit_memory(static_cast<uint64_t>(option(arguments, "memory-mib", 256)) << 20);
  const double gib = option(arguments, "gib", 1);
  const system::TemporaryDirectory place("dbbackup-bench-");
  HollowStore store(place.path() / "repository");
  system::RealClock clock;
  Repository::init(store, {}, clock);
  const auto repository = Repository::open(store, {});
  const Stopwatch first;
  back_up(*repository, static_cast<uint64_t>(gib * (1 << 30)));
  const double wall = first.wall_seconds();
  const double processor = first.processor_seconds();
  const Stopwatch second;
  back_up(*repository, static_cast<uint64_t>(gib * (1 << 30)));
  fmt::print(
      "{{\"measure\": \"growth\", \"gib\": {}, \"wall_seconds\": {:.2f}, \"processor_seconds\": {:.2f}, "
      "\"unchanged_wall_seconds\": {:.2f}, \"unchanged_processor_seconds\": {:.2f}, \"peak_memory_bytes\": "
      "{}}}\n",
      gib, wall, processor, second.wall_seconds(), second.processor_seconds(), peak_memory_bytes());
}

}  // namespace dbb::bench
