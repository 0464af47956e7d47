#include "cli/error_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

Error authentication_error() {
  Error error(
      ErrorCode::kAuthFailed,
      {.message = "PostgreSQL at db1:5432 does not let user \"dbbackup\" in.",
       .cause = "FATAL:  password authentication failed for user \"dbbackup\"\nsecond line",
       .solution = {"Verify the password.", "Test the connection:\npsql -h db1 -U dbbackup -d postgres"},
       .sqlstate = "28P01"});
  error.add_context("Database", "app");
  error.add_context("Host", "db1:5432");
  error.add_context("User", "dbbackup");
  return error;
}

TEST(ErrorTextTest, PeopleGetHeadingContextCauseStepsPageAndCode) {
  EXPECT_EQ(render_error(authentication_error(), "Restore", Style()),
            R"([FAIL] Restore Failed: PostgreSQL Authentication Error

PostgreSQL at db1:5432 does not let user "dbbackup" in.

Database:  app
Host:      db1:5432
User:      dbbackup

Root Cause: FATAL:  password authentication failed for user "dbbackup"
  second line

How to Fix:
  1. Verify the password.
  2. Test the connection:
     psql -h db1 -U dbbackup -d postgres

Documentation: docs/errors/auth-failed.md
Code: AUTH_FAILED (SQLSTATE 28P01)
)");
}

TEST(ErrorTextTest, WhatIsNotKnownIsLeftOut) {
  EXPECT_EQ(render_error(Error(ErrorCode::kCancelled, {.message = "Stopped."}), "Backup", Style()),
            "[FAIL] Backup Failed: Cancelled\n\nStopped.\n\nDocumentation: docs/errors/cancelled.md\nCode: "
            "CANCELLED\n");
}

TEST(ErrorTextTest, TheHeadingDoesNotSayTheSameTwice) {
  const Error error(ErrorCode::kRestoreFailed, {.message = "x"});
  EXPECT_TRUE(render_error(error, "Restore", Style()).starts_with("[FAIL] Restore Failed\n"));
  EXPECT_TRUE(render_error(error, "", Style()).starts_with("[FAIL] Restore Failed\n"));
}

TEST(ErrorTextTest, NamesCannotPaintTheTerminal) {
  const Error error(ErrorCode::kDatabaseNotFound, {.message = "no database \"\x1b[2J\""});
  EXPECT_EQ(render_error(error, "Backup", Style()).find('\x1b'), std::string::npos);
}

TEST(ErrorTextTest, ScriptsGetTheSameAsJson) {
  EXPECT_EQ(finished_document("", {}, authentication_error()), R"({
  "warnings": [],
  "error": {
    "code": "AUTH_FAILED",
    "title": "PostgreSQL Authentication Error",
    "message": "PostgreSQL at db1:5432 does not let user \"dbbackup\" in.",
    "cause": "FATAL:  password authentication failed for user \"dbbackup\"\nsecond line",
    "solution": [
      "Verify the password.",
      "Test the connection:\npsql -h db1 -U dbbackup -d postgres"
    ],
    "context": {
      "Database": "app",
      "Host": "db1:5432",
      "User": "dbbackup"
    },
    "sqlstate": "28P01",
    "documentation": "docs/errors/auth-failed.md",
    "exit_code": 1
  }
}
)");
}

TEST(ErrorTextTest, AResultKeepsItsFieldsBesideTheError) {
  const std::string document =
      finished_document(R"({"id": "x"})", {}, Error(ErrorCode::kBackupIncomplete, {.message = "m"}));
  EXPECT_LT(document.find("\"id\": \"x\""), document.find("\"error\""));
  EXPECT_NE(document.find("BACKUP_INCOMPLETE"), std::string::npos);
}

TEST(ErrorTextTest, WarningsAreInTheDocument) {
  const std::vector<Notice> warnings = {{.severity = Severity::kWarning,
                                         .kind = "role-differs",
                                         .text = "role a differs",
                                         .fields = {{"role", "a"}}}};
  const std::string document = finished_document(R"({"id": "x"})", warnings, std::nullopt);
  EXPECT_NE(document.find("\"kind\": \"role-differs\""), std::string::npos);
  EXPECT_NE(document.find("\"role\": \"a\""), std::string::npos);
  EXPECT_EQ(document.find("\"error\""), std::string::npos);
}

TEST(ErrorTextTest, BytesThatAreNoUtf8DoNotStopTheDocument) {
  const Error error(ErrorCode::kDatabaseNotFound, {.message = "no database \"\xff\""});
  EXPECT_NE(finished_document("", {}, error).find("\xEF\xBF\xBD"), std::string::npos);
}

TEST(ErrorPagesTest, EveryCodeHasAPageWithItsNameTitleAndEverySection) {
  const std::filesystem::path docs = std::filesystem::path(DBB_SOURCE_DIR) / "docs";
  std::ifstream index_file(docs / "errors/README.md");
  const std::string index((std::istreambuf_iterator<char>(index_file)), {});
  for (const ErrorCodeInfo& info : all_error_codes()) {
    SCOPED_TRACE(info.name);
    const Error error(info.code, {.message = "m"});
    std::ifstream file(std::filesystem::path(DBB_SOURCE_DIR) / documentation_of(error));
    ASSERT_TRUE(file.is_open()) << documentation_of(error);
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    EXPECT_TRUE(page.starts_with("# " + std::string(info.name) + ": " + std::string(info.title) + "\n"));
    EXPECT_NE(page.find("Exit code " + std::to_string(static_cast<int>(info.exit_code)) + "."),
              std::string::npos);
    for (const char* section : {"## What it means", "## What to look at", "## How to fix it",
                                "## What dbbackup did and did not change", "## Related"}) {
      EXPECT_NE(page.find(section), std::string::npos) << section;
    }
    EXPECT_NE(index.find("[" + std::string(info.name) + "]"), std::string::npos)
        << "not in docs/errors/README.md";
  }
}

}  // namespace
}  // namespace dbb::cli
