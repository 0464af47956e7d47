#include "repository/item_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "repository/config.h"
#include "repository/core.h"
#include "repository/frame_set.h"
#include "repository/item_lookup.h"
#include "repository/recipe.h"
#include "repository/testing.h"

namespace dbb::repository {
namespace {

Item item_of(uint64_t number, size_t attribute_bytes) {
  return {.kind = "file",
          .key = "base/5/" + std::to_string(number),
          .attributes = std::string(attribute_bytes, 'a'),
          .parts = {{.stream_class = StreamClass::kPages, .bytes = number},
                    {.stream_class = StreamClass::kPages, .bytes = number + 1, .recipe = {1, 2, 3}}}};
}

std::shared_ptr<RepositoryCore> core_of(storage::ObjectStore& store) {
  return std::make_shared<RepositoryCore>(store,
                                          unlock(store, store.get(kConfigObject, kMaxJsonBytes).value(), {}));
}

std::vector<uint64_t> shuffled(uint64_t count) {
  std::vector<uint64_t> numbers;
  for (uint64_t i = 0; i < count; ++i) numbers.push_back(i);
  std::ranges::shuffle(numbers, std::mt19937_64(5));
  return numbers;
}

// The items that come out, each held against what went in.
std::vector<std::string> keys_out_of(ItemSorter& sorter, size_t attribute_bytes) {
  std::vector<std::string> keys;
  sorter.visit_sorted([&](ByteView record) {
    const Item item = decode_item(ByteReader(record, "a test").sized(), "a test");
    EXPECT_EQ(item, item_of(std::stoull(item.key.substr(7)), attribute_bytes));
    keys.push_back(item.key);
  });
  return keys;
}

void expect_sorted(uint64_t count, size_t attribute_bytes) {
  ItemSorter sorter;
  std::set<std::string> expected;
  for (const uint64_t number : shuffled(count)) {
    sorter.add(item_of(number, attribute_bytes));
    expected.insert(item_of(number, 0).key);
  }
  EXPECT_EQ(sorter.size(), count);
  EXPECT_EQ(keys_out_of(sorter, attribute_bytes), std::vector<std::string>(expected.begin(), expected.end()));
}

TEST(ItemSorterTest, GivesFewItemsBackInOrderOfTheirKeys) {
  expect_sorted(0, 0);
  expect_sorted(1, 0);
  expect_sorted(1000, 20);
}

TEST(ItemSorterTest, GivesItemsThatOutgrowItsMemoryBackInOrder) {
  expect_sorted(60, 1 << 20);  // every run a few items that are larger than what is read at once
  expect_sorted(200'000, 100);
}

TEST(ItemSorterDeathTest, TwoItemsOfOneKeyAreABug) {
  ItemSorter sorter;
  sorter.add(item_of(1, 0));
  sorter.add(item_of(1, 0));
  EXPECT_DEATH(sorter.visit_sorted([](ByteView) {}), "items have different keys");
}

TEST(ItemLookupTest, FindsEveryPartOfEveryItemAndNothingElse) {
  testing::Place place;
  const auto backup = place.begin();
  constexpr uint64_t kItems = 5000;
  for (const uint64_t number : shuffled(kItems)) backup->add_item(item_of(number * 2, 50));
  const StreamRef items = backup->commit({}).items;

  const auto core = core_of(place.store);
  const ItemLookup lookup(core, core->refresh_index(), items);
  for (uint64_t number = 0; number < kItems; ++number) {
    const Item item = item_of(number * 2, 50);
    for (uint32_t part = 0; part < 2; ++part) {
      EXPECT_EQ(lookup.find({.item_key = item.key, .part = part}), item.parts[part]);
    }
    EXPECT_EQ(lookup.find({.item_key = item.key, .part = 2}), std::nullopt);
    EXPECT_EQ(lookup.find({.item_key = item_of(number * 2 + 1, 0).key}), std::nullopt);
  }
  EXPECT_EQ(lookup.find({.item_key = ""}), std::nullopt);
  EXPECT_EQ(lookup.find({.item_key = "zzz"}), std::nullopt);
}

TEST(FrameSetTest, KnowsWhatWasInserted) {
  std::mt19937_64 random(3);
  std::vector<FrameId> frames(50'000);
  for (FrameId& frame : frames)
    std::ranges::generate(frame.bytes, [&] { return static_cast<uint8_t>(random()); });
  FrameSet set;
  for (size_t i = 0; i < frames.size(); i += 2) EXPECT_TRUE(set.insert(frames[i]));
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(set.contains(frames[i]), i % 2 == 0);
    EXPECT_EQ(set.insert(frames[i]), i % 2 != 0);
  }
  EXPECT_EQ(set.size(), frames.size());
}

}  // namespace
}  // namespace dbb::repository
