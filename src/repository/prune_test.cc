#include "repository/prune.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include "base/error.h"
#include "repository/pack_choice.h"
#include "repository/session.h"
#include "repository/small_repository.h"
#include "repository/testing.h"
#include "storage/crash_store.h"
#include "storage/faulty_store.h"
#include "system/machine.h"

namespace dbb::repository {
namespace {

using testing::joined;
using testing::make_rows;
using testing::Place;
using testing::StepClock;

// Small packs, so that little data makes many.
constexpr WriteSettings kSmallPacks = {.rows = {}, .frame_bytes = 16 << 10, .pack_bytes = 64 << 10};

class Prune : public ::testing::Test {
 protected:
  PruneResult prune(const std::string& host = "pruner") {
    return prune(*place_.repository, place_.clock, host);
  }
  PruneResult prune(Repository& repository, system::Clock& clock, const std::string& host) {
    NullEventSink events;
    return repository.prune({.host = host}, clock, events, {});
  }
  PrunePlan plan() {
    NullEventSink events;
    return place_.repository->plan_prune({.host = "pruner"}, place_.clock, events, {});
  }
  void forget(const BackupId& id) { place_.repository->forget(id, "test", place_.clock); }

  uint64_t pack_bytes() {
    uint64_t bytes = 0;
    place_.store.list("packs/", [&](const storage::ListedObject& object) {
      bytes += object.size_bytes;
      return true;
    });
    return bytes;
  }
  std::vector<std::string> state() {
    std::vector<std::string> objects;
    place_.store.list("state/", [&](const storage::ListedObject& object) {
      if (!object.name.starts_with("state/forgotten/")) objects.push_back(object.name);
      return true;
    });
    return objects;
  }
  void expect_sound() {
    NullEventSink events;
    const CheckReport report = place_.repository->check({.read_data = true}, events, {});
    for (const CheckFinding& finding : report.findings)
      ADD_FAILURE() << finding.object << ": " << finding.problem;
    EXPECT_EQ(report.unreferenced_packs, 0U);
  }

  Place place_{kSmallPacks};
};

// Of a process of this host that was there once.
std::string identity_of_the_dead() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string identity = system::process_identity();
    const bool told = ::write(ends[1], identity.data(), identity.size()) > 0;
    ::_exit(told ? 0 : 1);
  }
  ::waitpid(child, nullptr, 0);
  std::string identity(4096, '\0');
  const ssize_t length = ::read(ends[0], identity.data(), identity.size());
  identity.resize(static_cast<size_t>(std::max<ssize_t>(0, length)));
  ::close(ends[0]);
  ::close(ends[1]);
  return identity;
}

std::optional<ErrorCode> code_of(const std::function<void()>& action) {
  try {
    action();
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

TEST_F(Prune, WhatOnlyForgottenBackupsNeedIsDeletedAtOnceWhenNobodyElseIsThere) {
  const auto kept = make_rows(1000, 1);
  const Manifest first = place_.back_up(make_rows(3000, 2));
  const Manifest second = place_.back_up(kept);
  forget(first.id);
  const uint64_t before = pack_bytes();
  EXPECT_GT(plan().bytes_to_free(), before / 2);
  const PruneResult result = prune();
  EXPECT_GT(result.deleted.packs, 2U);
  EXPECT_EQ(static_cast<int64_t>(before - pack_bytes()), result.freed_bytes());
  EXPECT_LT(pack_bytes(), before / 2);
  EXPECT_EQ(place_.text_of(second.id), joined(kept));
  EXPECT_TRUE(state().empty());
  expect_sound();
  EXPECT_TRUE(plan().nothing_to_do());
}

TEST_F(Prune, NothingIsDeletedWhileEveryBackupIsNeeded) {
  const Manifest first = place_.back_up(make_rows(1000, 1));
  const Manifest second = place_.back_up(make_rows(1000, 2));
  EXPECT_TRUE(plan().nothing_to_do());
  const PruneResult result = prune();
  EXPECT_EQ(result.deleted.packs + result.written.packs + result.condemned.packs, 0U);
  expect_sound();
}

// A directory takes as much room, whatever the chunks take.
TEST_F(Prune, WhatCompressesWellIsNotWrittenAnewForEver) {
  std::vector<std::string> rows;
  for (int i = 0; i < 5000; ++i) rows.push_back(std::to_string(i) + std::string(180, 'x') + "\n");
  place_.back_up(rows);
  EXPECT_TRUE(plan().nothing_to_do());
}

TEST(PackUse, APackIsNotSmallThatHasAsManyChunksAsAny) {
  EXPECT_TRUE(is_small({.bytes = 1 << 20, .chunks = kPackChunks / 10}, kPackBytes));
  EXPECT_FALSE(is_small({.bytes = 1 << 20, .chunks = kPackChunks}, kPackBytes));
  EXPECT_FALSE(is_small({.bytes = kPackBytes, .chunks = 1}, kPackBytes));
}

// The writer ended between its manifest and its look at what became of the packs, and what is gone of them is
// not a whole frame.
TEST(PruneAfterADeath, ABackupThatRefersToChunksWhichCompactionLeftOutIsWithdrawn) {
  testing::SmallRepository small;
  const PackContents compacted = small.forge().pack(
      PackId::from(Bytes(16, 0x66)), {small.copy_of("pack of a and b", "a"), small.second_half_of_b()});
  small.forge().index(small.objects["first index"], {compacted, small.packs["pack of lists"]});
  small.store.remove(small.objects["pack of a and b"]);
  small.forge().replace_sealed(
      BoxKind::kState, small.objects["session"],
      as_bytes(R"({"backup":")" + small.first.text() +
               R"(","beat_us":1,"format":"dbbackup-state","host":"h","kind":"sessions",)"
               R"("operation":"backup","process":")" +
               identity_of_the_dead() + R"(","started_us":1})"));
  const auto repository = Repository::open(small.store, {});
  NullEventSink events;
  StepClock clock;
  repository->prune({.host = "pruner"}, clock, events, {});
  const auto left = repository->list_backups().backups;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, small.second);
  EXPECT_TRUE(repository->check({.read_data = true}, events, {}).findings.empty());
}

