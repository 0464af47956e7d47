#include "cli/copied_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "cli/options.h"

namespace dbb::cli {
namespace {

TEST(CopiedCommandTest, ACommandInATextCarriesWhatLedToServerAndRepository) {
  EXPECT_EQ(with_reach("See them: dbbackup cleanup --kept", "-p 5433 -r /b"),
            "See them: dbbackup -p 5433 -r /b cleanup --kept");
  EXPECT_EQ(with_reach("dbbackup key list; dbbackup key remove 3f9a", "-r /b"),
            "dbbackup -r /b key list; dbbackup -r /b key remove 3f9a");
  EXPECT_EQ(with_reach("The next restore or `dbbackup cleanup` removes it.", "-h /tmp"),
            "The next restore or `dbbackup -h /tmp cleanup` removes it.");
}

TEST(CopiedCommandTest, WhatIsNoCommandOrHasItsOptionsStaysAsItIs) {
  for (const char* text :
       {"dbbackup -p 1 cleanup --kept", "dbbackup paused replay", "dbbackup init --repository PATH",
        "a mydbbackup list", "dbbackup listing", "dbbackup", "dbbackup "})
    EXPECT_EQ(with_reach(text, "-r /b"), text);
  EXPECT_EQ(with_reach("dbbackup list", ""), "dbbackup list");
}

TEST(CopiedCommandTest, AnErrorKeepsAllElse) {
  Error error(ErrorCode::kDatabaseNotFound,
              {.message = "m", .cause = "c", .solution = {"dbbackup list", "Or not."}, .sqlstate = "3D000"});
  error.add_context("Host", "here");
  const Error told = with_reach(error, "-r /b");
  EXPECT_EQ(told.code(), error.code());
  EXPECT_EQ(told.message(), "m");
  EXPECT_EQ(told.cause(), "c");
  EXPECT_EQ(told.sqlstate(), "3D000");
  EXPECT_EQ(told.context(), error.context());
  EXPECT_EQ(told.solution(), (std::vector<std::string>{"dbbackup -r /b list", "Or not."}));
}

TEST(CopiedCommandTest, PathsLeadThereFromAnyDirectoryAndUrlsStay) {
  const std::string here = std::filesystem::current_path().string();
  GlobalOptions options;
  options.host = "/tmp";
  options.repository = "backups";
  options.key_file = "./keys/../key";
  EXPECT_EQ(options.reached_by(), "-h /tmp -r " + here + "/backups --key-file " + here + "/key");
  GlobalOptions far;
  far.repository = "s3://bucket/backups";
  far.config = "/etc/dbbackup.yaml";
  EXPECT_EQ(far.reached_by(), "-r s3://bucket/backups --config /etc/dbbackup.yaml");
}

}  // namespace
}  // namespace dbb::cli
