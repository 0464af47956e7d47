#include "logical/restore_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace dbb::logical {
namespace {

using testing::HasSubstr;

const BackupId kRun(UtcTime(1'760'000'000'000'000), 0x0123456789abcdef);
const std::filesystem::path kFile = "/reports/restore-manifest-20261120.json";

std::string written() {
  RestoreManifest manifest{.run = kRun, .server = "db1:5432"};
  manifest.options.backup = kRun;
  return to_json(manifest, kFile);
}

// The manifest in which somebody has given the field another value.
std::string edited(const std::string& field, const std::string& value) {
  std::string text = written();
  const size_t at = text.find("\"" + field + "\": ");
  EXPECT_NE(at, std::string::npos) << field;
  const size_t begin = at + field.size() + 4;
  return text.replace(begin, text.find_first_of(",\n", begin) - begin, value);
}

TEST(RestoreManifestTest, WhatIsWrittenIsRead) {
  const RestoreManifest read = parse_restore_manifest(written(), kFile);
  EXPECT_EQ(read.run, kRun);
  EXPECT_EQ(read.options.lock_timeout, RestoreOptions().lock_timeout);
  EXPECT_EQ(read.options.failures.min_success_percent, 80);
}

TEST(RestoreManifestTest, NumbersThatTheCommandLineTakesAreTaken) {
  EXPECT_EQ(parse_restore_manifest(edited("jobs", "1024"), kFile).options.jobs, 1024);
  EXPECT_EQ(parse_restore_manifest(edited("jobs", "0"), kFile).options.jobs, 0);
  EXPECT_EQ(parse_restore_manifest(edited("retries", "100"), kFile).options.failures.retries, 100);
  EXPECT_EQ(parse_restore_manifest(edited("min_success", "0"), kFile).options.failures.min_success_percent,
            0);
}

TEST(RestoreManifestTest, NumbersThatTheCommandLineRefusesAreRefusedByName) {
  const std::vector<std::pair<std::string, std::string>> edits = {
      {"jobs", "1025"},
      {"jobs", "-1"},
      {"jobs", "2.5"},
      {"jobs", "\"four\""},
      {"jobs", "18446744073709551615"},
      {"parallel_databases", "100000"},
      {"retries", "101"},
      {"retries", "-1"},
      {"min_success", "101"},
      {"min_success", "-1"},
      {"lock_timeout_seconds", "0"},
      {"lock_timeout_seconds", "9223372036854775807"},
  };
  for (const auto& [field, value] : edits) {
    SCOPED_TRACE(field + " " + value);
    try {
      parse_restore_manifest(edited(field, value), kFile);
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_THAT(error.cause(), HasSubstr(field));
    }
  }
}

}  // namespace
}  // namespace dbb::logical
