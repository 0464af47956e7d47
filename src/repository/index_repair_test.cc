#include "repository/index_repair.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "repository/repository.h"
#include "repository/small_repository.h"
#include "repository/testing.h"
#include "storage/crash_store.h"

namespace dbb::repository {
namespace {

using testing::SmallRepository;

IndexRepairPlan plan_of(storage::ObjectStore& store) {
  NullEventSink events;
  return Repository::open(store, {})->plan_index_repair(events, {});
}

IndexRepairResult repair(storage::ObjectStore& store) {
  NullEventSink events;
  const auto repository = Repository::open(store, {});
  return repository->repair_index(repository->plan_index_repair(events, {}), events, {});
}

CheckReport check(storage::ObjectStore& store) {
  NullEventSink events;
  return Repository::open(store, {})->check({.read_data = true}, events, {});
}

// "1a 1b 2a 2c": the tables that can be read, by backup. A wrong row fails the test.
std::string readable(SmallRepository& small) {
  std::string tables;
  const auto repository = Repository::open(small.store, {});
  for (const auto& [id, number] : {std::pair(small.first, "1"), std::pair(small.second, "2")}) {
    const std::string name = number;
    try {
      const auto backup = repository->open_backup(id);
      backup->for_each_item([&](const Item& item) {
        try {
          EXPECT_EQ(testing::read_text(*backup, item.parts.at(0)), SmallRepository::rows_of(item.key));
          tables += (tables.empty() ? "" : " ") + (name + item.key);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
        }
      });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
    }
  }
  return tables;
}

constexpr const char* kAll = "1a 1b 2a 2c";

void remove_index(SmallRepository& small) {
  small.store.remove(small.objects["first index"]);
  small.store.remove(small.objects["second index"]);
}

void cut(SmallRepository& small, const std::string& pack, size_t length) {
  Bytes bytes = small.store.get(small.objects[pack], 1 << 30).value();
  bytes.resize(length);
  small.forge().replace(small.objects[pack], bytes);
}

void flip(SmallRepository& small, const std::string& pack, size_t at) {
  Bytes bytes = small.store.get(small.objects[pack], 1 << 30).value();
  bytes.at(at) ^= 1;
  small.forge().replace(small.objects[pack], bytes);
}

PackId pack_id(uint8_t byte) {
  PackId id;
  id.bytes.fill(byte);
  return id;
}

size_t count_of(storage::ObjectStore& store, const std::string& prefix) {
  size_t count = 0;
  store.list(prefix, [&](const storage::ListedObject&) { return ++count > 0; });
  return count;
}

TEST(IndexRepair, IsNotNeededWhereTheIndexIsRight) {
  SmallRepository small;
  const IndexRepairPlan plan = plan_of(small.store);
  EXPECT_FALSE(plan.needed);
  EXPECT_TRUE(plan.losses.empty());
  EXPECT_EQ(repair(small.store).new_indexes, 0U);
  EXPECT_EQ(count_of(small.store, "index/"), 2U);
}

TEST(IndexRepair, APlanChangesNothing) {
  SmallRepository small;
  remove_index(small);
  EXPECT_TRUE(plan_of(small.store).needed);
  EXPECT_EQ(count_of(small.store, "index/"), 0U);
}

TEST(IndexRepair, BringsEverythingBackWhenAllOfTheIndexIsGone) {
  SmallRepository small;
  remove_index(small);
  EXPECT_EQ(readable(small), "");
  const IndexRepairResult result = repair(small.store);
  EXPECT_EQ(result.new_indexes, 1U);
  EXPECT_EQ(result.new_packs, 0U);
  EXPECT_EQ(readable(small), kAll);
  EXPECT_TRUE(check(small.store).findings.empty());
  EXPECT_FALSE(plan_of(small.store).needed);
}

TEST(IndexRepair, ReplacesAnIndexThatIsDamaged) {
  SmallRepository small;
  small.forge().replace(small.objects["first index"], as_bytes("nonsense"));
  EXPECT_EQ(repair(small.store).removed_indexes, 2U);
  EXPECT_EQ(readable(small), kAll);
  EXPECT_TRUE(check(small.store).findings.empty());
}

TEST(IndexRepair, CorrectsAnIndexThatLies) {
  SmallRepository truth;
  PackContents wrong = truth.packs["pack of c"];
  wrong.frames[0].offset += 1;
  SmallRepository small({.index = encode_index({{wrong}})});
  const IndexRepairPlan plan = plan_of(small.store);
  ASSERT_EQ(plan.reasons.size(), 1U);
  EXPECT_NE(plan.reasons[0].find(small.objects["pack of c"]), std::string::npos);
  repair(small.store);
  EXPECT_EQ(readable(small), kAll);
  EXPECT_TRUE(check(small.store).findings.empty());
}

TEST(IndexRepair, WorksWithCopiesPartialCopiesAndPacksOfNobody) {
  SmallRepository small;
  // A second copy of a, a copy of b without its first chunk, and what a killed backup left.
  small.forge().pack(pack_id(0x66), {small.copy_of("pack of a and b", "a"), small.second_half_of_b()});
  small.forge().pack(pack_id(0x77), {small.forge().frame(StreamClass::kRows, {Bytes(500, 'x')})});
  remove_index(small);

  const IndexRepairPlan plan = plan_of(small.store);
  EXPECT_TRUE(plan.losses.empty());
  EXPECT_EQ(plan.packs_left_out, 1U);
  repair(small.store);
  EXPECT_EQ(readable(small), kAll);
  const CheckReport report = check(small.store);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.unreferenced_packs, 1U);
}

TEST(IndexRepair, SalvagesWhatIsWholeInAPackThatWasCut) {
  SmallRepository small;
  cut(small, "pack of a and b", small.packs["pack of a and b"].frames[1].offset + 50);
  const IndexRepairPlan plan = plan_of(small.store);
  ASSERT_EQ(plan.broken_packs.size(), 1U);
  EXPECT_EQ(plan.broken_packs[0].whole_frames, 1U);
  ASSERT_EQ(plan.losses.size(), 1U);
  EXPECT_EQ(plan.losses[0].hurt_items, std::vector{small.first.text() + ": table b"});

  EXPECT_EQ(repair(small.store).new_packs, 1U);
  EXPECT_EQ(readable(small), "1a 2a 2c");
  // What remains is what is lost; the pack that was cut is no part of the repository any more.
  const CheckReport report = check(small.store);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].hurt_items, std::vector{small.first.text() + ": table b"});
  EXPECT_EQ(report.unreferenced_packs, 1U);
  EXPECT_FALSE(plan_of(small.store).needed);
}

