// The life of keys: made, added, changed, removed, rotated, while other processes read and write.

#include "repository/key_manager.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "repository/config.h"
#include "repository/testing.h"
#include "storage/faulty_store.h"

namespace dbb::repository {
namespace {

using testing::code_of;
using testing::joined;
using testing::key_file;
using testing::make_rows;
using testing::passphrase;
using testing::sources;
using testing::text_of;

class Keys : public ::testing::Test {
 protected:
  Keys() : rows_(make_rows(200, 1)) {
    place_.emplace(testing::new_keys(key_file(1)));
    first_ = place_->back_up(rows_).id;
  }
  KeyManager manager() { return place_->repository->key_manager(); }
  std::unique_ptr<Repository> open(KeySource key) {
    return Repository::open(place_->store, sources(std::move(key)), {});
  }
  std::optional<ErrorCode> open_error(KeySource key) {
    return code_of([&] { open(std::move(key)); });
  }
  std::string add(KeySource key, const std::string& label = "") {
    return manager().add({.source = std::move(key), .label = label}, place_->clock);
  }

  std::optional<testing::Place> place_;
  const std::vector<std::string> rows_;
  BackupId first_;
};

TEST_F(Keys, EachOfSeveralOpensTheRepository) {
  add(passphrase("correct horse"), "ops");
  add(key_file(2));
  for (KeySource& key : sources(key_file(1), passphrase("correct horse"), key_file(2))) {
    const auto repository = open(std::move(key));
    EXPECT_EQ(repository->encryption(), EncryptionKind::kSlots);
    EXPECT_EQ(text_of(*repository, first_), joined(rows_));
  }
  // One that is right among several is enough.
  EXPECT_NO_THROW(Repository::open(place_->store, sources(passphrase("wrong"), key_file(2)), {}));
}

TEST_F(Keys, AWrongOneIsRefusedAndNoneIsNeeded) {
  add(passphrase("correct horse"));
  EXPECT_EQ(open_error(key_file(9)), ErrorCode::kKeyRefused);
  EXPECT_EQ(open_error(passphrase("correct horse ")), ErrorCode::kKeyRefused);
  EXPECT_EQ(open_error(passphrase("")), ErrorCode::kKeyRefused);
  // A passphrase is not a key file of the same bytes.
  EXPECT_EQ(
      open_error({.kind = KeyKind::kKeyFile, .secret = codec::Secret(std::string_view("correct horse"))}),
      ErrorCode::kKeyRefused);
  EXPECT_EQ(code_of([&] { Repository::open(place_->store, {}); }), ErrorCode::kKeyNeeded);
  EXPECT_EQ(Repository::look(place_->store), EncryptionKind::kSlots);
}

TEST_F(Keys, AreListedWithAndWithoutOne) {
  add(passphrase("correct horse"), "ops");
  size_t in_use = 0;
  for (const ListedKey& key : manager().list()) {
    EXPECT_EQ(key.trust, KeyTrust::kGenuine);
    EXPECT_EQ(key.in_use, key.kind == "keyfile");
    in_use += key.in_use ? 1 : 0;
    EXPECT_EQ(key.label, key.kind == "keyfile" ? "" : "ops");
  }
  EXPECT_EQ(in_use, 1U);
  const std::vector<ListedKey> without = list_keys(place_->store);
  ASSERT_EQ(without.size(), 2U);
  EXPECT_EQ(without[0].trust, KeyTrust::kUnknown);
}

TEST_F(Keys, TheLastOneStays) {
  const ListedKey only = manager().list().front();
  EXPECT_EQ(code_of([&] { manager().remove(only); }), ErrorCode::kKeyIsLast);
  EXPECT_FALSE(open_error(key_file(1)));
  add(key_file(2));
  manager().remove(only);
  EXPECT_EQ(open_error(key_file(1)), ErrorCode::kKeyRefused);
  EXPECT_FALSE(open_error(key_file(2)));
}

TEST_F(Keys, ASlotThatNobodyWithTheKeyWroteIsReportedAndCountsForNothing) {
  const std::string mine = manager().list().front().id;
  // Well-formed, from another repository: somebody who can write files, and has no key of this one.
  testing::Place other(testing::new_keys(key_file(7)));
  const ListedKey theirs = list_keys(other.store).front();
  place_->store.put(theirs.object, other.store.get(theirs.object, kMaxJsonBytes).value());

  EXPECT_EQ(open_error(key_file(7)), ErrorCode::kKeyRefused);
  const ListedKey foreign = manager().find(theirs.id);
  EXPECT_EQ(foreign.trust, KeyTrust::kForeign);
  EXPECT_EQ(code_of([&] { manager().remove(manager().find(mine)); }), ErrorCode::kKeyIsLast);

  NullEventSink events;
  const CheckReport report = place_->repository->check({}, events, {});
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].object, theirs.object);
  EXPECT_TRUE(report.findings[0].hurts.empty());
  manager().remove(foreign);
  EXPECT_TRUE(place_->repository->check({}, events, {}).findings.empty());
}

