// Every operation that changes a repository, broken at every step in every way.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <iostream>
#include <thread>

#include "base/error.h"
#include "repository/session.h"
#include "repository/testing.h"
#include "storage/crash_store.h"

namespace dbb::repository {
namespace {

using storage::CrashStore;
using storage::MemoryStore;
using testing::joined;
using testing::make_rows;
using testing::Place;
using testing::StepClock;
using testing::text_of;
using Fault = CrashStore::Fault;

constexpr size_t kDatabases = 3;
constexpr size_t kEmptyTables = 210;  // so that the item list is long enough for a recipe of its own
// Everything a hundred times smaller than usual, so that little data has many packs.
constexpr WriteSettings kTiny = {.rows = {.min_bytes = 64, .mean_bytes = 256, .max_bytes = 1024},
                                 .frame_bytes = 1024,
                                 .pack_bytes = 8 << 10};

using Rows = std::vector<std::string>;

std::string key_of(size_t database) { return "db/" + std::to_string(database) + "/t"; }

Manifest back_up(Repository& repository, system::Clock& clock, const std::vector<Rows>& databases) {
  const auto backup = repository.begin_backup(
      {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, clock, {});
  for (size_t i = 0; i < databases.size(); ++i) {
    backup->add_item({.kind = "table",
                      .key = key_of(i),
                      .attributes = "{}",
                      .parts = {testing::write_rows(*backup, {.item_key = key_of(i)}, databases[i])}});
  }
  for (size_t i = 0; i < kEmptyTables; ++i) {
    backup->add_item(
        {.kind = "table",
         .key = "empty/" + std::to_string(i * 7919 % 1000) + "/" + std::to_string(i),
         .attributes =
             R"({"comment": "there is nothing in here but a line of text about it, and another one that says the same once more, at length"})",
         .parts = {}});
  }
  return backup->commit({});
}

void copy_objects(MemoryStore& from, MemoryStore& to) {
  std::vector<std::string> names;
  from.list("", [&](const storage::ListedObject& object) {
    names.push_back(object.name);
    return true;
  });
  for (const std::string& name : names) to.put(name, ByteView(from.get(name, 1 << 30).value()));
}

uint64_t count(MemoryStore& store, const std::string& prefix) {
  uint64_t objects = 0;
  store.list(prefix, [&](const storage::ListedObject&) { return ++objects, true; });
  return objects;
}

std::string name_of(Fault fault) {
  return std::array{"error", "lost reply", "death before", "death after"}[static_cast<size_t>(fault)];
}

class EveryStep : public ::testing::Test {
 protected:
  explicit EveryStep(std::vector<NewKey> keys = {}) {
    Repository::init(base_, {.writing = kTiny, .keys = std::move(keys)}, clock_);
    const auto repository = open(base_);
    for (size_t i = 0; i < kDatabases; ++i) databases_.push_back(make_rows(220, i, 60 + 40 * i));
    const Manifest forgotten = back_up(*repository, clock_, databases_);
    for (Rows& rows : databases_) {
      for (size_t i = 0; i < rows.size(); i += 16) rows[i] = "changed\t" + rows[i];
    }
    const Manifest kept = back_up(*repository, clock_, databases_);
    texts_.emplace_back(kept.id, whole(databases_));
    repository->forget(forgotten.id, "test", clock_);
    EXPECT_GE(kept.items.depth, 1) << "the item list has two levels";
    EXPECT_GE(count(base_, "packs/"), 3U);
    EXPECT_GE(count(base_, "index/"), 2U);
  }

  // With whichever of the keys there is.
  static std::unique_ptr<Repository> open(storage::ObjectStore& store) {
    if (Repository::look(store) == EncryptionKind::kNone) return Repository::open(store, {});
    return Repository::open(store, testing::sources(testing::key_file(1), testing::key_file(2)), {});
  }
  static std::string whole(const std::vector<Rows>& databases) {
    std::string text;
    for (const Rows& rows : databases) text += joined(rows);
    return text;
  }

  void expect_whole(MemoryStore& store) {
    const auto repository = open(store);
    NullEventSink events;
    const CheckReport report = repository->check({.read_data = true}, events, {});
    for (const CheckFinding& finding : report.findings) {
      ADD_FAILURE() << finding.object << ": " << finding.problem;
    }
    for (const auto& [id, text] : texts_) EXPECT_EQ(text_of(*repository, id), text);
  }

  // `again` is what a person does after the failure; it must succeed.
  void try_every_step(const std::string& name, const std::function<void(Repository&)>& operation,
                      const std::function<void(Repository&)>& again) {
    uint64_t steps = 0;
    {
      MemoryStore store;
      copy_objects(base_, store);
      CrashStore crash(store);
      operation(*open(crash));
      steps = crash.steps();
    }
    ASSERT_GE(steps, 2U);
    uint64_t tried = 0;
    for (const Fault fault : {Fault::kError, Fault::kReplyLost, Fault::kDies, Fault::kDiesAfter}) {
      for (uint64_t step = 1; step <= steps; ++step) {
        SCOPED_TRACE(name + ", " + name_of(fault) + ", step " + std::to_string(step));
        MemoryStore store;
        copy_objects(base_, store);
        CrashStore crash(store);
        crash.fail_at(step, fault);
        try {
          operation(*open(crash));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kStorageFailed) << error.what();
        }
        tried += crash.has_failed() ? 1 : 0;
        expect_whole(store);
        again(*open(store));
        expect_whole(store);
        clean_up(store);
        expect_whole(store);
        if (HasFailure()) return;
      }
    }
    std::cout << name << ": " << steps << " steps, " << tried << " failures tried\n";
  }

  // What killed processes left is gone after two prunes, a grace apart.
  void clean_up(MemoryStore& store) {
    NullEventSink events;
    for (int i = 0; i < 3; ++i) {
      clock_.turn(std::chrono::hours(25));
      open(store)->prune({.host = "h"}, clock_, events, {});
    }
    for (const char* prefix :
         {"state/sessions/", "state/checkpoints/", "state/condemned/", "state/waits/", "state/deleting/"}) {
      EXPECT_EQ(count(store, prefix), 0U) << prefix;
    }
    EXPECT_EQ(open(store)->check({}, events, {}).unreferenced_packs, 0U);
  }

  StepClock clock_;
  MemoryStore base_;
  std::vector<Rows> databases_;
  std::vector<std::pair<BackupId, std::string>> texts_;  // backups that must stay whole
};

TEST_F(EveryStep, OfABackup) {
  for (Rows& rows : databases_) {
    for (size_t i = 1; i < rows.size(); i += 3) rows[i] = "again\t" + rows[i];
  }
  const auto run = [&](Repository& repository) { back_up(repository, clock_, databases_); };
  try_every_step("backup", run, [&](Repository& repository) {
    EXPECT_EQ(text_of(repository, back_up(repository, clock_, databases_).id), whole(databases_));
  });
}

TEST_F(EveryStep, OfAPruneWithCompaction) {
  NullEventSink events;
  std::optional<PruneResult> undisturbed;
  const auto run = [&](Repository& repository) {
    const PruneResult result = repository.prune({.host = "h", .max_wasted = 0}, clock_, events, {});
    if (!undisturbed) undisturbed = result;
  };
  try_every_step("prune", run, run);
  EXPECT_GE(undisturbed->compacted.packs, 3U);
  EXPECT_GE(undisturbed->written.packs, 3U);
  EXPECT_GE(undisturbed->deleted.packs, 3U);
}

class EveryStepWithKeys : public EveryStep {
 protected:
  EveryStepWithKeys() : EveryStep(testing::new_keys(testing::key_file(1))) {}

