#include "postgres/client_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "system/file.h"

namespace dbb::postgres {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ClientProgramsTest : public ::testing::Test {
 protected:
  // Programs that can do nothing but tell a version.
  fs::path make_set(const std::string& name, const std::string& version_words) {
    const fs::path directory = directory_.path() / name;
    fs::create_directories(directory);
    for (const char* program : {"pg_dump", "pg_dumpall"}) {
      std::ofstream(directory / program) << "#!/bin/sh\necho '" << program << " " << version_words << "'\n";
      fs::permissions(directory / program, fs::perms::owner_all);
    }
    return directory;
  }

  std::vector<ClientPrograms> find(const std::vector<fs::path>& extra) {
    auto all = find_client_programs(extra, never_);
    // What this host has installed besides is not the test's.
    std::erase_if(all, [&](const auto& set) {
      return !set.directory.string().starts_with(directory_.path().string());
    });
    return all;
  }

  system::TemporaryDirectory directory_{"dbbackup-programs-"};
  system::StopEvent never_{std::stop_token{}};
};

TEST_F(ClientProgramsTest, VersionsOfEveryFormAreUnderstood) {
  const auto all = find({make_set("a", "(PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
                         make_set("b", "(PostgreSQL) 17beta1"), make_set("c", "(PostgreSQL) 18devel"),
                         make_set("d", "what?"), make_set("e", "(PostgreSQL) 13.0")});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].version, ServerVersion{150018});
  EXPECT_EQ(all[1].version, ServerVersion{170000});
  EXPECT_EQ(all[2].version, ServerVersion{180000});
  EXPECT_EQ(all[3].version, ServerVersion{130000});
  EXPECT_EQ(all[0].program("pg_dump"), directory_.path() / "a/pg_dump");
}

TEST_F(ClientProgramsTest, OneDirectoryUnderTwoNamesIsOneSet) {
  const fs::path set = make_set("real", "(PostgreSQL) 16.1");
  fs::create_directory_symlink(set, directory_.path() / "link");
  EXPECT_EQ(find({directory_.path() / "link", set, directory_.path() / "nowhere"}).size(), 1u);
}

TEST_F(ClientProgramsTest, WrappersAndIncompleteSetsAreLeftOut) {
  const fs::path wrapped = make_set("wrapped", "(PostgreSQL) 16.1");
  std::ofstream(directory_.path() / "pg_wrapper") << "#!/bin/sh\necho '(PostgreSQL) 16.1'\n";
  fs::permissions(directory_.path() / "pg_wrapper", fs::perms::owner_all);
  fs::remove(wrapped / "pg_dump");
  fs::create_symlink("../pg_wrapper", wrapped / "pg_dump");
  const fs::path half = make_set("half", "(PostgreSQL) 16.1");
  fs::remove(half / "pg_dumpall");
  EXPECT_TRUE(find({wrapped, half}).empty());
}

std::vector<ClientPrograms> sets(std::initializer_list<int> majors) {
  std::vector<ClientPrograms> all;
  for (const int major : majors)
    all.push_back({.directory = "/" + std::to_string(major), .version = {major * 10000 + 3}});
  return all;
}

TEST(ChooseTest, ADumpIsMadeByTheServersOwnMajorElseTheNearestNewer) {
  const auto all = sets({18, 15, 13, 17});
  EXPECT_EQ(choose_for_dump(all, {150018}).version.major(), 15);
  EXPECT_EQ(choose_for_dump(all, {140001}).version.major(), 15);
  EXPECT_EQ(choose_for_dump(all, {160001}).version.major(), 17);
  try {
    (void)choose_for_dump(sets({13, 15}), {160004});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kClientProgramOlder);
    EXPECT_THAT(error.cause(), HasSubstr("15.3 in /15"));
    EXPECT_THAT(error.solution().at(0), HasSubstr("postgresql-client-16"));
  }
  try {
    (void)choose_for_dump({}, {160004});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kClientProgramMissing);
  }
}

}  // namespace
}  // namespace dbb::postgres
