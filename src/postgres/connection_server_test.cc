#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "postgres/connection.h"
#include "support/private_cluster.h"
#include "support/relay.h"

namespace dbb::postgres {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PrivateCluster;
using testing::Relay;

// What `call` throws; fails the test when it throws nothing.
template <typename Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kInternal, {.message = "nothing was thrown"});
}

std::string read_all(Connection& connection, const std::string& sql) {
  CopyOut copy = connection.copy_out(sql);
  std::string text;
  for (ByteView row; copy.next(row);) text += as_text(row);
  return text;
}

TEST(ConnectionTest, SettingsOfASessionHoldWhateverTheRoleHas) {
  const PrivateCluster cluster;
  Connection before = cluster.connect();
  const int major = before.version().major();
  std::vector<std::string> evil = {"statement_timeout = '1ms'",
                                   "lock_timeout = '1ms'",
                                   "idle_in_transaction_session_timeout = '1s'",
                                   "search_path = evil, public",
                                   "DateStyle = 'German'",
                                   "bytea_output = 'escape'",
                                   "default_transaction_read_only = on",
                                   "client_encoding = 'LATIN1'"};
  if (major >= 14) evil.emplace_back("idle_session_timeout = '1s'");
  if (major >= 17) evil.emplace_back("transaction_timeout = '1s'");
  for (const std::string& setting : evil) before.execute("ALTER ROLE postgres SET " + setting);
  Connection connection = cluster.connect();
  if (major >= 14) {
    EXPECT_EQ(connection.execute("SHOW idle_session_timeout").string(0, 0), "0");
    EXPECT_EQ(connection.execute("SHOW client_connection_check_interval").string(0, 0), "2s");
  }
  if (major >= 17) {
    EXPECT_EQ(connection.execute("SHOW transaction_timeout").string(0, 0), "0");
  }
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"statement_timeout", "0"},
           {"lock_timeout", "0"},
           {"idle_in_transaction_session_timeout", "0"},
           {"search_path", ""},
           {"DateStyle", "ISO, MDY"},
           {"IntervalStyle", "postgres"},
           {"TimeZone", "UTC"},
           {"extra_float_digits", "3"},
           {"bytea_output", "hex"},
           {"row_security", "off"},
           {"synchronize_seqscans", "off"},
           {"jit", "off"},
           {"default_transaction_read_only", "off"},
           {"client_encoding", "UTF8"},
           {"application_name", "dbbackup"},
       })
    EXPECT_EQ(connection.execute("SHOW " + name).string(0, 0), value) << name;
}

TEST(ConnectionTest, SettingsAskedForArriveWithSpacesQuotesAndBackslashes) {
  const PrivateCluster cluster;
  const std::string odd = R"(a b\c 'd' "e" =f)";
  Connection connection = Connection::open(
      cluster.target(), {.settings = {{"dbbackup.odd", odd}, {"lock_timeout", "60s"}, {"work_mem", "8MB"}}},
      {});
  EXPECT_EQ(connection.execute("SHOW dbbackup.odd").string(0, 0), odd);
  EXPECT_EQ(connection.execute("SHOW lock_timeout").string(0, 0), "1min");
  EXPECT_EQ(connection.execute("SHOW work_mem").string(0, 0), "8MB");
}

TEST(ConnectionTest, OptionsOfTheUserStayInForce) {
  const PrivateCluster cluster;
  Connection connection =
      Connection::open(cluster.target().with("options", "-c work_mem=9MB -c jit=on"), {}, {});
  EXPECT_EQ(connection.execute("SHOW work_mem").string(0, 0), "9MB");
  EXPECT_EQ(connection.execute("SHOW jit").string(0, 0), "off");
}