TEST_F(Prune, AfterTwentyIncrementsTheLastBackupCostsLittleMoreThanAFreshOne) {
  auto rows = make_rows(20'000, 1);
  std::mt19937_64 random(7);
  std::vector<BackupId> ids = {place_.back_up(rows).id};
  for (int increment = 0; increment < 20; ++increment) {
    for (int change = 0; change < 200; ++change) {  // 1 % of the rows, scattered
      rows[random() % rows.size()] = make_rows(1, random())[0];
    }
    ids.push_back(place_.back_up(rows).id);
  }
  for (size_t i = 0; i + 1 < ids.size(); ++i) forget(ids[i]);
  prune();
  EXPECT_EQ(place_.text_of(ids.back()), joined(rows));
  expect_sound();
  EXPECT_TRUE(plan().nothing_to_do());  // though half of the frames lack chunks now

  Place fresh(kSmallPacks);
  fresh.back_up(rows);
  uint64_t fresh_bytes = 0;
  fresh.store.list("packs/", [&](const storage::ListedObject& object) {
    fresh_bytes += object.size_bytes;
    return true;
  });
  EXPECT_LE(static_cast<double>(pack_bytes()), 1.25 * static_cast<double>(fresh_bytes));
  RecordProperty("share_of_fresh",
                 std::to_string(static_cast<double>(pack_bytes()) / static_cast<double>(fresh_bytes)));
}

TEST_F(Prune, APackThatIsGoneAndNobodyNeedsIsTakenOffTheIndex) {
  const Manifest first = place_.back_up(make_rows(3000, 1));
  place_.back_up(make_rows(10, 2));
  forget(first.id);
  std::string gone;
  place_.store.list("packs/", [&](const storage::ListedObject& object) {
    gone = object.name;
    return object.size_bytes < kSmallPacks.pack_bytes / 2;
  });
  place_.store.remove(gone);
  prune();
  expect_sound();
}

TEST_F(Prune, ARunningBackupKeepsWhatItComparesWith) {
  const auto rows = make_rows(3000, 1);
  const Manifest first = place_.back_up(rows);
  place_.back_up(make_rows(10, 2));
  const auto writer = place_.begin();  // compares with both
  const auto other = Repository::open(place_.store, {}, {});
  forget(first.id);
  const PruneResult waiting = prune(*other, place_.clock, "other");
  EXPECT_EQ(waiting.deleted.packs, 0U);
  EXPECT_GT(waiting.condemned.packs, 0U);
  ASSERT_EQ(waiting.waits_for.size(), 1U);
  EXPECT_NE(waiting.waits_for[0].find("backup on host h"), std::string::npos) << waiting.waits_for[0];

  writer->add_item({.kind = "table",
                    .key = "t",
                    .attributes = "{}",
                    .parts = {testing::write_rows(*writer, {.item_key = "t"}, rows)}});
  const Manifest second = writer->commit({});
  const PruneResult after = prune(*other, place_.clock, "other");
  EXPECT_EQ(place_.text_of(second.id), joined(rows));
  EXPECT_TRUE(state().empty());
  EXPECT_EQ(after.condemned.packs, 0U);
  expect_sound();
}

TEST_F(Prune, NobodyComparesWithCondemnedPacks) {
  const auto rows = make_rows(3000, 1);
  const Manifest first = place_.back_up(rows);
  place_.back_up(make_rows(10, 2));
  const auto reader = place_.repository->announce({.operation = "restore", .host = "r"}, place_.clock);
  forget(first.id);
  EXPECT_GT(prune().condemned.packs, 0U);
  const Manifest again = place_.back_up(rows);
  EXPECT_GE(again.totals.new_bytes_raw, joined(rows).size());
  EXPECT_EQ(place_.text_of(again.id), joined(rows));
}

TEST_F(Prune, AWriterThatWasSilentMayNotCommit) {
  const auto rows = make_rows(1000, 1);
  place_.back_up(rows);
  const auto writer = place_.begin();
  writer->add_item({.kind = "table",
                    .key = "t",
                    .attributes = "{}",
                    .parts = {testing::write_rows(*writer, {.item_key = "t"}, rows)}});
  place_.clock.turn(std::chrono::hours(13));
  EXPECT_EQ(code_of([&] { writer->commit({}); }), ErrorCode::kSessionSilent);
  EXPECT_EQ(place_.repository->list_backups().backups.size(), 1U);
}

TEST_F(Prune, AFullDiskKeepsNobodyFromReading) {
  storage::FaultyStore full(place_.store);
  full.fail_puts_from(1, ErrorCode::kDiskFull);
  const auto repository = Repository::open(full, std::stop_token());
  EXPECT_NE(repository->announce({.operation = "restore", .host = "h"}, place_.clock), nullptr);
}

TEST_F(Prune, ASignOfLifeAfterALongSilenceDoesNotUndoIt) {
  const auto session = place_.repository->announce({.operation = "backup", .host = "h"}, place_.clock);
  place_.clock.turn(std::chrono::hours(11));
  session->beat();
  place_.clock.turn(std::chrono::hours(11));
  session->refuse_if_silent();
  place_.clock.turn(std::chrono::hours(13));
  session->beat();
  EXPECT_EQ(code_of([&] { session->refuse_if_silent(); }), ErrorCode::kSessionSilent);
}

// The writer's own clock stands still: it does not know that it was silent.
TEST_F(Prune, AWriterTakenForDeadFailsWhenItWakesUpAndNeverLeavesABrokenBackup) {
  const auto rows = make_rows(3000, 1);
  const Manifest first = place_.back_up(rows);
  place_.back_up(make_rows(10, 2));
  const auto host = Repository::open(place_.store, {}, {});
  StepClock stopped;
  const auto writer = host->begin_backup(
      {.kind = "cluster", .source = "s", .program_version = "1", .host = "w"}, stopped, {});
  writer->add_item({.kind = "table",
                    .key = "t",
                    .attributes = "{}",
                    .parts = {testing::write_rows(*writer, {.item_key = "t"}, rows)}});
  forget(first.id);
  EXPECT_EQ(prune().deleted.packs, 0U);
  place_.clock.turn(std::chrono::hours(23));
  EXPECT_EQ(prune().deleted.packs, 0U);
  place_.clock.turn(std::chrono::hours(2));
  EXPECT_GT(prune().deleted.packs, 0U);
  EXPECT_EQ(code_of([&] { writer->commit({}); }), ErrorCode::kPackDeleted);
  EXPECT_EQ(place_.repository->list_backups().backups.size(), 1U);
  expect_sound();
}

TEST_F(Prune, ClocksOfTwoHostsAreNeverCompared) {
  const Manifest first = place_.back_up(make_rows(3000, 1));
  place_.back_up(make_rows(10, 2));
  const auto reader = place_.repository->announce({.operation = "restore", .host = "r"}, place_.clock);
  forget(first.id);
  EXPECT_EQ(prune("a").deleted.packs, 0U);
  StepClock ahead;
  ahead.turn(std::chrono::hours(48));
  EXPECT_EQ(prune(*place_.repository, ahead, "b").deleted.packs,
            0U);  // 48 hours later, by its own clock only
  ahead.turn(std::chrono::hours(25));
  EXPECT_GT(prune(*place_.repository, ahead, "b").deleted.packs, 0U);
  expect_sound();
}

TEST_F(Prune, AHostWithAStaleViewOfTheIndexLosesNothing) {
  const auto rows = make_rows(3000, 1);
  const Manifest first = place_.back_up(rows);
  const Manifest second = place_.back_up(make_rows(10, 2));
  const auto stale = Repository::open(place_.store, {}, {});
  stale->open_backup(second.id);  // reads the index
  forget(first.id);
  EXPECT_GT(prune().deleted.packs, 0U);
  const auto writer = stale->begin_backup(
      {.kind = "cluster", .source = "s", .program_version = "1", .host = "w"}, place_.clock, {});
  writer->add_item({.kind = "table",
                    .key = "t",
                    .attributes = "{}",
                    .parts = {testing::write_rows(*writer, {.item_key = "t"}, rows)}});
  const Manifest third = writer->commit({});
  EXPECT_EQ(place_.text_of(third.id), joined(rows));
  expect_sound();
}

TEST_F(Prune, WhatAKilledBackupLeftIsUsedByTheNextOneAndThenDeleted) {
  const auto rows = make_rows(20'000, 1);
  uint64_t stored = 0;
  {
    // Killed: what it has in memory is lost, and so is its chance to clean up.
    storage::CrashStore mortal(place_.store);
    const auto host = Repository::open(mortal, {}, {});
    auto writer = host->begin_backup({.kind = "cluster", .source = "s", .program_version = "1", .host = "w"},
                                     place_.clock, {});
    testing::write_rows(*writer, {.item_key = "t"}, {rows.begin(), rows.begin() + 18'000});
    while (writer->totals().stored_bytes < joined(rows).size() / 8) std::this_thread::yield();
    mortal.die();
    writer.reset();
    stored = pack_bytes();
  }
  const Manifest next = place_.back_up(rows);
  EXPECT_EQ(place_.text_of(next.id), joined(rows));
  EXPECT_LT(pack_bytes(), stored + stored);
  place_.clock.turn(std::chrono::hours(25));
  prune();
  place_.clock.turn(std::chrono::hours(25));
  prune();
  EXPECT_TRUE(state().empty()) << state().front();
  EXPECT_EQ(place_.text_of(next.id), joined(rows));
  expect_sound();
}

// Hosts with clocks of their own, writers that begin, are overtaken by prunes, and commit later.
void prune_while_others_back_up(storage::StoreFeatures features, uint64_t seed) {
  storage::MemoryStore store(features);
  StepClock clocks[3];
  clocks[1].turn(std::chrono::hours(1));
  Repository::init(store, {.writing = kSmallPacks}, clocks[0]);
  std::vector<std::unique_ptr<Repository>> hosts;
  for (int i = 0; i < 3; ++i) hosts.push_back(Repository::open(store, std::stop_token()));

  std::mt19937_64 random(seed);
  NullEventSink events;
  std::map<std::string, std::string> texts;  // what each backup holds
  std::vector<std::string> rows[2] = {make_rows(2000, 1), make_rows(2000, 2)};
  uint64_t deleted = 0;
  uint64_t compacted = 0;
  const auto prune = [&] {
    const PruneResult result = hosts[2]->prune({.host = "pruner", .max_wasted = 0.02}, clocks[2], events, {});
    deleted += result.deleted.packs;
    compacted += result.compacted.packs;
  };
  for (int round = 0; round < 24; ++round) {
    for (auto& clock : clocks) clock.turn(std::chrono::hours(5));
    std::unique_ptr<BackupWriter> writers[2];
    for (int host = 0; host < 2; ++host) {
      writers[host] = hosts[host]->begin_backup({.kind = "cluster",
                                                 .source = std::to_string(host),
                                                 .program_version = "1",
                                                 .host = std::to_string(host)},
                                                clocks[host], {});
      for (int change = 0; change < 300; ++change) {
        rows[host][random() % rows[host].size()] = make_rows(1, random())[0];
      }
    }
    prune();
    for (int host = 0; host < 2; ++host) {
      writers[host]->add_item(
          {.kind = "table",
           .key = "t",
           .attributes = "{}",
           .parts = {testing::write_rows(*writers[host], {.item_key = "t"}, rows[host])}});
      if (random() % 2 == 0) prune();
      texts[writers[host]->commit({}).id.text()] = joined(rows[host]);
      writers[host].reset();
    }
    ForgetOptions keep = {.keep_last = static_cast<uint32_t>(1 + random() % 3), .by = "test"};
    for (const BackupId& id : hosts[2]->plan_forget(keep).to_forget()) {
      hosts[2]->forget(id, "test", clocks[2]);
      texts.erase(id.text());
    }
    prune();
  }
  const auto last = Repository::open(store, std::stop_token());
  EXPECT_EQ(last->list_backups().backups.size(), texts.size());
  for (const auto& [id, text] : texts) {
    const auto backup = last->open_backup(BackupId::parse(id));
    std::string found;
    backup->for_each_item([&](const Item& item) { found += testing::read_text(*backup, item.parts.at(0)); });
    EXPECT_EQ(found, text);
  }
  const CheckReport report = last->check({.read_data = true}, events, {});
  for (const CheckFinding& finding : report.findings)
    ADD_FAILURE() << finding.object << ": " << finding.problem;
  EXPECT_GE(deleted, 50U);
  EXPECT_GE(compacted, 10U);
}

TEST(PruneAmongOthers, LosesNothing) { prune_while_others_back_up({.conditional_put = true}, 1); }

TEST(PruneAmongOthers, LosesNothingInAStoreThatOverwrites) {
  prune_while_others_back_up({.conditional_put = false}, 2);
}

}  // namespace
}  // namespace dbb::repository
