#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/startup_options.h"
#include "system/file.h"

namespace dbb::postgres {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Overrides = std::vector<std::pair<std::string, std::string>>;

// A variable of the environment for one scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

Error failure_of(const std::string& conninfo) {
  try {
    (void)ConnectionTarget::parse(conninfo, {});
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kInternal, {.message = "nothing was thrown"});
}

TEST(ConnectionTargetTest, ConninfoUriAndOverridesSayTheSame) {
  const Overrides none;
  for (const char* text : {"host=db1 port=5433 user=me dbname=app", "postgresql://me@db1:5433/app"}) {
    const auto target = ConnectionTarget::parse(text, none);
    EXPECT_EQ(target.value("host"), "db1");
    EXPECT_EQ(target.value("port"), "5433");
    EXPECT_EQ(target.value("user"), "me");
    EXPECT_EQ(target.value("dbname"), "app");
    EXPECT_EQ(target.host_and_port(), "db1:5433");
    EXPECT_FALSE(target.is_local_socket());
    EXPECT_EQ(target.conninfo_without_password(),
              ConnectionTarget::parse(text, none).conninfo_without_password());
  }
  const auto overridden =
      ConnectionTarget::parse("host=db1 dbname=app", Overrides{{"host", "db2"}, {"dbname", "a=b c"}});
  EXPECT_EQ(overridden.value("host"), "db2");
  EXPECT_EQ(overridden.value("dbname"), "a=b c");
}

TEST(ConnectionTargetTest, DefaultsAndEnvironmentAreAppliedAsLibpqDoes) {
  const Variable host("PGHOST", "/run/somewhere");
  const Variable port("PGPORT", "6000");
  const Variable user("PGUSER", "operator");
  const auto target = ConnectionTarget::parse("", {});
  EXPECT_EQ(target.host_and_port(), "/run/somewhere:6000");
  EXPECT_TRUE(target.is_local_socket());
  EXPECT_EQ(target.value("user"), "operator");
  EXPECT_EQ(target.value("dbname"), "operator");
  EXPECT_EQ(target.with("port", "1").value("port"), "1");
}

TEST(ConnectionTargetTest, AServiceIsLookedUp) {
  const system::TemporaryDirectory directory("dbbackup-service-");
  const std::string file = (directory.path() / "services").string();
  std::ofstream(file) << "[mine]\nhost=db9\nuser=svc\n";
  const Variable services("PGSERVICEFILE", file);
  const auto target = ConnectionTarget::parse("service=mine", Overrides{{"user", "other"}});
  EXPECT_EQ(target.value("host"), "db9");
  EXPECT_EQ(target.value("user"), "other");
  const Error error = failure_of("service=theirs");
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.cause(), HasSubstr("theirs"));
}

TEST(ConnectionTargetTest, WhatCannotBeParsedIsAUsageErrorWithoutSecrets) {
  EXPECT_EQ(failure_of("nonsense").code(), ErrorCode::kUsage);
  EXPECT_EQ(failure_of("hots=db1").code(), ErrorCode::kUsage);
  EXPECT_THAT(std::string(failure_of("password=se cret").what()), Not(HasSubstr("cret")));
  EXPECT_THAT(std::string(failure_of("postgresql://me:secret@[db1/app").what()), Not(HasSubstr("secret")));
}

TEST(ConnectionTargetTest, ThePasswordLeavesOnlyByItsOwnDoor) {
  const auto target =
      ConnectionTarget::parse("postgresql://me:s'ecret@db1/app?application_name=x&options=-cjit%3Don", {});
  EXPECT_EQ(target.password(), "s'ecret");
  const std::string conninfo = target.conninfo_without_password();
  EXPECT_THAT(conninfo, Not(HasSubstr("ecret")));
  EXPECT_THAT(conninfo, Not(HasSubstr("options")));
  EXPECT_THAT(conninfo, Not(HasSubstr("application_name")));
  EXPECT_EQ(ConnectionTarget::parse("host=db1", {}).password(), std::nullopt);
}

TEST(ConnectionTargetTest, OddValuesSurviveTheRoundTripThroughAConninfo) {
  for (const std::string& name :
       {std::string("a b"), std::string("it's"), std::string("back\\slash\\"), std::string("x=y"),
        std::string("postgresql://evil"), std::string("K\xc3\xb6ln"), std::string(63, 'n')}) {
    const auto target = ConnectionTarget().with("host", "/s p'ace").with_database(name);
    const auto again = ConnectionTarget::parse(target.conninfo_without_password(), {});
    EXPECT_EQ(again.value("dbname"), name);
    EXPECT_EQ(again.value("host"), "/s p'ace");
  }
}

TEST(StartupOptionsTest, SpacesAndBackslashesAreEscaped) {
  std::string options;
  append_startup_option(options, "a", "1");
  append_startup_option(options, "b.c", "x y\\z\n");
  append_startup_option(options, "empty", "");
  EXPECT_EQ(options, "-c a=1 -c b.c=x\\ y\\\\z\\\n -c empty=");
}

}  // namespace
}  // namespace dbb::postgres