TEST(ConnectionTest, RowsOfEveryEncodingPassThroughUnconverted) {
  const PrivateCluster cluster;
  cluster.psql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  cluster.psql("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  Connection latin = cluster.connect("latin");
  EXPECT_EQ(latin.execute("SELECT chr(228)").string(0, 0), "\xe4");
  Connection bytes = cluster.connect("bytes");
  EXPECT_EQ(bytes.execute("SELECT E'\\xff\\xc3'").string(0, 0), "\xff\xc3");
  Connection converted = Connection::open(cluster.target("latin"), {.client_encoding = "UTF8"}, {});
  EXPECT_EQ(converted.execute("SELECT chr(228)").string(0, 0), "\xc3\xa4");
}

TEST(ConnectionTest, ParametersAndNullsComeBackAsTheyWent) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  const Result answer = connection.execute("SELECT $1::text, $2::int8, $3::text, true, $4::oid",
                                           {"O'Brien \\ \n", "-7", std::nullopt, "4294967295"});
  EXPECT_EQ(answer.rows(), 1);
  EXPECT_EQ(answer.columns(), 5);
  EXPECT_EQ(answer.string(0, 0), "O'Brien \\ \n");
  EXPECT_EQ(answer.integer(0, 1), -7);
  EXPECT_TRUE(answer.is_null(0, 2));
  EXPECT_EQ(answer.optional(0, 2), std::nullopt);
  EXPECT_TRUE(answer.boolean(0, 3));
  EXPECT_EQ(answer.oid(0, 4), Oid{4294967295});
  EXPECT_EQ(error_of([&] { (void)answer.integer(0, 0); }).code(), ErrorCode::kInternal);
}

TEST(ConnectionTest, TheLastOfSeveralStatementsAnswersAndAnErrorInAnyIsThrown) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  EXPECT_EQ(connection.execute("SELECT 1; SELECT 2").integer(0, 0), 2);
  EXPECT_EQ(error_of([&] { connection.execute("SELECT 1/0; SELECT 2"); }).sqlstate(), "22012");
  EXPECT_EQ(connection.execute("SELECT 3").integer(0, 0), 3);
  connection.execute("CREATE TABLE public.t AS SELECT generate_series(1, 5)");
  EXPECT_EQ(connection.execute("DELETE FROM public.t WHERE generate_series < 4").affected_rows(), 3);
}

TEST(ConnectionTest, ServerErrorsCarryItsWords) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  const Error error = error_of([&] { connection.execute("SELECT * FROM nothing.here"); });
  EXPECT_EQ(error.code(), ErrorCode::kServerError);
  EXPECT_EQ(error.sqlstate(), "42P01");
  EXPECT_EQ(error.message(), "relation \"nothing.here\" does not exist");
  const Error detailed = error_of([&] {
    connection.execute(
        "DO $$BEGIN RAISE 'broken' USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = '53100'; END$$");
  });
  EXPECT_EQ(detailed.code(), ErrorCode::kDiskFull);
  EXPECT_THAT(detailed.cause(), HasSubstr("the detail; Hint: the hint"));
}

TEST(ConnectionTest, NoticesAreCollected) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END$$");
  EXPECT_THAT(connection.take_notices(), ElementsAre("NOTICE: one", "WARNING: two"));
  EXPECT_TRUE(connection.take_notices().empty());
}

TEST(ConnectionTest, StopCancelsARunningQueryWithinASecond) {
  const PrivateCluster cluster;
  std::stop_source stop;
  Connection connection = cluster.connect("postgres", stop.get_token());
  const int pid = connection.backend_pid();
  std::jthread stopper([&] {
    Connection watcher = cluster.connect();
    while (watcher.execute("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'").rows() ==
           0) {
    }
    stop.request_stop();
  });
  const Error error = error_of([&] { connection.execute("SELECT pg_catalog.pg_sleep(60)"); });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  Connection other = cluster.connect();
  EXPECT_EQ(other.execute("SELECT state FROM pg_catalog.pg_stat_activity WHERE pid = " + std::to_string(pid))
                .string(0, 0),
            "idle");

  EXPECT_EQ(error_of([&] { connection.execute("SELECT 1"); }).code(), ErrorCode::kCancelled)
      << "stop is still requested";
  connection.use_stop_token({});
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
}

TEST(ConnectionTest, ATransactionIsRolledBackAlsoAfterAStop) {
  const PrivateCluster cluster;
  std::stop_source stop;
  Connection connection = cluster.connect("postgres", stop.get_token());
  const Error error = error_of([&] {
    in_transaction(connection, [&] {
      connection.execute("CREATE TABLE public.gone()");
      stop.request_stop();
      connection.execute("SELECT 1");
    });
  });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  connection.use_stop_token({});
  EXPECT_TRUE(connection.execute("SELECT to_regclass('public.gone')").is_null(0, 0));
  in_transaction(connection, [&] { connection.execute("CREATE TABLE public.kept()"); });
  EXPECT_FALSE(connection.execute("SELECT to_regclass('public.kept')").is_null(0, 0));
}