TEST_F(Keys, ChangeReplacesTheOneInUse) {
  add(passphrase("correct horse"), "ops");
  const std::string id = manager().change({.source = key_file(3), .label = "new"}, place_->clock);
  EXPECT_EQ(open_error(key_file(1)), ErrorCode::kKeyRefused);
  EXPECT_FALSE(open_error(passphrase("correct horse")));
  const auto repository = open(key_file(3));
  EXPECT_EQ(repository->key_manager().find(id).label, "new");
  EXPECT_EQ(text_of(*repository, first_), joined(rows_));
}

TEST_F(Keys, AChangeThatBreaksOffLeavesAKey) {
  storage::FaultyStore faulty(place_->store);
  const auto repository = Repository::open(faulty, sources(key_file(1)), {});
  faulty.fail_puts_from(1, ErrorCode::kDiskFull);
  EXPECT_EQ(code_of([&] { repository->key_manager().change({.source = key_file(3)}, place_->clock); }),
            ErrorCode::kDiskFull);
  EXPECT_FALSE(open_error(key_file(1)));
  EXPECT_EQ(open_error(key_file(3)), ErrorCode::kKeyRefused);
}

TEST_F(Keys, IdsAreFoundByTheirBeginning) {
  const std::string id = manager().list().front().id;
  EXPECT_EQ(manager().find(id.substr(0, 4)).id, id);
  EXPECT_EQ(code_of([&] { manager().find("x"); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { manager().find(""); }), ErrorCode::kUsage);
}

TEST_F(Keys, ARepositoryWithoutEncryptionHasNone) {
  testing::Place plain;
  EXPECT_TRUE(plain.repository->key_manager().list().empty());
  EXPECT_EQ(code_of([&] { plain.repository->key_manager().add({.source = key_file(1)}, plain.clock); }),
            ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { plain.repository->key_manager().rotate(plain.clock); }), ErrorCode::kUsage);
  EXPECT_EQ(Repository::look(plain.store), EncryptionKind::kNone);
}

// Passes on, and does something just before a removal.
class RacingStore final : public storage::ObjectStore {
 public:
  explicit RacingStore(storage::ObjectStore& store) : store_(store) {}
  std::function<void()> before_removal;

  storage::StoreFeatures features() const override { return store_.features(); }
  std::string describe() const override { return store_.describe(); }
  using ObjectStore::put;
  storage::PutResult put(std::string_view name, std::span<const ByteView> pieces) override {
    return store_.put(name, pieces);
  }
  std::optional<Bytes> get(std::string_view name, uint64_t limit) override { return store_.get(name, limit); }
  std::optional<size_t> get_range(std::string_view name, uint64_t offset, std::span<uint8_t> into) override {
    return store_.get_range(name, offset, into);
  }
  std::optional<uint64_t> size(std::string_view name) override { return store_.size(name); }
  void list(std::string_view prefix,
            const std::function<bool(const storage::ListedObject&)>& visit) override {
    store_.list(prefix, visit);
  }
  bool remove(std::string_view name) override {
    if (const auto race = std::exchange(before_removal, {})) race();
    return store_.remove(name);
  }

