// Repositories that were written once and are read by every later version: tests/museum/version-1. Each
// has a page of what is in it beside it. DBBACKUP_TEST_WRITE_FROZEN=FOLDER writes them anew
// (docs/testing.md).

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "repository/config.h"
#include "repository/repository.h"
#include "repository/testing.h"
#include "storage/directory_store.h"

namespace dbb::repository {
namespace {

namespace fs = std::filesystem;

std::vector<KeySource> key_file() {
  std::vector<KeySource> keys;
  keys.push_back({.kind = KeyKind::kKeyFile,
                  .secret = codec::Secret(
                      std::string_view("the key file of a repository in the museum of dbbackup\n"))});
  return keys;
}

// One line an item: backup, kind, key, and of each part its length and SHA-256.
std::string page_of(Repository& repository) {
  std::string page;
  for (const Manifest& manifest : repository.list_backups().backups) {
    const auto backup = repository.open_backup(manifest.id);
    backup->for_each_item([&](const Item& item) {
      page += manifest.id.text() + " " + item.kind + " " + item.key + " " + item.attributes;
      for (const StreamRef& part : item.parts) {
        const Bytes bytes = backup->read_all(part, 1 << 24);
        page += " " + std::to_string(bytes.size()) + ":" + to_hex(codec::sha256(bytes));
      }
      page += "\n";
    });
  }
  return page;
}

// Every kind of stream, a recipe that is a stream of its own, frames of two backups, a hole.
void fill(Repository& repository, system::Clock& clock) {
  auto rows = testing::make_rows(900, 1, 60);
  Bytes pages = testing::make_noise(kPageBytes, 2);
  pages.resize(40 * kPageBytes);
  pages.push_back(1);
  for (int round = 0; round < 2; ++round) {
    const auto backup = repository.begin_backup(
        {.kind = "cluster", .source = "museum", .program_version = "0.1", .host = "museum"}, clock, {});
    backup->add_item({.kind = "table",
                      .key = "db/app/public/orders",
                      .attributes = R"({"rows":900})",
                      .parts = {testing::write_rows(*backup, {.item_key = "db/app/public/orders"}, rows)}});
    backup->add_item(
        {.kind = "file",
         .key = "base/1/2",
         .attributes = "",
         .parts = {testing::write_bytes(*backup, {.item_key = "base/1/2"}, StreamClass::kPages, pages),
                   testing::write_bytes(*backup, {.item_key = "base/1/2", .part = 1}, StreamClass::kBytes,
                                        as_bytes("a file of others"))}});
    backup->add_item({.kind = "empty", .key = "z", .attributes = "{}", .parts = {StreamRef{}}});
    backup->commit({.complete = round == 1, .document = R"({"round":)" + std::to_string(round) + "}"});
    for (size_t i = 0; i < rows.size(); i += 2) rows[i] = "changed " + rows[i];
  }
}

void write_frozen(const fs::path& folder) {
  for (const std::string name : {"plain", "encrypted"}) {
    fs::remove_all(folder / name);
    storage::DirectoryStore store(folder / name);
    testing::StepClock clock;
    InitOptions options = {.writing = {.rows = {.min_bytes = 16, .mean_bytes = 32, .max_bytes = 512}}};
    const std::vector<KeySource> keys = name == "encrypted" ? key_file() : std::vector<KeySource>();
    for (const KeySource& key : keys) {
      options.keys.push_back(
          {.source = {.kind = key.kind, .secret = key.secret.clone()}, .label = "the museum's"});
    }
    Repository::init(store, options, clock);
    const auto repository = Repository::open(store, keys, {});
    fill(*repository, clock);
    std::ofstream(folder / (name + ".txt")) << page_of(*repository);
  }
}

TEST(FrozenMuseum, IsWrittenAnewWhenAsked) {
  const char* const folder = std::getenv("DBBACKUP_TEST_WRITE_FROZEN");
  if (folder != nullptr) write_frozen(folder);
}

class Frozen : public ::testing::TestWithParam<std::string> {};

TEST_P(Frozen, IsReadByThisVersion) {
  const fs::path folder = fs::path(DBB_SOURCE_DIR) / "tests/museum/version-1";
  storage::DirectoryStore store(folder / GetParam());
  const auto repository =
      Repository::open(store, GetParam() == "encrypted" ? key_file() : std::vector<KeySource>(), {});
  std::ifstream file(folder / (GetParam() + ".txt"));
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(page_of(*repository), expected);
  NullEventSink events;
  const CheckReport report = repository->check({.read_data = true}, events, {});
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.backups, 2U);
  EXPECT_FALSE(repository->plan_index_repair(events, {}).needed);
}

TEST_P(Frozen, HasARecipeThatIsAStreamOfItsOwn) {
  storage::DirectoryStore store(fs::path(DBB_SOURCE_DIR) / "tests/museum/version-1" / GetParam());
  const auto repository =
      Repository::open(store, GetParam() == "encrypted" ? key_file() : std::vector<KeySource>(), {});
  bool deep = false;
  const auto backup = repository->open_backup(repository->resolve("latest"));
  backup->for_each_item([&](const Item& item) {
    for (const StreamRef& part : item.parts) deep = deep || part.depth > 0;
  });
  EXPECT_TRUE(deep);
}

INSTANTIATE_TEST_SUITE_P(Museum, Frozen, ::testing::Values("plain", "encrypted"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace dbb::repository