TEST(ConnectionTest, RowsGoOutAndInUnchanged) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute(
      "CREATE TABLE public.source AS SELECT g AS id, md5(g::text) || E'\\t\\n\\\\' AS text, "
      "CASE WHEN g % 3 = 0 THEN NULL ELSE g * 1.5::float8 END AS number FROM generate_series(1, 100000) g;"
      "CREATE TABLE public.copy (LIKE public.source)");
  CopyOut out = connection.copy_out("COPY public.source TO STDOUT");
  Connection writer = cluster.connect();
  CopyIn in = writer.copy_in("COPY public.copy FROM STDIN");
  uint64_t rows = 0;
  for (ByteView row; out.next(row); ++rows) {
    ASSERT_EQ(row.back(), '\n');
    in.write(row);
  }
  EXPECT_EQ(out.command_tag_rows(), 100000);
  EXPECT_EQ(rows, 100000);
  EXPECT_EQ(in.finish(), 100000);
  EXPECT_EQ(
      connection
          .execute(
              "SELECT count(*) FROM (SELECT * FROM public.source EXCEPT ALL SELECT * FROM public.copy) d")
          .integer(0, 0),
      0);
}

TEST(ConnectionTest, OneWriteMayHoldManyMegabytes) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute("CREATE TABLE public.lines (line text)");
  const std::string line = std::string(999, 'x') + "\n";
  std::string data;
  for (int i = 0; i < 20000; ++i) data += line;
  CopyIn in = connection.copy_in("COPY public.lines FROM STDIN");
  in.write(as_bytes(data));
  EXPECT_EQ(in.finish(), 20000);
  EXPECT_EQ(connection.execute("SELECT sum(length(line)) FROM public.lines").integer(0, 0), 999 * 20000);
}

TEST(ConnectionTest, AnErrorInTheMiddleOfACopyInEndsItSoon) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute("CREATE TABLE public.numbers (n int)");
  uint64_t written = 0;
  const Error error = error_of([&] {
    CopyIn in = connection.copy_in("COPY public.numbers FROM STDIN");
    in.write(as_bytes("1\nno number\n"));
    const std::string good(1 << 16, '\n');
    for (int i = 0; i < 10000; ++i, written += good.size()) in.write(as_bytes(good));
    in.finish();
  });
  EXPECT_EQ(error.sqlstate(), "22P02");
  EXPECT_THAT(error.cause(), HasSubstr("line 2"));
  EXPECT_LT(written, 100u << 20) << "the rest is not sent in vain";
  EXPECT_EQ(connection.execute("SELECT count(*) FROM public.numbers").integer(0, 0), 0);
}

TEST(ConnectionTest, ACopyThatIsLeftEndsAndTheSessionStays) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute("CREATE TABLE public.numbers AS SELECT generate_series(1, 1000000) AS n");
  {
    CopyOut out = connection.copy_out("COPY public.numbers TO STDOUT");
    ByteView row;
    ASSERT_TRUE(out.next(row));
    EXPECT_EQ(as_text(row), "1\n");
  }
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
  {
    CopyIn in = connection.copy_in("COPY public.numbers FROM STDIN");
    in.write(as_bytes("5\n"));
  }
  EXPECT_EQ(connection.execute("SELECT count(*) FROM public.numbers").integer(0, 0), 1000000);
}

TEST(ConnectionTest, StopEndsACopyInBothDirections) {
  const PrivateCluster cluster;
  std::stop_source stop;
  Connection connection = cluster.connect("postgres", stop.get_token());
  connection.execute("CREATE TABLE public.slow AS SELECT 1 AS n");
  std::jthread stopper([&] {
    Connection watcher = cluster.connect();
    while (watcher.execute("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'").rows() ==
           0) {
    }
    stop.request_stop();
  });
  EXPECT_EQ(error_of([&] { read_all(connection, "COPY (SELECT pg_catalog.pg_sleep(60)) TO STDOUT"); }).code(),
            ErrorCode::kCancelled);
  stopper.join();

  std::stop_source second;
  connection.use_stop_token(second.get_token());
  const Error error = error_of([&] {
    CopyIn in = connection.copy_in("COPY public.slow FROM STDIN");
    in.write(as_bytes("1\n"));
    second.request_stop();
    in.write(as_bytes("2\n" + std::string(1 << 17, '\n')));
    in.finish();
  });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  connection.use_stop_token({});
  EXPECT_EQ(connection.execute("SELECT count(*) FROM public.slow").integer(0, 0), 1);
}

