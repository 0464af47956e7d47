// What every ObjectStore must do, run on all of them.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "base/error.h"
#include "storage/directory_store.h"
#include "storage/memory_store.h"
#include "storage/object_name.h"
#include "system/file.h"

namespace dbb::storage {
namespace {

// A store and the place it needs.
struct Place {
  system::TemporaryDirectory directory{"dbbackup-store-"};
  std::unique_ptr<ObjectStore> store;
};

class Conformance : public testing::TestWithParam<std::string> {
 protected:
  Conformance() {
    if (GetParam() == "directory")
      place_.store = std::make_unique<DirectoryStore>(place_.directory.path() / "new");
    if (GetParam() == "memory") place_.store = std::make_unique<MemoryStore>();
  }
  ObjectStore& store() { return *place_.store; }
  std::vector<std::string> names(std::string_view prefix) {
    std::vector<std::string> found;
    store().list(prefix, [&](const ListedObject& object) {
      found.push_back(object.name);
      return true;
    });
    std::ranges::sort(found);
    return found;
  }

 private:
  Place place_;
};

TEST_P(Conformance, AnEmptyStoreAnswersThatNothingIsThere) {
  EXPECT_EQ(store().get("a", 10), std::nullopt);
  EXPECT_EQ(store().size("a/b"), std::nullopt);
  Bytes into(3);
  EXPECT_EQ(store().get_range("a", 0, into), std::nullopt);
  EXPECT_FALSE(store().remove("a"));
  EXPECT_TRUE(names("").empty());
  EXPECT_TRUE(names("a/").empty());
}

TEST_P(Conformance, GivesBackThePiecesAsOneObject) {
  const ByteView pieces[] = {as_bytes("one, "), {}, as_bytes("two")};
  EXPECT_EQ(store().put("packs/1a/1a2b", pieces), PutResult::kStored);
  EXPECT_EQ(as_text(*store().get("packs/1a/1a2b", 8)), "one, two");
  EXPECT_EQ(store().size("packs/1a/1a2b"), 8U);
  EXPECT_EQ(store().put("empty", ByteView()), PutResult::kStored);
  EXPECT_EQ(store().get("empty", 0), Bytes());
}

TEST_P(Conformance, NeverReplacesAnObject) {
  store().put("a", as_bytes("first"));
  EXPECT_EQ(store().put("a", as_bytes("second")), PutResult::kNameTaken);
  EXPECT_EQ(as_text(*store().get("a", 100)), "first");
  EXPECT_EQ(names(""), std::vector<std::string>{"a"});
}

TEST_P(Conformance, ReadsRangesAsFarAsTheObjectReaches) {
  store().put("a", as_bytes("0123456789"));
  Bytes into(4);
  EXPECT_EQ(store().get_range("a", 2, into), 4U);
  EXPECT_EQ(as_text(into), "2345");
  EXPECT_EQ(store().get_range("a", 8, into), 2U);
  EXPECT_EQ(as_text(into).substr(0, 2), "89");
  EXPECT_EQ(store().get_range("a", 10, into), 0U);
  EXPECT_EQ(store().get_range("a", uint64_t{1} << 40, into), 0U);
}

TEST_P(Conformance, RefusesAnObjectLargerThanTheLimit) {
  store().put("a", as_bytes("0123456789"));
  try {
    store().get("a", 9);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
  }
}

TEST_P(Conformance, ListsWhatBeginsWithThePrefix) {
  for (const std::string name : {"packs/aa/1", "packs/ab/2", "packs2/3", "index/4", "config"}) {
    store().put(name, as_bytes(name));
  }
  EXPECT_EQ(names("packs/"), (std::vector<std::string>{"packs/aa/1", "packs/ab/2"}));
  EXPECT_EQ(names("").size(), 5U);
  store().list("index/", [](const ListedObject& object) {
    EXPECT_EQ(object.size_bytes, 7U);
    return true;
  });
  std::vector<std::string> direct;
  store().list_names("index/", [&](const std::string& name) { direct.push_back(name); });
  EXPECT_EQ(direct, std::vector<std::string>{"index/4"});
  int visits = 0;
  store().list("", [&](const ListedObject&) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

TEST_P(Conformance, RemovesOnce) {
  store().put("a/b", as_bytes("x"));
  EXPECT_TRUE(store().remove("a/b"));
  EXPECT_FALSE(store().remove("a/b"));
  EXPECT_EQ(store().get("a/b", 10), std::nullopt);
  EXPECT_EQ(store().put("a/b", as_bytes("y")), PutResult::kStored);
}

TEST_P(Conformance, OneOfManyWritersOfANameWins) {
  if (!store().features().conditional_put) GTEST_SKIP() << "this store does not promise it";
  std::atomic<int> stored = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        if (store().put("a/" + std::to_string(n), as_bytes("same")) == PutResult::kStored) ++stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 20);
}

INSTANTIATE_TEST_SUITE_P(Stores, Conformance, testing::Values("directory", "memory"),
                         [](const auto& test) { return test.param; });

TEST(ObjectName, RefusesWhatCouldLeaveTheStore) {
  EXPECT_TRUE(is_object_name("packs/1a/1a2b-_.x"));
  for (const std::string name : {"", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a b", "a\nb", "ä"}) {
    EXPECT_FALSE(is_object_name(name)) << name;
  }
}

TEST(DirectoryStore, LetsNobodyElseRead) {
  const system::TemporaryDirectory place("dbbackup-store-");
  DirectoryStore store(place.path() / "repository");
  store.put("packs/aa/b", as_bytes("x"));
  struct stat status{};
  for (const std::string folder : {"repository", "repository/packs", "repository/packs/aa"}) {
    ASSERT_EQ(::stat((place.path() / folder).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U) << folder;
  }
  ASSERT_EQ(::stat((place.path() / "repository/packs/aa/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

std::vector<std::string> names_in(DirectoryStore& store, std::string_view prefix) {
  std::vector<std::string> found;
  store.list(prefix, [&](const ListedObject& object) {
    found.push_back(object.name);
    return true;
  });
  std::ranges::sort(found);
  return found;
}

TEST(DirectoryStore, ListsNeitherCirclesNorTemporaryFilesNorForeignNames) {
  const system::TemporaryDirectory place("dbbackup-store-");
  DirectoryStore store(place.path());
  store.put("a/b", as_bytes("x"));
  std::filesystem::create_directory_symlink(place.path(), place.path() / "a/loop");
  std::filesystem::create_directory(place.path() / "lost+found");
  std::ofstream(place.path() / "lost+found/c") << "x";
  std::ofstream(place.path() / "a/c.tmp-1-2") << "half";
  std::ofstream(place.path() / "a/my file") << "x";
  std::ofstream(place.path() / ".hidden") << "x";
  EXPECT_EQ(names_in(store, ""), std::vector<std::string>{"a/b"});
}

TEST(DirectoryStore, ListsWhatLinksLeadToAsReadingDoes) {
  const system::TemporaryDirectory place("dbbackup-store-");
  const system::TemporaryDirectory elsewhere("dbbackup-store-");
  DirectoryStore store(place.path());
  store.put("packs/44/a", as_bytes("x"));
  store.put("packs/45/b", as_bytes("xy"));
  namespace fs = std::filesystem;
  fs::rename(place.path() / "packs", elsewhere.path() / "packs");
  fs::create_directory_symlink(elsewhere.path() / "packs", place.path() / "packs");
  fs::rename(elsewhere.path() / "packs/44", elsewhere.path() / "44");
  fs::create_directory_symlink(elsewhere.path() / "44", elsewhere.path() / "packs/44");
  fs::rename(elsewhere.path() / "packs/45/b", elsewhere.path() / "b");
  fs::create_symlink(elsewhere.path() / "b", elsewhere.path() / "packs/45/b");
  EXPECT_EQ(names_in(store, "packs/"), (std::vector<std::string>{"packs/44/a", "packs/45/b"}));
  EXPECT_EQ(names_in(store, "").size(), 2U);
  store.list("packs/45/", [](const ListedObject& object) {
    EXPECT_EQ(object.size_bytes, 2U) << "of the file, not of the link";
    return true;
  });
}

TEST(DirectoryStore, WhatALinkThatLeadsNowhereHidesIsNotMissing) {
  for (const std::string link : {"packs", "packs/44", "packs/45/a"}) {
    const system::TemporaryDirectory place("dbbackup-store-");
    DirectoryStore store(place.path());
    store.put("config", as_bytes("x"));
    std::filesystem::create_directories((place.path() / link).parent_path());
    std::filesystem::create_symlink("/nowhere/at/all", place.path() / link);
    for (const std::string prefix : {"packs/", ""}) {
      try {
        names_in(store, prefix);
        ADD_FAILURE() << link << " in " << prefix;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kStorageFailed);
        EXPECT_NE(error.message().find(link + " is a link"), std::string::npos) << error.message();
      }
    }
  }
}

TEST(DirectoryStore, WhatHasTheNameOfAnObjectAndIsNoFileIsNamedAndDamaged) {
  const system::TemporaryDirectory place("dbbackup-store-");
  DirectoryStore store(place.path());
  store.put("a/sound", as_bytes("x"));
  std::filesystem::create_directory(place.path() / "a/folder");
  std::filesystem::create_symlink("/nowhere/at/all", place.path() / "a/link");
  std::vector<std::string> found;
  store.list_names("a/", [&](const std::string& name) { found.push_back(name); });
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"a/folder", "a/link", "a/sound"}));
  for (const std::string name : {"a/folder", "a/link"}) {
    try {
      store.get(name, 100);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup) << name;
    }
  }
}

TEST(DirectoryStore, SaysThatItIsReadOnly) {
  if (::geteuid() == 0) {
    // Root may write everywhere, but nobody can make a directory in /proc.
    DirectoryStore store("/proc/dbbackup");
    try {
      store.put("a", as_bytes("x"));
      FAIL();
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kRepositoryReadOnly ||
                  error.code() == ErrorCode::kStorageFailed);
    }
    return;
  }
  const system::TemporaryDirectory place("dbbackup-store-");
  ::chmod(place.path().c_str(), 0500);
  DirectoryStore store(place.path());
  try {
    store.put("a", as_bytes("x"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRepositoryReadOnly);
  }
}

}  // namespace
}  // namespace dbb::storage