TEST(IndexRepair, LosesNothingWhereOnlyTheDirectoryIsDamaged) {
  SmallRepository small;
  const size_t size = small.packs["pack of lists"].pack.size_bytes;
  flip(small, "pack of lists", size - kPackTrailerBytes - 10);
  remove_index(small);
  const IndexRepairPlan plan = plan_of(small.store);
  EXPECT_TRUE(plan.losses.empty());
  ASSERT_EQ(plan.broken_packs.size(), 1U);
  EXPECT_EQ(plan.broken_packs[0].wanted_offsets.size(), 3U);
  repair(small.store);
  EXPECT_EQ(readable(small), kAll);
  EXPECT_TRUE(check(small.store).findings.empty());
}

TEST(IndexRepair, FindsTheFramesBehindADamagedOne) {
  SmallRepository small;
  const PackContents& pack = small.packs["pack of a and b"];
  flip(small, "pack of a and b", pack.frames[0].offset + 17);  // its length
  flip(small, "pack of a and b", pack.pack.size_bytes - 3);
  remove_index(small);
  repair(small.store);
  EXPECT_EQ(readable(small), "1b 2c");
}

TEST(IndexRepair, DropsAPackThatIsGoneAndSaysWhatWasInIt) {
  SmallRepository small;
  small.store.remove(small.objects["pack of c"]);
  const IndexRepairPlan plan = plan_of(small.store);
  ASSERT_EQ(plan.losses.size(), 1U);
  EXPECT_EQ(plan.losses[0].hurts, std::vector{small.second});
  repair(small.store);
  EXPECT_EQ(readable(small), "1a 1b 2a");
  EXPECT_FALSE(plan_of(small.store).needed);
}

TEST(IndexRepair, AnsweredWithABackupStoresAgainWhatIsLost) {
  testing::Place place;
  const auto rows = testing::make_rows(3000, 1);
  const BackupId id = place.back_up(rows).id;
  std::vector<std::string> packs;
  place.store.list("packs/", [&](const storage::ListedObject& object) {
    packs.push_back(object.name);
    return true;
  });
  const Bytes pack = place.store.get(packs.at(0), 1 << 30).value();
  place.store.remove(packs.at(0));
  place.store.put(packs.at(0), ByteView(pack).first(pack.size() / 2));
  repair(place.store);
  EXPECT_EQ(place.text_of(place.back_up(rows).id), testing::joined(rows));
  EXPECT_EQ(place.text_of(id), testing::joined(rows));
}

// Whatever was readable before stays readable, and the next repair ends the work.
TEST(IndexRepair, KilledAtAnyStepLeavesWhatWasReadable) {
  const std::vector<std::pair<std::string, std::function<void(SmallRepository&)>>> cases = {
      {kAll, [](SmallRepository& small) { small.store.remove(small.objects["second index"]); }},
      {kAll,
       [](SmallRepository& small) {
         flip(small, "pack of a and b", small.packs["pack of a and b"].pack.size_bytes - 3);
       }},
      {"1a 2a 2c",
       [](SmallRepository& small) {
         cut(small, "pack of a and b", small.packs["pack of a and b"].frames[1].offset + 50);
         small.forge().replace(small.objects["second index"], as_bytes("x"));
       }},
  };
  int steps = 0;
  for (const auto& [expected, damage] : cases) {
    for (const auto fault : {storage::CrashStore::Fault::kDies, storage::CrashStore::Fault::kDiesAfter}) {
      for (int step = 1;; ++step) {
        SmallRepository small;
        damage(small);
        const std::string before = readable(small);
        storage::CrashStore dying(small.store);
        dying.fail_at(step, fault);
        try {
          repair(dying);
          ASSERT_GT(step, 2);
          break;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kStorageFailed) << error.what();
        }
        ++steps;
        const std::string killed = readable(small);
        EXPECT_TRUE(killed == before || killed == expected) << "step " << step << ": " << killed;
        repair(small.store);
        EXPECT_EQ(readable(small), expected) << "step " << step;
        EXPECT_FALSE(plan_of(small.store).needed);
      }
    }
  }
  RecordProperty("steps", steps);
  EXPECT_GE(steps, 12);
}

}  // namespace
}  // namespace dbb::repository