TEST(ConnectionTest, ACopyThatFailsOnTheServerSaysWhy) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  EXPECT_EQ(error_of([&] { connection.copy_out("COPY public.nothing TO STDOUT"); }).sqlstate(), "42P01");
  const Error error = error_of(
      [&] { read_all(connection, "COPY (SELECT 1 / (3 - g) FROM generate_series(1, 5) g) TO STDOUT"); });
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
}

TEST(ConnectionTest, AServerThatEndsIsALostConnection) {
  PrivateCluster cluster;
  Connection idle = cluster.connect();
  Connection copying = cluster.connect();
  CopyOut copy = copying.copy_out("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT");
  ByteView row;
  ASSERT_TRUE(copy.next(row));
  cluster.stop(PrivateCluster::Shutdown::kImmediate);
  EXPECT_EQ(error_of([&] { idle.execute("SELECT 1"); }).code(), ErrorCode::kConnectionLost);
  EXPECT_EQ(error_of([&] { idle.execute("SELECT 1"); }).code(), ErrorCode::kConnectionLost);
  EXPECT_EQ(error_of([&] {
              while (copy.next(row)) {
              }
            }).code(),
            ErrorCode::kConnectionLost);
}

TEST(ConnectionTest, ASessionEndedByAnAdministratorIsALostConnection) {
  const PrivateCluster cluster;
  Connection victim = cluster.connect();
  Connection killer = cluster.connect();
  const std::string pid = std::to_string(victim.backend_pid());
  killer.execute("SELECT pg_catalog.pg_terminate_backend($1::int)", {pid});
  while (killer.execute("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1::int", {pid}).rows() == 1) {
  }
  const Error error = error_of([&] { victim.execute("SELECT 1"); });
  EXPECT_EQ(error.code(), ErrorCode::kConnectionLost);
  EXPECT_EQ(error.sqlstate(), "57P01") << error.what();
}

TEST(ConnectionTest, ALoadThatLosesItsServerIsALostConnection) {
  PrivateCluster cluster;
  Connection connection = cluster.connect();
  connection.execute("CREATE TABLE public.numbers (n int)");
  CopyIn in = connection.copy_in("COPY public.numbers FROM STDIN");
  in.write(as_bytes("1\n"));
  cluster.stop(PrivateCluster::Shutdown::kImmediate);
  EXPECT_EQ(error_of([&] {
              const std::string data = "7\n";
              for (int i = 0; i < 1000000; ++i) in.write(as_bytes(data));
              in.finish();
            }).code(),
            ErrorCode::kConnectionLost);
}

