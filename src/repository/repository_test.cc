#include "repository/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>
#include <thread>

#include "base/error.h"
#include "repository/testing.h"

namespace dbb::repository {
namespace {

using testing::joined;
using testing::make_rows;
using testing::Place;
using testing::read_text;
using testing::write_bytes;
using testing::write_rows;

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Repository, IsNotThereBeforeInit) {
  storage::MemoryStore store;
  EXPECT_EQ(code_of([&] { Repository::open(store, {}); }), ErrorCode::kRepositoryNotFound);
}

TEST(Repository, IsMadeOnce) {
  Place place;
  EXPECT_EQ(code_of([&] { Repository::init(place.store, {}, place.clock); }), ErrorCode::kRepositoryExists);
  EXPECT_EQ(place.repository->id().size(), 32U);
  EXPECT_TRUE(place.repository->list_backups().backups.empty());
}

TEST(Repository, BringsBackWhatWasWritten) {
  Place place;
  const auto rows = make_rows(20'000, 1);
  const Manifest written = place.back_up(rows);
  EXPECT_EQ(place.repository->read_manifest(written.id), written);
  EXPECT_EQ(written.totals.logical_bytes, joined(rows).size());
  EXPECT_EQ(place.text_of(written.id), joined(rows));
  EXPECT_TRUE(place.repository->open_backup(written.id)->missing_frames({}).empty());
}

TEST(Repository, StoresNothingAgainThatDidNotChange) {
  Place place;
  const auto rows = make_rows(50'000, 1);
  const Manifest first = place.back_up(rows);
  const Manifest second = place.back_up(rows);
  EXPECT_EQ(second.parents, std::vector{first.id});
  EXPECT_EQ(second.totals.new_bytes_raw, 0U);
  EXPECT_EQ(second.totals.stored_bytes, 0U);
  EXPECT_EQ(place.text_of(second.id), joined(rows));
}

TEST(Repository, StoresAboutOneChunkForEachChangedRow) {
  Place place;
  auto rows = make_rows(50'000, 1);  // 9.5 MB
  place.back_up(rows);
  for (size_t i = 0; i < 50; ++i) rows[i * 1000 + 7] = make_rows(1, 100 + i)[0];
  const Manifest second = place.back_up(rows);
  EXPECT_EQ(place.text_of(second.id), joined(rows));
  EXPECT_GT(second.totals.new_bytes_raw, 50U * 1024);
  EXPECT_LT(second.totals.new_bytes_raw, 50U * 16384);  // with recipe and item list
}

TEST(Repository, FindsItsWayAgainAfterRowsWereInsertedAndRemoved) {
  Place place;
  auto rows = make_rows(20'000, 1);
  place.back_up(rows);
  rows.insert(rows.begin() + 5000, "a new row\n");
  rows.erase(rows.begin() + 15'000);
  const Manifest second = place.back_up(rows);
  EXPECT_EQ(place.text_of(second.id), joined(rows));
  EXPECT_LT(second.totals.new_bytes_raw, 100'000U);
}

TEST(Repository, StoresFramesOfTheSameContentOnce) {
  Place place;
  const auto rows = make_rows(20'000, 1);
  const auto first = place.begin("cluster", "one host");
  first->add_item({.kind = "table",
                   .key = "a",
                   .attributes = "",
                   .parts = {write_rows(*first, {.item_key = "a"}, rows)}});
  first->add_item({.kind = "table",
                   .key = "b",
                   .attributes = "",
                   .parts = {write_rows(*first, {.item_key = "b"}, rows)}});
  const Manifest one = first->commit({});
  EXPECT_LT(one.totals.new_bytes_raw, joined(rows).size() * 11 / 10);
  EXPECT_EQ(one.totals.logical_bytes, joined(rows).size() * 2);

  const auto second = place.begin("cluster", "a clone");
  second->add_item({.kind = "table",
                    .key = "c",
                    .attributes = "",
                    .parts = {write_rows(*second, {.item_key = "c"}, rows)}});
  const Manifest two = second->commit({});
  EXPECT_TRUE(two.parents.empty());
  EXPECT_LT(two.totals.new_bytes_raw, 10'000U);  // the item list
  EXPECT_EQ(place.text_of(two.id), joined(rows));
}

TEST(Repository, BringsBackRowsOfAnyLength) {
  Place place;
  std::vector<std::string> rows = {"",
                                   "x",
                                   "",
                                   make_rows(1, 5, 5'000'000)[0],
                                   "y",
                                   make_rows(1, 6, 16'384)[0],
                                   make_rows(1, 7, 16'385)[0],
                                   std::string(300'000, '\0'),
                                   ""};
  const Manifest first = place.back_up(rows);
  EXPECT_EQ(place.text_of(first.id), joined(rows));
  EXPECT_EQ(first.totals.logical_bytes, joined(rows).size());
  // The long row is cut from its own beginning, so one before it does not matter.
  rows[1] = "another beginning";
  const Manifest second = place.back_up(rows);
  EXPECT_EQ(place.text_of(second.id), joined(rows));
  EXPECT_LT(second.totals.new_bytes_raw, 100'000U);
}

TEST(Repository, BringsBackEmptyStreamsAndItemsWithoutStreams) {
  Place place;
  const auto backup = place.begin();
  const StreamRef empty_rows = write_rows(*backup, {.item_key = "e"}, {});
  const StreamRef empty_pages = write_bytes(*backup, {.item_key = "e", .part = 1}, StreamClass::kPages, {});
  backup->add_item(
      {.kind = "table", .key = "e", .attributes = "{}", .parts = {empty_rows, empty_pages, StreamRef{}}});
  backup->add_item({.kind = "role", .key = "", .attributes = "", .parts = {}});
  const Manifest manifest = backup->commit({});
  const auto items = place.items_of(manifest.id);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].kind, "role");
  ASSERT_EQ(items[1].parts.size(), 3U);
  EXPECT_EQ(place.text_of(manifest.id), "");
  EXPECT_EQ(manifest.totals.streams, 2U);
}

TEST(Repository, AnEmptyBackupIsABackup) {
  Place place;
  const Manifest manifest = place.begin()->commit({.complete = false, .document = R"({"reason":"ä"})"});
  const auto backup = place.repository->open_backup(manifest.id);
  EXPECT_FALSE(backup->manifest().complete);
  EXPECT_EQ(backup->manifest().document, R"({"reason":"ä"})");
  backup->for_each_item([](const Item&) { FAIL(); });
}

TEST(Repository, BringsBackPagesAndStoresOnlyThoseThatChanged) {
  Place place;
  std::mt19937_64 random(1);
  Bytes pages(300 * 8192 + 1000);
  for (size_t i = 0; i < pages.size(); i += 3) pages[i] = static_cast<uint8_t>(random());
  std::fill_n(pages.begin() + 100 * 8192, 50 * 8192, uint8_t{0});  // a hole
  const auto back_up = [&](size_t piece) {
    const auto backup = place.begin("physical");
    const auto stream = backup->open_stream({.item_key = "base/1/2"}, StreamClass::kPages);
    for (size_t at = 0; at < pages.size(); at += piece) {
      stream->append_bytes(ByteView(pages).subspan(at, std::min(piece, pages.size() - at)));
    }
    backup->add_item({.kind = "file", .key = "base/1/2", .attributes = "", .parts = {stream->finish()}});
    return backup->commit({});
  };
  const Manifest first = back_up(65'536);
  EXPECT_EQ(place.text_of(first.id), as_text(pages));
  EXPECT_EQ(first.totals.new_bytes_raw - 250 * 8192 - 1000,
            0U + first.totals.new_bytes_raw - (250 * 8192 + 1000));
  EXPECT_LT(first.totals.new_bytes_raw, 250U * 8192 + 1000 + 2000);  // the hole is not there

  pages[200 * 8192 + 5] ^= 1;
  const Manifest second = back_up(777);  // in other pieces, which does not matter
  EXPECT_EQ(place.text_of(second.id), as_text(pages));
  EXPECT_GE(second.totals.new_bytes_raw, 8192U);
  EXPECT_LT(second.totals.new_bytes_raw, 8192U + 4000);
}

TEST(Repository, ManyScatteredChangesMakeARecipeOfItsOwn) {
  Place place;
  auto rows = make_rows(100'000, 1, 100);
  place.back_up(rows);
  for (size_t i = 0; i < rows.size(); i += 500) rows[i] = "changed " + rows[i];
  const Manifest second = place.back_up(rows);
  const auto items = place.items_of(second.id);
  EXPECT_GE(items.at(0).parts.at(0).depth, 1);
  EXPECT_LT(items.at(0).parts.at(0).recipe.size(), 4096U);
  EXPECT_EQ(place.text_of(second.id), joined(rows));
  // The recipe is compared too.
  rows[50] = "changed again\n";
  const Manifest third = place.back_up(rows);
  EXPECT_LT(third.totals.new_bytes_raw, 60'000U);
  EXPECT_EQ(place.text_of(third.id), joined(rows));
}

// Counts what is read from packs.
class CountingStore final : public storage::ObjectStore {
 public:
  explicit CountingStore(storage::ObjectStore& store) : store_(store) {}
  uint64_t take_bytes_read() { return std::exchange(bytes_read_, 0); }

  storage::StoreFeatures features() const override { return store_.features(); }
  std::string describe() const override { return store_.describe(); }
  storage::PutResult put(std::string_view name, std::span<const ByteView> pieces) override {
    return store_.put(name, pieces);
  }
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override { return store_.get(name, limit); }
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override {
    bytes_read_ += into.size();
    return store_.get_range(name, offset, into);
  }
  std::optional<uint64_t> size(std::string_view name) override { return store_.size(name); }
  void list(std::string_view prefix,
            const std::function<bool(const storage::ListedObject&)>& visit) override {
    store_.list(prefix, visit);
  }
  bool remove(std::string_view name) override { return store_.remove(name); }

 private:
  storage::ObjectStore& store_;
  uint64_t bytes_read_ = 0;
};

TEST(Repository, AStretchNeverNeedsMuchMoreThanTwiceItsSizeInFrames) {
  Place place;
  CountingStore counting(place.store);
  auto rows = make_rows(20'000, 1, 100);
  const auto bytes_opened = [&](const BackupId& id) {
    const auto backup = Repository::open(counting, {})->open_backup(id);
    StreamRef table;
    backup->for_each_item([&](const Item& item) { table = item.parts.at(0); });
    counting.take_bytes_read();
    EXPECT_EQ(read_text(*backup, table), joined(rows));
    return counting.take_bytes_read();
  };
  std::mt19937_64 random(3);
  Manifest last = place.back_up(rows);
  const uint64_t at_first = bytes_opened(last.id);
  for (int i = 0; i < 80; ++i) {
    for (int k = 0; k < 12; ++k) rows[random() % rows.size()] = make_rows(1, random(), 100)[0];
    last = place.back_up(rows);
  }
  EXPECT_LT(bytes_opened(last.id), at_first * 24 / 10);  // without the rule, 3.3 times
}

TEST(Repository, ListsItemsInTheOrderOfTheirKeys) {
  Place place;
  const auto backup = place.begin();
  for (const std::string key : {"b", "a/2", "c", "a/1", "\xc3\xa4"}) {
    backup->add_item({.kind = "k", .key = key, .attributes = "", .parts = {}});
  }
  std::string order;
  for (const Item& item : place.items_of(backup->commit({}).id)) order += item.key + " ";
  EXPECT_EQ(order, "a/1 a/2 b c \xc3\xa4 ");
}

TEST(Repository, TakesManyItemsAndReadsThemOneByOne) {
  Place place;
  const auto backup = place.begin();
  for (int i = 0; i < 20'000; ++i) {
    backup->add_item(
        {.kind = "table", .key = std::to_string(i), .attributes = R"({"rows":0})", .parts = {StreamRef{}}});
  }
  const Manifest manifest = backup->commit({});
  size_t count = 0;
  place.repository->open_backup(manifest.id)->for_each_item([&](const Item&) { ++count; });
  EXPECT_EQ(count, 20'000U);
}

TEST(Repository, ComparesWithTheNewestBackupThatHasTheItem) {
  Place place;
  const auto rows = make_rows(5000, 1);
  const auto other = make_rows(5000, 2);
  const auto cluster = place.begin("cluster");
  cluster->add_item({.kind = "table",
                     .key = "x",
                     .attributes = "",
                     .parts = {write_rows(*cluster, {.item_key = "x"}, rows)}});
  const Manifest first = cluster->commit({});
  const auto database = place.begin("database");
  database->add_item({.kind = "table",
                      .key = "y",
                      .attributes = "",
                      .parts = {write_rows(*database, {.item_key = "y"}, other)}});
  const Manifest second = database->commit({});

  const auto third = place.begin("cluster");
  EXPECT_EQ(third->parents(), (std::vector{second.id, first.id}));
  const auto x = third->open_stream({.item_key = "x"}, StreamClass::kRows);
  for (const std::string& row : rows) x->append(as_bytes(row), codec::xxh3_128(as_bytes(row)).low);
  x->finish();
  EXPECT_EQ(x->new_bytes(), 0U);
  EXPECT_EQ(x->bytes(), joined(rows).size());
  // Another source is nothing to compare with.
  EXPECT_TRUE(place.begin("cluster", "another")->parents().empty());
}

TEST(Repository, ResolvesWhatPeopleType) {
  Place place;
  EXPECT_EQ(code_of([&] { place.repository->resolve("latest"); }), ErrorCode::kBackupNotFound);
  const BackupId first = place.begin()->commit({}).id;
  const BackupId second = place.begin()->commit({}).id;
  EXPECT_EQ(place.repository->resolve("latest"), second);
  EXPECT_EQ(place.repository->resolve(first.text()), first);
  EXPECT_EQ(place.repository->resolve(first.text().substr(0, 20)), first);
  EXPECT_EQ(code_of([&] { place.repository->resolve("1999"); }), ErrorCode::kBackupNotFound);
  EXPECT_EQ(code_of([&] { place.repository->resolve(""); }), ErrorCode::kBackupNotFound);
  EXPECT_EQ(place.repository->resolve("2030-01-01T00:00:00Z"), second);
  EXPECT_EQ(place.repository->resolve(place.repository->read_manifest(first).started.iso()), first);
  EXPECT_EQ(code_of([&] { place.repository->resolve("2020-01-01T00:00:00Z"); }), ErrorCode::kBackupNotFound);
  try {
    place.repository->resolve("2026");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBackupAmbiguous);
    EXPECT_THAT(error.solution(), ::testing::IsSupersetOf({first.text(), second.text()}));
  }
}

TEST(Repository, WithoutCommitThereIsNoBackupAndNothingIsLeft) {
  Place place;
  {
    const auto backup = place.begin();
    write_bytes(*backup, {.item_key = "t"}, StreamClass::kBytes,
                testing::make_noise(40 << 20, 1));  // two packs
  }
  place.store.list("", [](const storage::ListedObject& object) {
    EXPECT_TRUE(object.name == "config" || object.name.starts_with("keys/")) << object.name;
    return true;
  });
}

TEST(Repository, AStreamThatWasNotFinishedIsNotInTheBackup) {
  Place place;
  const auto rows = make_rows(1000, 1);
  const auto backup = place.begin();
  backup->open_stream({.item_key = "t"}, StreamClass::kRows)->append(as_bytes("half"), 1);
  backup->add_item({.kind = "table",
                    .key = "t",
                    .attributes = "",
                    .parts = {write_rows(*backup, {.item_key = "t"}, rows)}});
  EXPECT_EQ(place.text_of(backup->commit({}).id), joined(rows));
}

TEST(Repository, StopsSoonWhenAskedTo) {
  Place place;
  std::stop_source stop;
  const auto backup = place.repository->begin_backup(
      {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, place.clock, stop.get_token());
  const auto stream = backup->open_stream({.item_key = "t"}, StreamClass::kRows);
  const auto rows = make_rows(1000, 1);
  const auto write = [&] {
    for (const std::string& row : rows) stream->append(as_bytes(row), codec::xxh3_128(as_bytes(row)).low);
  };
  write();
  stop.request_stop();
  EXPECT_EQ(code_of(write), ErrorCode::kCancelled);
  EXPECT_EQ(code_of([&] { backup->commit({}); }), ErrorCode::kCancelled);
  EXPECT_EQ(
      code_of([&] { place.repository->check({}, *std::make_unique<NullEventSink>(), stop.get_token()); }),
      ErrorCode::kCancelled);
  EXPECT_TRUE(place.repository->list_backups().backups.empty());
}

TEST(Repository, TakesFourStreamsAtOnceAndReadsThemAtOnce) {
  Place place;
  const auto run = [&](uint64_t changes) {
    const auto backup = place.begin();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (uint32_t n = 0; n < 5; ++n) {
          const std::string key = std::to_string(t) + "/" + std::to_string(n);
          auto rows = make_rows(2000, static_cast<uint64_t>(t) * 100 + n);
          for (uint64_t i = 0; i < changes; ++i) rows[i * 100] = "changed\n";
          backup->add_item({.kind = "table",
                            .key = key,
                            .attributes = "",
                            .parts = {write_rows(*backup, {.item_key = key}, rows)}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return backup->commit({});
  };
  run(0);
  const Manifest manifest = run(10);
  EXPECT_EQ(manifest.totals.streams, 20U);
  const auto backup = place.repository->open_backup(manifest.id);
  std::vector<Item> items;
  backup->for_each_item([&](const Item& item) { items.push_back(item); });
  ASSERT_EQ(items.size(), 20U);
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&, t] {
      for (uint32_t n = 0; n < 5; ++n) {
        auto rows = make_rows(2000, static_cast<uint64_t>(t) * 100 + n);
        for (size_t i = 0; i < 10; ++i) rows[i * 100] = "changed\n";
        EXPECT_EQ(read_text(*backup, items[static_cast<size_t>(t) * 5 + n].parts.at(0)), joined(rows));
      }
    });
  }
  for (std::thread& thread : readers) thread.join();
}

TEST(Repository, ANewRepositoryObjectSeesBackupsOfAnother) {
  Place place;
  const auto rows = make_rows(3000, 1);
  const auto other = Repository::open(place.store, {});
  const Manifest manifest = place.back_up(rows);
  const auto backup = other->open_backup(manifest.id);
  std::string text;
  backup->for_each_item([&](const Item& item) { text += read_text(*backup, item.parts.at(0)); });
  EXPECT_EQ(text, joined(rows));
}

TEST(Repository, OfBackupsOfOneSecondTheLastIsTheLatest) {
  class StillClock final : public system::Clock {
   public:
    UtcTime now() override { return UtcTime(1'795'205'702'000'000); }
    std::chrono::steady_clock::time_point steady_now() override { return {}; }
  };
  Place place;
  StillClock clock;
  const auto repository = Repository::open(place.store, {});
  for (int i = 0; i < 20; ++i) {
    const auto writer = repository->begin_backup(
        {.kind = "cluster", .source = "test", .program_version = "", .host = ""}, clock, {});
    const BackupId id = writer->commit({}).id;
    EXPECT_EQ(repository->resolve("latest"), id);
  }
}

TEST(Repository, ChecksASoundRepositoryWithoutFindings) {
  Place place;
  place.back_up(make_rows(20'000, 1));
  place.back_up(make_rows(20'000, 2));
  NullEventSink events;
  const CheckReport report = place.repository->check({.read_data = true}, events, {});
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.backups, 2U);
  EXPECT_GE(report.packs, 2U);
  EXPECT_GT(report.bytes_read, 1'000'000U);
  EXPECT_EQ(report.unreferenced_packs, 0U);
}

}  // namespace
}  // namespace dbb::repository
