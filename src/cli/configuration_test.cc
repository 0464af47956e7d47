#include "cli/configuration.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "cli/settings.h"
#include "system/file.h"

namespace dbb::cli {
namespace {

using std::chrono::seconds;
using Variables = Environment::Variables;

Error error_of(const std::string& yaml) {
  try {
    parse_configuration(yaml, "/etc/dbbackup/config.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfigInvalid);
    return error;
  }
  ADD_FAILURE() << "no error for: " << yaml;
  return Error(ErrorCode::kInternal, {.message = ""});
}

TEST(ConfigurationTest, EveryKeyIsRead) {
  const Configuration read = parse_configuration(R"(
repository: /srv/backups
connection:
  host: db1
  port: 5433
  user: backup
  database: postgres
  sslmode: verify-full
jobs: 4
parallel_databases: 2
lock_timeout_s: 30
lock_wait_timeout_s: 90
client_programs:
  - /opt/pg17/bin
  - /opt/pg16/bin
)",
                                                 "f");
  EXPECT_EQ(read, (Configuration{.repository = "/srv/backups",
                                 .connection = {{"host", "db1"},
                                                {"port", "5433"},
                                                {"user", "backup"},
                                                {"dbname", "postgres"},
                                                {"sslmode", "verify-full"}},
                                 .jobs = 4,
                                 .parallel_databases = 2,
                                 .lock_timeout = seconds(30),
                                 .lock_wait_timeout = seconds(90),
                                 .client_programs = {"/opt/pg17/bin", "/opt/pg16/bin"}}));
}

TEST(ConfigurationTest, AnEmptyFileIsNoMistake) {
  EXPECT_EQ(parse_configuration("", "f"), Configuration{});
  EXPECT_EQ(parse_configuration("# nothing\nconnection:\n", "f"), Configuration{});
}

TEST(ConfigurationTest, AnUnknownKeyIsNamedWithItsLineAndTheNearestKnownOne) {
  const Error error = error_of("jobs: 1\nrepositry: /x\n");
  EXPECT_EQ(error.message(),
            "/etc/dbbackup/config.yaml, line 2: Unknown key \"repositry\"; the nearest known one is "
            "\"repository\".");
  EXPECT_EQ(error.solution().front(), "Write \"repository\" instead of \"repositry\", or remove the line.");
}

TEST(ConfigurationTest, AnUnknownKeyBelowConnectionIsNamedWithItsPath) {
  const Error error = error_of("connection:\n  hots: x\n");
  EXPECT_EQ(error.message(),
            "/etc/dbbackup/config.yaml, line 2: Unknown key \"connection.hots\"; the nearest known one is "
            "\"connection.host\".");
}

TEST(ConfigurationTest, WhatResemblesNothingGetsTheListOfKeys) {
  const Error error = error_of("zzzzzz: 1\n");
  EXPECT_EQ(error.message(), "/etc/dbbackup/config.yaml, line 1: Unknown key \"zzzzzz\".");
  EXPECT_NE(error.solution().front().find(
                "repository, passphrase_file, passphrase_command, key_file, connection, jobs"),
            std::string::npos);
}

TEST(ConfigurationTest, WrongKindsAreRefusedWithTheirLine) {
  for (const char* yaml : {"jobs: many\n", "jobs: 0\n", "jobs: 1025\n", "jobs: [1]\n", "connection: text\n",
                           "repository: [a]\n", "repository:\n", "lock_timeout_s: 1.5\n",
                           "client_programs: /one\n", "- a\n- b\n", "jobs: 1\njobs: 2\n", "a: [\n"}) {
    SCOPED_TRACE(yaml);
    EXPECT_NE(error_of(yaml).message().find(", line "), std::string::npos);
  }
}

TEST(ConfigurationTest, APasswordIsRefusedAndNotRepeated) {
  const Error error = error_of("connection:\n  password: secret\n");
  EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
  EXPECT_NE(error.solution().front().find("passfile"), std::string::npos);
}

TEST(ConfigurationTest, AFileThatIsNamedMustExist) {
  const system::TemporaryDirectory directory("cli-test");
  try {
    load_configuration(directory.path() / "none.yaml");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfigInvalid);
    EXPECT_NE(error.message().find("none.yaml"), std::string::npos);
  }
}

TEST(SettingsTest, TheRepositoryIsTakenFromOptionThenEnvironmentThenFileThenDefault) {
  GlobalOptions options;
  options.repository = "/option";
  const Environment environment(Variables{{"DBBACKUP_REPOSITORY", "/environment"}, {"HOME", "/home/me"}});
  const Configuration configuration{.repository = "/file"};
  EXPECT_EQ(repository_place(options, environment, configuration).path, "/option");
  EXPECT_EQ(repository_place({}, environment, configuration).path, "/environment");
  const Environment home(Variables{{"HOME", "/home/me"}});
  EXPECT_EQ(repository_place({}, home, configuration).path, "/file");
  EXPECT_EQ(repository_place({}, home, {}).path, "/home/me/.local/share/dbbackup/repository");
  const Environment xdg(Variables{{"HOME", "/home/me"}, {"XDG_DATA_HOME", "/data"}});
  EXPECT_EQ(repository_place({}, xdg, {}).path, "/data/dbbackup/repository");
  EXPECT_THROW(repository_place({}, Environment(), {}), Error);
}

TEST(SettingsTest, ANumberIsTakenFromOptionThenFileThenDefault) {
  EXPECT_EQ(first_of<int>(3, 2, 1), 3);
  EXPECT_EQ(first_of<int>(std::nullopt, 2, 1), 2);
  EXPECT_EQ(first_of<int>(std::nullopt, std::nullopt, 1), 1);
}

TEST(SettingsTest, TheConnectionIsTakenFromOptionThenConninfoThenEnvironmentThenFile) {
  const Configuration configuration{
      .connection = {{"host", "from-file"}, {"port", "1111"}, {"user", "file-user"}, {"sslmode", "require"}}};
  GlobalOptions options;
  options.database = "host=from-conninfo user=conninfo-user";
  options.user = "option-user";
  auto target = connection_target(options, Environment(Variables{{"PGPORT", "2222"}}), configuration);
  EXPECT_EQ(target.value("host"), "from-conninfo");
  EXPECT_EQ(target.value("user"), "option-user");
  EXPECT_EQ(target.value("sslmode"), "require");
  // libpq itself takes PGPORT from the real environment; the file's value must stand back for it.
  for (const auto& [keyword, value] : target.parameters()) EXPECT_NE(keyword, "port");
}

TEST(SettingsTest, AnotherHostByHandIsNotReachedByTheAddressInTheFile) {
  const Configuration configuration{.connection = {{"host", "db1"}, {"hostaddr", "10.0.0.1"}}};
  GlobalOptions options;
  options.host = "db2";
  const auto target = connection_target(options, Environment(), configuration);
  EXPECT_EQ(target.value("host"), "db2");
  for (const auto& [keyword, value] : target.parameters()) EXPECT_NE(keyword, "hostaddr");
}

TEST(SettingsTest, AServiceStandsForAWholeConnection) {
  const Configuration configuration{.connection = {{"host", "db1"}}};
  const auto target =
      connection_target({}, Environment(Variables{{"PGSERVICE", "production"}}), configuration);
  EXPECT_TRUE(target.parameters().empty());
}

TEST(SettingsTest, ColoursAreForTerminalsThatWantThem) {
  const Environment terminal(Variables{{"TERM", "xterm"}});
  EXPECT_TRUE(wants_colours({}, terminal, true));
  EXPECT_FALSE(wants_colours({}, terminal, false));
  EXPECT_FALSE(wants_colours({}, Environment(Variables{{"TERM", "dumb"}}), true));
  EXPECT_FALSE(wants_colours({}, Environment(Variables{{"TERM", "xterm"}, {"NO_COLOR", "1"}}), true));
  GlobalOptions options;
  options.no_color = true;
  EXPECT_FALSE(wants_colours(options, terminal, true));
}

}  // namespace
}  // namespace dbb::cli