 private:
  storage::ObjectStore& store_;
};

TEST_F(Keys, TwoHostsThatRemoveTheLastTwoAtOnceLeaveOne) {
  add(key_file(2));
  RacingStore racing(place_->store);
  const auto here = Repository::open(racing, sources(key_file(1)), {});
  const auto there = open(key_file(2));
  const std::vector<ListedKey> both = here->key_manager().list();
  racing.before_removal = [&] { there->key_manager().remove(both[1]); };
  EXPECT_EQ(code_of([&] { here->key_manager().remove(both[0]); }), ErrorCode::kKeyIsLast);
  EXPECT_EQ(list_keys(place_->store).size(), 1U);
}

TEST_F(Keys, RotateSealsWhatIsNewWithAnotherKeyAndOldBackupsStayReadable) {
  EXPECT_EQ(manager().rotate(place_->clock), 2U);
  EXPECT_EQ(place_->repository->newest_epoch(), 1U) << "what is open stays in its epoch";
  const auto later = open(key_file(1));
  EXPECT_EQ(later->newest_epoch(), 2U);
  const auto more = make_rows(200, 2);
  place_->repository = open(key_file(1));
  const BackupId second = place_->back_up(more).id;
  EXPECT_EQ(text_of(*later, first_), joined(rows_));
  EXPECT_EQ(text_of(*later, second), joined(more));
  NullEventSink events;
  EXPECT_TRUE(later->check({.read_data = true}, events, {}).findings.empty());
  EXPECT_EQ(manager().rotate(place_->clock), 3U);
}

TEST_F(Keys, AProcessThatWasOpenBeforeARotationReadsWhatIsWrittenAfterIt) {
  const auto before = open(key_file(1));
  const auto more = make_rows(200, 2);
  manager().rotate(place_->clock);
  place_->repository = open(key_file(1));
  const BackupId second = place_->back_up(more).id;
  EXPECT_EQ(text_of(*before, second), joined(more));
}

TEST_F(Keys, ABackupThatIsRunningDuringARotationIsWhole) {
  const auto more = make_rows(3000, 2);
  const auto backup = place_->begin();
  const StreamRef first_part = testing::write_rows(*backup, {.item_key = "t"}, more);
  manager().rotate(place_->clock);
  const StreamRef second_part = testing::write_rows(*backup, {.item_key = "t", .part = 1}, rows_);
  backup->add_item({.kind = "table", .key = "t", .attributes = "{}", .parts = {first_part, second_part}});
  const BackupId id = backup->commit({}).id;
  EXPECT_EQ(text_of(*open(key_file(1)), id), joined(more) + joined(rows_));
  NullEventSink events;
  EXPECT_TRUE(open(key_file(1))->check({.read_data = true}, events, {}).findings.empty());
}

TEST_F(Keys, TwoHostsThatRotateAtOnceMeanTheSameKey) {
  const auto one = open(key_file(1));
  const auto other = open(key_file(1));
  EXPECT_EQ(one->key_manager().rotate(place_->clock), 2U);
  const Bytes record = place_->store.get(epoch_object(2), kMaxJsonBytes).value();
  place_->store.remove(epoch_object(2));  // as the other sees it that looked before
  EXPECT_EQ(other->key_manager().rotate(place_->clock), 2U);
  const auto sealed_of = [](ByteView text) {
    const std::string_view all = as_text(text);
    return std::string(all.substr(all.find("\"sealed\"") + 10, 120));
  };
  EXPECT_EQ(sealed_of(record), sealed_of(place_->store.get(epoch_object(2), kMaxJsonBytes).value()));
}

}  // namespace
}  // namespace dbb::repository
