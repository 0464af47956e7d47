#include "postgres/server_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbb::postgres {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

ConnectionTarget target() {
  return ConnectionTarget()
      .with("host", "db 1")
      .with("port", "5432")
      .with("user", "o'neil")
      .with("dbname", "app");
}

TEST(ServerErrorTest, CodesOfRunningStatements) {
  const auto code = [](std::string sqlstate, std::string message = "words", std::string hint = "") {
    return statement_error(
               {.sqlstate = std::move(sqlstate), .message = std::move(message), .hint = std::move(hint)},
               target())
        .code();
  };
  EXPECT_EQ(code("42501"), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code("55P03"), ErrorCode::kLockTimeout);
  EXPECT_EQ(code("53100"), ErrorCode::kDiskFull);
  EXPECT_EQ(code("3D000"), ErrorCode::kDatabaseNotFound);
  EXPECT_EQ(code("57P01"), ErrorCode::kConnectionLost);
  EXPECT_EQ(code("57P02"), ErrorCode::kConnectionLost);
  EXPECT_EQ(code("08006"), ErrorCode::kConnectionLost);
  EXPECT_EQ(statement_error({.severity = "ERROR", .sqlstate = "08001"}, target()).code(),
            ErrorCode::kServerError)
      << "of a foreign server";
  EXPECT_EQ(code("53200", "memoria compartida agotada", "max_locks_per_transaction"),
            ErrorCode::kLockExhaustion);
  EXPECT_EQ(code("53200", "out of memory"), ErrorCode::kServerError);
  EXPECT_EQ(code("57014"), ErrorCode::kServerError) << "somebody else cancelled";
  EXPECT_EQ(code("23505"), ErrorCode::kServerError);
}

TEST(ServerErrorTest, LockExhaustionHasTheFormatThatToolsLookFor) {
  const Error error = statement_error({.sqlstate = "53200",
                                       .message = "out of shared memory",
                                       .hint = "You might need to increase max_locks_per_transaction."},
                                      target());
  EXPECT_EQ(error.message(),
            "LOCK_EXHAUSTION: out of shared memory - max_locks_per_transaction insufficient "
            "(error: Hint: You might need to increase max_locks_per_transaction.)");
  EXPECT_EQ(
      program_error("pg_restore", 1,
                    "pg_restore: error: could not execute query: ERROR:  out of shared memory\n", nullptr)
          .code(),
      ErrorCode::kLockExhaustion);
}

TEST(ServerErrorTest, LoginsAreToldApartBySqlstateInAnyLanguage) {
  const auto of = [](const char* words) { return login_error(words, target()); };
  const Error password =
      of("connection to server at \"db 1\" (10.0.0.1), port 5432 failed: FATALE:  28P01: autenticazione "
         "fallita\n"
         "LOCATION:  auth_failed, auth.c:338\n");
  EXPECT_EQ(password.code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(password.sqlstate(), "28P01");
  EXPECT_THAT(password.cause(), HasSubstr("FATALE:  autenticazione fallita"));
  EXPECT_THAT(password.cause(), Not(HasSubstr("auth.c")));
  EXPECT_THAT(password.solution(),
              Contains("Check that the user exists: SELECT rolname FROM pg_roles WHERE rolname='o''neil';"));
  EXPECT_THAT(password.solution(),
              Contains("Test the connection: psql -h 'db 1' -p 5432 -U 'o'\\''neil' -d postgres"));
  EXPECT_EQ(of("x: FATAL:  28000: no pg_hba.conf entry").code(), ErrorCode::kAuthFailed);
  EXPECT_EQ(of("x: FATAL:  3D000: database \"app\" does not exist").code(), ErrorCode::kDatabaseNotFound);
  EXPECT_EQ(of("x: FATAL:  42501: permission denied for database").code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(of("x: FATAL:  53300: sorry, too many clients already").code(), ErrorCode::kConnectionRefused);
  EXPECT_EQ(of("x: FATAL:  57P03: the database system is starting up").code(), ErrorCode::kConnectionRefused);
  EXPECT_EQ(of("x: FATAL:  42704: unrecognized configuration parameter \"y\"").code(),
            ErrorCode::kServerError);
}

TEST(ServerErrorTest, LoginsThatNeverReachedAServerAreToldApartByWords) {
  const auto code = [](const char* words) { return login_error(words, target()).code(); };
  EXPECT_EQ(code("connection to server at \"x\", port 1 failed: Connection refused"),
            ErrorCode::kConnectionRefused);
  EXPECT_EQ(code("could not translate host name \"x\" to address: Name or service not known"),
            ErrorCode::kConnectionRefused);
  EXPECT_EQ(code("failed: fe_sendauth: no password supplied"), ErrorCode::kAuthFailed);
  EXPECT_EQ(code("failed: server does not support SSL, but SSL was required"), ErrorCode::kConnectionRefused);
  EXPECT_EQ(code("failed: FATAL:  08P01: unsupported startup parameter: options"),
            ErrorCode::kPoolerInBetween);
  EXPECT_EQ(code("failed: FATAL:  unsupported startup parameter in options: statement_timeout"),
            ErrorCode::kPoolerInBetween);
}

TEST(ServerErrorTest, OfAProgramTheFirstErrorCountsAndNotTheWarnings) {
  const Error error = program_error("pg_dump", 1,
                                    "pg_dump: warning: there are circular foreign-key constraints\n"
                                    "pg_dump: error: Dumping the contents of table \"t\" failed\n"
                                    "pg_dump: detail: Error message from server: ERROR:  missing chunk\n",
                                    nullptr);
  EXPECT_EQ(error.code(), ErrorCode::kClientProgramFailed);
  EXPECT_EQ(error.message(), "pg_dump failed (exit status 1).");
  EXPECT_EQ(error.cause(),
            "pg_dump: error: Dumping the contents of table \"t\" failed; "
            "pg_dump: detail: Error message from server: ERROR:  missing chunk");
  EXPECT_THAT(program_error("pg_dump", 137, "", nullptr).cause(), HasSubstr("signal 9"));
}

}  // namespace
}  // namespace dbb::postgres
