#include "cli/restore_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/doctor.h"
#include "cli/json_documents.h"

namespace dbb::cli {
namespace {

using logical::DatabaseAction;
using logical::Verdict;
using testing::HasSubstr;
using testing::Not;

logical::RestorePlan plan_with(std::vector<logical::PreflightLine> lines) {
  logical::RestorePlan plan;
  plan.manifest.id = BackupId::parse("20261120T201502Z-c3f9a41e7b20d855");
  plan.manifest.complete = true;
  plan.document.server_address = "db1:5432";
  plan.preflight = std::move(lines);
  plan.databases = {{.source = "app",
                     .name = "app",
                     .action = DatabaseAction::kSwap,
                     .kept_name = "app_before_20261121",
                     .drop_old = true,
                     .tables = 12},
                    {.source = "shop",
                     .name = "shop_copy",
                     .action = DatabaseAction::kSwap,
                     .kept_name = "shop_copy_before_20261121"},
                    {.source = "postgres",
                     .name = "postgres",
                     .action = DatabaseAction::kSkip,
                     .reason = "it has contents"}};
  plan.globals_that_differ = {"role app: password"};
  return plan;
}

TEST(RestoreTextTest, ThePlanSaysWhatBecomesOfEveryDatabase) {
  const std::string text = render_plan(plan_with({{.check = "locks", .finding = "enough"}}), 120, Style());
  EXPECT_THAT(text, HasSubstr("Backup 20261120T201502Z-c3f9a41e7b20d855 of db1:5432"));
  EXPECT_THAT(text, HasSubstr("locks  ok       enough\n"));
  EXPECT_THAT(text, HasSubstr("replaces the old one, which is dropped after the proof"));
  EXPECT_THAT(text, HasSubstr("replaces the old one, which is kept as \"shop_copy_before_20261121\""));
  EXPECT_THAT(text, HasSubstr("skipped: it has contents"));
  EXPECT_THAT(text, HasSubstr("role app: password"));
  EXPECT_THAT(text, HasSubstr("Proof: rows are read again and compared."));
}

TEST(RestoreTextTest, ARefusalListsEveryRefusedLineAndNoOther) {
  const Error error = refusal_of(plan_with(
      {{.verdict = Verdict::kRefused, .check = "locks", .finding = "too few", .remedy = "Raise it."},
       {.verdict = Verdict::kWarning, .check = "rights", .finding = "no superuser"},
       {.verdict = Verdict::kRefused, .check = "version", .finding = "older"}}));
  EXPECT_EQ(error.code(), ErrorCode::kPreflightRefused);
  EXPECT_EQ(error.cause(), "locks: too few\nversion: older");
  EXPECT_EQ(error.solution().front(), "Raise it.");
}

TEST(RestoreTextTest, AVersionAloneIsADowngrade) {
  EXPECT_EQ(refusal_of(plan_with({{.verdict = Verdict::kRefused, .check = "version"}})).code(),
            ErrorCode::kVersionDowngrade);
}

TEST(RestoreTextTest, DamageIsNeverHiddenBehindAnotherRefusal) {
  EXPECT_EQ(
      refusal_of(plan_with({{.verdict = Verdict::kRefused, .check = "locks"},
                            {.verdict = Verdict::kRefused, .check = "backup data", .finding = "damaged"}}))
          .code(),
      ErrorCode::kCorruptedBackup);
}

TEST(RestoreTextTest, TheResultTellsProvenFromFailedAndNotBegun) {
  logical::RestoreResult result;
  result.databases = {
      {.name = "a", .restored = true, .rows = 12345, .proven = true, .load_seconds = 1.5},
      {.name = "b", .restored = true},
      {.name = "c", .failure = logical::DatabaseFailure{.code = "PROOF_FAILED", .message = "rows differ"}},
      {.name = "d"}};
  result.seconds = 65;
  const std::string text = render_result(plan_with({}), result, "", Style());
  EXPECT_THAT(text, HasSubstr("proven"));
  EXPECT_THAT(text, HasSubstr("12,345"));
  EXPECT_THAT(text, HasSubstr("restored, not proven"));
  EXPECT_THAT(text, HasSubstr("not begun"));
  EXPECT_THAT(text, HasSubstr("c: PROOF_FAILED: rows differ"));
  EXPECT_THAT(text, HasSubstr("2 of 4 databases restored from 20261120T201502Z-c3f9a41e7b20d855 in 1m 05s"));
}

TEST(RestoreTextTest, TheDocumentOfAPlanIsNotOneOfAResult) {
  EXPECT_THAT(plan_document(plan_with({})), HasSubstr("\"executed\": false"));
  logical::RestoreResult result;
  result.databases = {{.name = "a", .proof_seconds = 0.5}};
  const std::string document = restore_document(plan_with({}), result, "");
  EXPECT_THAT(document, HasSubstr("\"executed\": true"));
  for (const char* field :
       {"seconds", "proof_seconds", "load_seconds", "index_seconds", "swap_window_seconds"}) {
    EXPECT_THAT(document, HasSubstr("\"" + std::string(field) + "\": "));
  }
}

TEST(DoctorTest, AFailedLineDoesNotEndTheExamination) {
  const Diagnosis line = diagnose("server", []() -> Diagnosis {
    throw Error(
        ErrorCode::kConnectionRefused,
        {.message = "No server answers.", .cause = "refused\nmore", .solution = {"Start it", "Look again."}});
  });
  EXPECT_EQ(line.verdict, DoctorVerdict::kFailed);
  EXPECT_EQ(line.finding, "CONNECTION_REFUSED: No server answers. (refused)");
  EXPECT_EQ(line.remedy, "Start it. Look again.");
  EXPECT_EQ(line.exit_code, ExitCode::kConnectionOrPermission);
  EXPECT_THROW(diagnose("server", []() -> Diagnosis { throw cancelled(); }), Error);
}

TEST(DoctorTest, TheExitCodeIsThatOfTheWorstLine) {
  const auto failed = [](ExitCode code) {
    return Diagnosis{.verdict = DoctorVerdict::kFailed, .exit_code = code};
  };
  EXPECT_EQ(exit_code_of({}), ExitCode::kDone);
  EXPECT_EQ(exit_code_of({{.verdict = DoctorVerdict::kWarning}}), ExitCode::kDone);
  EXPECT_EQ(exit_code_of({failed(ExitCode::kDiskSpace), failed(ExitCode::kConnectionOrPermission)}),
            ExitCode::kConnectionOrPermission);
  EXPECT_EQ(exit_code_of({failed(ExitCode::kFailed)}), ExitCode::kFailed);
}

TEST(DoctorTest, TooFewLocksAreAWarningWithTheSettingThatWouldDo) {
  postgres::ServerFacts facts;
  facts.max_locks_per_transaction = 64;
  facts.max_connections = 100;
  const postgres::LockCapacity capacity{.documented = 6400, .floor = 7808, .in_use = 8};
  EXPECT_EQ(diagnose_locks(capacity, facts, 5000, "app").verdict, DoctorVerdict::kOk);
  const Diagnosis line = diagnose_locks(capacity, facts, 20000, "app");
  EXPECT_EQ(line.verdict, DoctorVerdict::kWarning);
  EXPECT_THAT(line.finding, HasSubstr("64 x (max_connections 100 + max_prepared_transactions 0) = 6,400"));
  EXPECT_THAT(line.remedy, HasSubstr("max_locks_per_transaction = 206"));
}

TEST(DoctorTest, ConnectionSlotsLeaveOutWhatIsReserved) {
  postgres::ServerFacts facts;
  facts.max_connections = 20;
  facts.reserved_connections = 3;
  facts.used_connections = 15;
  EXPECT_EQ(diagnose_slots(facts, 5).verdict, DoctorVerdict::kFailed);
  facts.is_superuser = true;
  EXPECT_EQ(diagnose_slots(facts, 5).verdict, DoctorVerdict::kOk);
  EXPECT_EQ(diagnose_slots(facts, 8).verdict, DoctorVerdict::kWarning);
}

}  // namespace
}  // namespace dbb::cli
