#include "cli/application.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "system/clock.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

using testing::HasSubstr;

// The program as a whole, without a server: what it prints where, and what it ends with.
class ApplicationTest : public testing::Test {
 protected:
  ExitCode run(std::vector<std::string> words, std::map<std::string, std::string> environment = {}) {
    out_.clear();
    error_.clear();
    environment.try_emplace("HOME", directory_.path().string());
    const World world{.environment = Environment(std::move(environment)),
                      .clock = clock_,
                      .stop = stop_.get_token(),
                      .out = [this](std::string_view text) { out_ += text; },
                      .error = [this](std::string_view text) { error_ += text; }};
    words.insert(words.end(), {"--config", "/dev/null"});
    return run_application(words, world);
  }

  const system::TemporaryDirectory directory_{"cli-test"};
  system::RealClock clock_;
  std::stop_source stop_;
  std::string out_;
  std::string error_;
};

TEST_F(ApplicationTest, ForPeopleAnErrorIsOnStandardError) {
  EXPECT_EQ(run({"lst"}), ExitCode::kUsage);
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(error_.starts_with("[FAIL] Command Line Error\n\nUnknown command \"lst\".\n")) << error_;
  EXPECT_THAT(error_, HasSubstr("1. Did you mean dbbackup list?"));
}

TEST_F(ApplicationTest, ForScriptsAnErrorIsTheOneDocumentOnStandardOutput) {
  EXPECT_EQ(run({"lst", "--json"}), ExitCode::kUsage);
  EXPECT_EQ(error_, "");
  EXPECT_THAT(out_, HasSubstr("\"code\": \"USAGE\""));
}

TEST_F(ApplicationTest, AMissingRepositoryIsToldWithTheNameOfTheOperation) {
  EXPECT_EQ(run({"list"}), ExitCode::kRepositoryUnusable);
  EXPECT_TRUE(error_.starts_with("[FAIL] List Failed: Repository Not Found\n")) << error_;
}

TEST_F(ApplicationTest, InitMakesWhatListThenReads) {
  const std::string place = (directory_.path() / "backups").string();
  EXPECT_EQ(run({"init", "-r", place}), ExitCode::kDone) << error_;
  EXPECT_THAT(out_, HasSubstr("[OK] made a repository in " + place));
  EXPECT_THAT(out_, HasSubstr("not encrypted"));
  EXPECT_EQ(run({"list"}, {{"DBBACKUP_REPOSITORY", place}}), ExitCode::kDone);
  EXPECT_THAT(out_, HasSubstr("No backup in " + place + " yet."));
  EXPECT_EQ(run({"check", "-r", place, "--json"}), ExitCode::kDone);
  EXPECT_THAT(out_, HasSubstr("\"sound\": true"));
  EXPECT_EQ(run({"init", "-r", place}), ExitCode::kRepositoryUnusable);
  EXPECT_THAT(error_, HasSubstr("Code: REPOSITORY_EXISTS"));
  EXPECT_EQ(run({"show", "latest", "-r", place}), ExitCode::kRefused);
  EXPECT_THAT(error_, HasSubstr("Code: BACKUP_NOT_FOUND"));
}

TEST_F(ApplicationTest, HelpAndVersionNeedNothing) {
  EXPECT_EQ(run({"--version"}), ExitCode::kDone);
  EXPECT_EQ(out_, "dbbackup " DBB_VERSION "\n");
  EXPECT_EQ(run({"help", "restore", "cluster"}), ExitCode::kDone);
  const std::string help = out_;
  EXPECT_EQ(run({"restore", "cluster", "--help"}), ExitCode::kDone);
  EXPECT_EQ(out_, help);
  EXPECT_EQ(run({"help", "nonsense"}), ExitCode::kUsage);
  EXPECT_EQ(run({"man", "--json"}), ExitCode::kDone);
  EXPECT_TRUE(out_.starts_with(".TH"));
}

TEST_F(ApplicationTest, AStorageThatIsNoDirectoryIsRefused) {
  EXPECT_EQ(run({"list", "-r", "s3://bucket/prefix"}), ExitCode::kUsage);
  EXPECT_THAT(error_, HasSubstr("s3://bucket/prefix"));
}

TEST_F(ApplicationTest, ReplaceWithoutAsIsExplained) {
  EXPECT_EQ(run({"restore", "database", "app", "--replace"}), ExitCode::kUsage);
  EXPECT_THAT(error_, HasSubstr("--as"));
}

}  // namespace
}  // namespace dbb::cli
