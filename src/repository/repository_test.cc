#include "repository/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace dbb::repository