TEST(ConnectionTest, WrongPasswordsAndUnknownRolesAreAuthFailed) {
  PrivateCluster cluster;
  cluster.psql("SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD 'right'");
  cluster.set_hba("local all postgres trust\nlocal all app scram-sha-256\nlocal all ghost trust");
  const auto target = cluster.target("postgres", "app");
  // The reload of pg_hba.conf has no other sign than that it works.
  const auto attempt = [&](const ConnectionTarget& to) { Connection::open(to, {}, {}); };
  Error error = error_of([&] {
    while (true) attempt(target.with("password", "wrong pass"));
  });
  EXPECT_EQ(error.code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(error.sqlstate(), "28P01");
  EXPECT_THAT(error.cause(), HasSubstr("password authentication failed for user \"app\""));
  EXPECT_THAT(error.cause(), Not(HasSubstr("28P01")));
  EXPECT_THAT(std::string(error.what()), Not(HasSubstr("wrong pass")));
  EXPECT_THAT(
      error.solution(),
      ::testing::Contains("Check that the user exists: SELECT rolname FROM pg_roles WHERE rolname='app';"));
  EXPECT_THAT(error.solution(), ::testing::Contains(HasSubstr("psql -h " + cluster.directory().string() +
                                                              " -p 5432 -U app -d postgres")));
  EXPECT_THAT(error.context(), ::testing::Contains(std::pair<std::string, std::string>("User", "app")));
  EXPECT_NO_THROW(attempt(target.with("password", "right")));
  EXPECT_EQ(error_of([&] { attempt(target.with("passfile", "/dev/null")); }).code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(error_of([&] { attempt(cluster.target("postgres", "ghost")); }).code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(error_of([&] { attempt(cluster.target("postgres", "stranger")); }).code(),
            ErrorCode::kAuthFailed);
}

TEST(ConnectionTest, WhatCannotBeReachedIsConnectionRefused) {
  const ConnectionTarget nowhere =
      ConnectionTarget().with("host", "/nonexistent").with("user", "postgres").with("dbname", "postgres");
  const Error error = error_of([&] { Connection::open(nowhere, {}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kConnectionRefused);
  EXPECT_THAT(error.cause(), HasSubstr("No such file or directory"));
  EXPECT_EQ(
      error_of([&] { Connection::open(nowhere.with("host", "127.0.0.1").with("port", "1"), {}, {}); }).code(),
      ErrorCode::kConnectionRefused);
}

TEST(ConnectionTest, ADatabaseThatIsNotThereIsNamed) {
  const PrivateCluster cluster;
  const Error error = error_of([&] { cluster.connect("no such one"); });
  EXPECT_EQ(error.code(), ErrorCode::kDatabaseNotFound);
  EXPECT_EQ(error.sqlstate(), "3D000");
  EXPECT_THAT(error.message(), HasSubstr("no such one"));
}

TEST(ConnectionTest, NoFreeSlotAndNoConnectPrivilegeAreTold) {
  const PrivateCluster cluster(PrivateCluster::Options{.settings = {{"max_connections", "5"},
                                                                    {"superuser_reserved_connections", "1"},
                                                                    {"max_wal_senders", "0"}}});
  cluster.psql("CREATE ROLE plain LOGIN");
  cluster.psql("CREATE DATABASE closed");
  cluster.psql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
  cluster.psql("CREATE DATABASE shut ALLOW_CONNECTIONS false");
  EXPECT_EQ(error_of([&] { Connection::open(cluster.target("closed", "plain"), {}, {}); }).code(),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(error_of([&] { cluster.connect("shut"); }).sqlstate(), "55000");
  std::vector<Connection> sessions;
  const Error error = error_of([&] {
    while (true) sessions.push_back(cluster.connect());
  });
  EXPECT_EQ(error.sqlstate(), "53300");
  EXPECT_THAT(error.message(), HasSubstr("no free connection slot"));
}

TEST(ConnectionTest, DatabaseNamesAreNeverReadAsConnectionStrings) {
  const PrivateCluster cluster;
  const std::string long_name = std::string(61, 'n') + "\xc3\xa4";  // 63 bytes
  for (const std::string& name :
       {std::string("a b"), std::string("host=evil port=1"), std::string("it's \\ \"quoted\""),
        std::string("postgresql://evil/x"), std::string("K\xc3\xb6ln \xe6\x9d\xb1"), long_name}) {
    Connection maker = cluster.connect();
    maker.execute("CREATE DATABASE " + maker.quote_identifier(name));
    Connection connection = cluster.connect(name);
    EXPECT_EQ(connection.execute("SELECT pg_catalog.current_database()").string(0, 0), name);
    EXPECT_EQ(connection.database(), name);
    EXPECT_EQ(cluster.psql("SELECT current_database()", name), name) << "and by a child program";
  }
}

TEST(ConnectionTest, LocksThatRunOutAreLockExhaustion) {
  const PrivateCluster cluster(PrivateCluster::Options{.settings = {{"max_locks_per_transaction", "10"},
                                                                    {"max_connections", "5"},
                                                                    {"max_wal_senders", "0"},
                                                                    {"max_worker_processes", "0"},
                                                                    {"autovacuum_max_workers", "1"}}});
  Connection connection = cluster.connect();
  const Error error = error_of([&] {
    in_transaction(connection, [&] {
      for (int i = 0; i < 20000; ++i)
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(" + std::to_string(i) + ")");
    });
  });
  EXPECT_EQ(error.code(), ErrorCode::kLockExhaustion);
  EXPECT_THAT(
      error.message(),
      HasSubstr("LOCK_EXHAUSTION: out of shared memory - max_locks_per_transaction insufficient (error: "));
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
}

TEST(ConnectionTest, ALockThatIsNotGrantedInTimeIsALockTimeout) {
  const PrivateCluster cluster;
  Connection holder = cluster.connect();
  holder.execute("CREATE TABLE public.busy()");
  holder.execute("BEGIN; LOCK TABLE public.busy");
  Connection waiter = Connection::open(cluster.target(), {.settings = {{"lock_timeout", "50ms"}}}, {});
  EXPECT_EQ(error_of([&] { waiter.execute("SELECT * FROM public.busy"); }).code(), ErrorCode::kLockTimeout);
  EXPECT_EQ(
      error_of([&] { waiter.execute("BEGIN; LOCK TABLE public.busy IN ACCESS SHARE MODE NOWAIT"); }).code(),
      ErrorCode::kLockTimeout);
}

TEST(ConnectionTest, StopAndTimeoutEndALoginThatHangs) {
  const Relay mute({});
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(error_of([&] { Connection::open(mute.target(), {}, stop.get_token()); }).code(),
            ErrorCode::kCancelled);
  const Error error = error_of([&] { Connection::open(mute.target().with("connect_timeout", "1"), {}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kConnectionRefused);
  EXPECT_THAT(error.cause(), HasSubstr("timeout expired"));
}

TEST(ConnectionTest, AHostThatDoesNotAnswerIsLeftForTheNext) {
  const PrivateCluster cluster;
  // A listener with a full queue: the kernel drops whoever comes, as a firewall does.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const auto raw_address = reinterpret_cast<sockaddr*>(&address);
  const system::FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), raw_address, size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  ASSERT_EQ(::getsockname(listener.get(), raw_address, &size), 0);
  std::vector<system::FileDescriptor> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int begun = ::connect(fillers.back().get(), raw_address, size);
    ASSERT_TRUE(begun == 0 || errno == EINPROGRESS);
  }
  const auto target = cluster.target()
                          .with("host", "127.0.0.1," + cluster.directory().string())
                          .with("port", std::to_string(ntohs(address.sin_port)) + ",5432")
                          .with("connect_timeout", "1");
  Connection connection = Connection::open(target, {}, {});
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
}

TEST(ConnectionTest, APoolerIsKnownByTheProcessThatAnswers) {
  const PrivateCluster cluster;
  // BackendKeyData: 'K', length 12, process, key. A pooler makes one up.
  const Relay pooler({.servers = {&cluster}, .on_answer = [](std::string& answer) {
                        const size_t at = answer.find(std::string("K\0\0\0\x0c", 5));
                        if (at != std::string::npos && at + 9 <= answer.size()) answer[at + 5] ^= 0x10;
                      }});
  const Error error = error_of([&] { Connection::open(pooler.target(), {}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kPoolerInBetween);
  EXPECT_FALSE(error.solution().empty());
}

TEST(ConnectionTest, APoolerIsKnownByRefusingStartupOptions) {
  const PrivateCluster cluster;
  // The reply of PgBouncer to the first packet.
  const Relay pooler({.servers = {&cluster}, .on_answer = [](std::string& answer) {
                        const std::string fields =
                            std::string("SFATAL\0C08P01\0Munsupported startup parameter: options\0", 54) +
                            '\0';
                        answer = "E";
                        answer += {0, 0, 0, static_cast<char>(fields.size() + 4)};
                        answer += fields;
                      }});
  const Error error = error_of([&] { Connection::open(pooler.target(), {}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kPoolerInBetween) << error.what();
}

TEST(ConnectionTest, ServersBefore13AreUnsupported) {
  const PrivateCluster cluster;
  // The same length, so that the message stays whole.
  const Relay old({.servers = {&cluster}, .on_answer = [](std::string& answer) {
                     const std::string name("server_version\0", 15);
                     if (const size_t at = answer.find(name); at != std::string::npos)
                       answer.replace(at + name.size(), 2, "12");
                   }});
  const Error error = error_of([&] { Connection::open(old.target(), {}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kServerUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("PostgreSQL 12."));
}

TEST(ConnectionTest, PlainTablesOnlyKeepsViewsOutWhereTheServerKnowsHow) {
  const PrivateCluster cluster;
  cluster.psql("CREATE VIEW public.v AS SELECT 1");
  Connection connection = Connection::open(cluster.target(), {.only_plain_tables = true}, {});
  const bool known =
      connection
          .execute("SELECT 1 FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind'")
          .rows() == 1;
  if (!known) GTEST_SKIP() << "this minor version has no restrict_nonsystem_relation_kind";
  EXPECT_EQ(error_of([&] { connection.execute("SELECT * FROM public.v"); }).code(), ErrorCode::kServerError);
}

}  // namespace
}  // namespace dbb::postgres
