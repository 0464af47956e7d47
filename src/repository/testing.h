#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/repository.h"
#include "storage/memory_store.h"
#include "system/clock.h"

// What the tests of this layer share.
namespace dbb::repository::testing {

// Stands still unless it is turned; every reading is a second later, so that ids differ.
class StepClock final : public system::Clock {
 public:
  UtcTime now() override { return UtcTime(microseconds_ += 1'000'000); }
  std::chrono::steady_clock::time_point steady_now() override { return {}; }
  void turn(std::chrono::seconds by) { microseconds_ += std::chrono::microseconds(by).count(); }

 private:
  std::atomic<int64_t> microseconds_ = 1'795'205'702'000'000;  // 2026-11-20T20:15:02Z
};

// Rows of words and numbers: they compress about 4 : 1, as tables do.
inline std::vector<std::string> make_rows(size_t count, uint64_t seed, size_t row_bytes = 190) {
  std::mt19937_64 random(seed);
  std::vector<std::string> rows;
  for (size_t i = 0; i < count; ++i) {
    std::string row = std::to_string(i) + "\t" + std::to_string(random() % 1'000'000) + "\t";
    while (row.size() + 1 < row_bytes) row += "word" + std::to_string(random() % 1000) + " ";
    row.resize(row_bytes - 1);
    rows.push_back(row + "\n");
  }
  return rows;
}

// Bytes that do not compress.
inline Bytes make_noise(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes noise(count);
  for (size_t i = 0; i + 8 <= count; i += 8) {
    const uint64_t value = random();
    std::memcpy(noise.data() + i, &value, sizeof value);
  }
  return noise;
}

inline StreamRef write_rows(BackupWriter& backup, const StreamKey& key,
                            const std::vector<std::string>& rows) {
  const auto stream = backup.open_stream(key, StreamClass::kRows);
  for (const std::string& row : rows) stream->append(as_bytes(row), codec::xxh3_128(as_bytes(row)).low);
  return stream->finish();
}

inline StreamRef write_bytes(BackupWriter& backup, const StreamKey& key, StreamClass stream_class,
                             ByteView bytes) {
  const auto stream = backup.open_stream(key, stream_class);
  stream->append_bytes(bytes);
  return stream->finish();
}

inline std::string joined(const std::vector<std::string>& rows) {
  std::string all;
  for (const std::string& row : rows) all += row;
  return all;
}

inline std::string read_text(BackupReader& backup, const StreamRef& stream) {
  const Bytes all = backup.read_all(stream, uint64_t{1} << 32);
  return std::string(as_text(all));
}

// Every part of every item, one after the other.
inline std::string text_of(Repository& repository, const BackupId& id) {
  const auto backup = repository.open_backup(id);
  std::string text;
  backup->for_each_item([&](const Item& item) {
    for (const StreamRef& part : item.parts) text += read_text(*backup, part);
  });
  return text;
}

inline KeySource passphrase(std::string_view text) {
  return {.kind = KeyKind::kPassphrase, .secret = codec::Secret(text)};
}
// Another one for each seed.
inline KeySource key_file(uint64_t seed) {
  return {.kind = KeyKind::kKeyFile, .secret = codec::Secret(make_noise(64, seed))};
}
template <typename... Source>
std::vector<KeySource> sources(Source&&... source) {
  std::vector<KeySource> all;
  (all.push_back(std::forward<Source>(source)), ...);
  return all;
}
template <typename... Source>
std::vector<NewKey> new_keys(Source&&... source) {
  std::vector<NewKey> all;
  (all.push_back({.source = std::forward<Source>(source)}), ...);
  return all;
}

// The code of the error that `act` throws.
template <typename Act>
std::optional<ErrorCode> code_of(const Act& act) {
  try {
    act();
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

// A repository in memory.
struct Place {
  storage::MemoryStore store;
  StepClock clock;
  std::unique_ptr<Repository> repository;

  // Encrypted when there are keys; then it is open by the first.
  explicit Place(std::vector<NewKey> keys = {}, const WriteSettings& writing = {}) {
    std::vector<KeySource> opens;
    if (!keys.empty()) {
      opens.push_back({.kind = keys[0].source.kind, .secret = keys[0].source.secret.clone()});
    }
    Repository::init(store, {.writing = writing, .keys = std::move(keys)}, clock);
    repository = Repository::open(store, opens, {});
  }
  explicit Place(const WriteSettings& writing) : Place({}, writing) {}
  std::unique_ptr<BackupWriter> begin(const std::string& kind = "cluster", const std::string& source = "s") {
    return repository->begin_backup({.kind = kind, .source = source, .program_version = "1", .host = "h"},
                                    clock, {});
  }
  // A backup of one table with one part.
  Manifest back_up(const std::vector<std::string>& rows) {
    const auto backup = begin();
    backup->add_item({.kind = "table",
                      .key = "t",
                      .attributes = "{}",
                      .parts = {write_rows(*backup, {.item_key = "t"}, rows)}});
    return backup->commit({});
  }
  std::vector<Item> items_of(const BackupId& id) {
    std::vector<Item> items;
    repository->open_backup(id)->for_each_item([&](const Item& item) { items.push_back(item); });
    return items;
  }
  std::string text_of(const BackupId& id) { return testing::text_of(*repository, id); }
};

}  // namespace dbb::repository::testing