  // The key may be there already, which is said.
  static void unless_known(const std::function<void(Repository&)>& run, Repository& repository) {
    try {
      run(repository);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what();
    }
  }
};

TEST_F(EveryStepWithKeys, OfAddingAndRemovingAKey) {
  const auto run = [&](Repository& repository) {
    const std::string id =
        repository.key_manager().add({.source = testing::key_file(2), .label = "second"}, clock_);
    repository.key_manager().remove(repository.key_manager().find(id));
  };
  try_every_step("key add, remove", run, [&](Repository& repository) { unless_known(run, repository); });
}

TEST_F(EveryStepWithKeys, OfChangingAKeyAndBeginningAnEpoch) {
  const auto run = [&](Repository& repository) {
    repository.key_manager().change({.source = testing::key_file(2), .label = "changed"}, clock_);
    repository.key_manager().rotate(clock_);
  };
  try_every_step("key change, rotate", run, [&](Repository& repository) { unless_known(run, repository); });
}

TEST_F(EveryStep, OfForgettingAndHolding) {
  const auto run = [&](Repository& repository) {
    const BackupId extra = back_up(repository, clock_, {make_rows(3, 77)}).id;
    repository.hold(extra, "why", "test", clock_);
    repository.release(extra);
    repository.forget(extra, "test", clock_);
  };
  try_every_step("forget", run, run);
}

// A killed backup stores less than 2 % of what it had stored a second time.
TEST(KilledBackup, IsContinuedByTheNextOne) {
  constexpr WriteSettings kSmall = {.rows = {}, .frame_bytes = 16 << 10, .pack_bytes = 32 << 10};
  const auto rows = make_rows(60'000, 1);
  Place place(kSmall);
  CrashStore crash(place.store);
  const auto mortal = Repository::open(crash, std::span<const KeySource>(), {});
  {
    auto backup = mortal->begin_backup(
        {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, place.clock, {});
    testing::write_rows(*backup, {.item_key = "a"}, {rows.begin(), rows.begin() + 27'000});
    const auto second = backup->open_stream({.item_key = "b"}, StreamClass::kRows);
    for (size_t i = 27'000; i < 54'000; ++i) {
      second->append(as_bytes(rows[i]), codec::xxh3_128(as_bytes(rows[i])).low);
    }
    // Until everything that is not still in memory lies in the store.
    uint64_t stored = 0;
    for (int quiet = 0; quiet < 1000; ++quiet) {
      if (backup->totals().stored_bytes != stored) quiet = 0;
      stored = backup->totals().stored_bytes;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    crash.die();
  }
  uint64_t left = 0;
  place.store.list("packs/", [&](const storage::ListedObject& object) {
    left += object.size_bytes;
    return true;
  });
  const auto next = place.begin();
  next->add_item(
      {.kind = "table",
       .key = "a",
       .attributes = "{}",
       .parts = {testing::write_rows(*next, {.item_key = "a"}, {rows.begin(), rows.begin() + 27'000})}});
  next->add_item(
      {.kind = "table",
       .key = "b",
       .attributes = "{}",
       .parts = {testing::write_rows(*next, {.item_key = "b"}, {rows.begin() + 27'000, rows.end()})}});
  const Manifest manifest = next->commit({});
  EXPECT_EQ(place.text_of(manifest.id), joined(rows));

  Place fresh(kSmall);
  const auto whole = fresh.begin();
  testing::write_rows(*whole, {.item_key = "a"}, {rows.begin(), rows.begin() + 27'000});
  testing::write_rows(*whole, {.item_key = "b"}, {rows.begin() + 27'000, rows.end()});
  const Manifest uninterrupted = whole->commit({});
  const double twice = static_cast<double>(left) + static_cast<double>(manifest.totals.stored_bytes) -
                       static_cast<double>(uninterrupted.totals.stored_bytes);
  EXPECT_GT(left, uninterrupted.totals.stored_bytes * 8 / 10);
  EXPECT_LT(twice, 0.02 * static_cast<double>(left)) << "of " << left;
  std::cout << "stored twice: " << 100 * twice / static_cast<double>(left) << " %\n";
}

}  // namespace
}  // namespace dbb::repository
