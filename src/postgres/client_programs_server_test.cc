#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/client_programs.h"
#include "support/private_cluster.h"

namespace dbb::postgres {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PrivateCluster;

ClientPrograms programs() {
  const system::StopEvent never{std::stop_token{}};
  return find_client_programs({PrivateCluster::server_bindir()}, never).at(0);
}

std::string output_of(const ConnectionTarget& target, std::string_view name, ProgramRun run,
                      const std::stop_token& token = {}) {
  const system::StopEvent stop(token);
  std::string output;
  run.on_output = [&](ByteView bytes) { output += as_text(bytes); };
  run_program(programs(), name, target, run, stop);
  return output;
}

Error failure_of(const ConnectionTarget& target, std::string_view name, const ProgramRun& run,
                 const std::stop_token& token = {}) {
  try {
    output_of(target, name, run, token);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kInternal, {.message = "nothing was thrown"});
}

TEST(ClientProgramsServerTest, ProgramsReachOddDatabasesWithOurSettingsAndName) {
  const PrivateCluster cluster;
  const std::string name = "host=evil 'q' \\ \"d\" \xc3\xa4";
  Connection connection = cluster.connect();
  connection.execute("CREATE DATABASE " + connection.quote_identifier(name));
  const std::string output = output_of(
      cluster.target(name).with("options", "-c work_mem=9MB").with("application_name", "other"), "psql",
      {.arguments =
           {"-XAtc",
            "SELECT current_database(), current_setting('dbbackup.odd'), current_setting('work_mem'), "
            "current_setting('application_name')"},
       .settings = {{"dbbackup.odd", "a b\\c"}},
       .application_name = "dbbackup run 7"});
  EXPECT_EQ(output, name + "|a b\\c|9MB|dbbackup run 7\n");
  EXPECT_THAT(output_of(cluster.target(name), "pg_dump", {.arguments = {"--section=pre-data"}}),
              HasSubstr("PostgreSQL database dump complete"));
  EXPECT_THAT(output_of(cluster.target(name), "pg_dumpall", {.arguments = {"--globals-only"}}),
              HasSubstr("CREATE ROLE postgres"));
}

TEST(ClientProgramsServerTest, ATypedPasswordReachesTheProgramAndNoErrorShowsIt) {
  PrivateCluster cluster;
  cluster.psql("SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD 'right one'");
  cluster.set_hba("local all postgres trust\nlocal all app scram-sha-256");
  const auto target = cluster.target("postgres", "app");
  const ProgramRun run{.arguments = {"-XAtc", "SELECT 1"}};
  Error error = failure_of(target.with("password", "wrong one"), "psql", run);
  EXPECT_EQ(error.code(), ErrorCode::kAuthFailed);
  EXPECT_THAT(std::string(error.what()), Not(HasSubstr("wrong one")));
  EXPECT_EQ(output_of(target.with("password", "right one"), "psql", run), "1\n");
  EXPECT_EQ(target.with("password", "right one").conninfo_without_password().find("right"),
            std::string::npos);
}

TEST(ClientProgramsServerTest, FailuresAreToldByWhatTheyMean) {
  const PrivateCluster cluster;
  cluster.psql("CREATE ROLE plain LOGIN; CREATE TABLE held (id int); CREATE TABLE secret (id int)");
  EXPECT_EQ(failure_of(cluster.target("no such"), "pg_dump", {}).code(), ErrorCode::kDatabaseNotFound);
  EXPECT_EQ(failure_of(cluster.target("postgres", "stranger"), "pg_dump", {}).code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(failure_of(cluster.target().with("host", "/nonexistent"), "pg_dump", {}).code(),
            ErrorCode::kConnectionRefused);
  const Error denied =
      failure_of(cluster.target("postgres", "plain"), "pg_dump", {.arguments = {"-t", "secret"}});
  EXPECT_EQ(denied.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(denied.cause(),
              HasSubstr("pg_dump: error: query failed: ERROR:  permission denied for table secret"));
  EXPECT_THAT(denied.context(), Contains(std::pair<std::string, std::string>("Program", "pg_dump")));

  Connection holder = cluster.connect();
  holder.execute("BEGIN; LOCK TABLE public.held");
  const Error timeout =
      failure_of(cluster.target(), "pg_dump", {.arguments = {"-t", "held", "--lock-wait-timeout=50"}});
  EXPECT_EQ(timeout.code(), ErrorCode::kLockTimeout) << timeout.what();

  const Error other = failure_of(cluster.target(), "pg_dump", {.arguments = {"--no-such-option"}});
  EXPECT_EQ(other.code(), ErrorCode::kClientProgramFailed);
  EXPECT_THAT(other.cause(), HasSubstr("no-such-option"));
}

TEST(ClientProgramsServerTest, StopEndsAProgram) {
  const PrivateCluster cluster;
  std::stop_source stop;
  Connection holder = cluster.connect();
  holder.execute("CREATE TABLE public.held (id int)");
  holder.execute("BEGIN; LOCK TABLE public.held");
  TaskGroup group{std::stop_token{}};
  group.spawn("stopper", [&](const std::stop_token&) {
    Connection watcher = cluster.connect();
    while (watcher.execute("SELECT 1 FROM pg_catalog.pg_locks WHERE NOT granted").rows() == 0) {
    }
    stop.request_stop();
  });
  EXPECT_EQ(failure_of(cluster.target(), "pg_dump", {}, stop.get_token()).code(), ErrorCode::kCancelled);
  group.join();
}

}  // namespace
}  // namespace dbb::postgres
