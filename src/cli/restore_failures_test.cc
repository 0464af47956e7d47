#include "cli/restore_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/json_documents.h"
#include "cli/restore_gaps.h"
#include "cli/restore_text.h"

namespace dbb::cli {
namespace {

using logical::DatabaseAction;
using logical::DatabaseOutcome;
using logical::DatabaseState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A backup of these, each planned to be restored unless it failed there.
logical::RestorePlan plan_of(const std::vector<std::pair<std::string, DatabaseState>>& databases) {
  logical::RestorePlan plan;
  plan.manifest.id = BackupId::parse("20261120T201502Z-c3f9a41e7b20d855");
  for (const auto& [name, state] : databases) {
    logical::DatabaseRecord record;
    record.properties.name = name;
    record.state = state;
    if (state == DatabaseState::kIncomplete) record.left_out = {"table public.secret: permission denied"};
    plan.document.databases.push_back(record);
    plan.databases.push_back(
        {.source = name,
         .name = name,
         .action = state == DatabaseState::kFailed ? DatabaseAction::kSkip : DatabaseAction::kCreate});
  }
  return plan;
}

DatabaseOutcome restored(const std::string& name) { return {.name = name, .restored = true, .proven = true}; }
DatabaseOutcome failed(const std::string& name) {
  return {.name = name, .failure = logical::DatabaseFailure{.code = "SERVER_ERROR", .message = "no"}};
}
DatabaseOutcome skipped(const std::string& name) { return {.name = name, .skipped = true}; }

TEST(RestoreFailuresTest, EmptySystemDatabasesDoNotCountAsRestored) {
  const logical::RestorePlan plan = plan_of({});
  const logical::RestoreResult result{
      .databases = {restored("a"), restored("b"), failed("c"), restored("postgres"), restored("template1")}};
  const auto verdict = verdict_on(plan, result);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->code(), ErrorCode::kRestoreIncomplete);
  EXPECT_THAT(verdict->cause(), HasSubstr("2 of 3 databases were restored (66 %)"));
}

TEST(RestoreFailuresTest, EnoughOfThemIsEnough) {
  const logical::RestoreResult result{
      .databases = {restored("a"), restored("b"), restored("c"), restored("d"), failed("e")}};
  EXPECT_FALSE(verdict_on(plan_of({}), result));
}

TEST(RestoreFailuresTest, SystemDatabasesCountWhereThereAreNoOthers) {
  logical::RestorePlan plan = plan_of({});
  plan.options.failures.min_success_percent = 50;
  EXPECT_FALSE(verdict_on(plan, {.databases = {restored("postgres"), failed("template1")}}));
  plan.options.failures.min_success_percent = 51;
  EXPECT_TRUE(verdict_on(plan, {.databases = {restored("postgres"), failed("template1")}}));
}

TEST(RestoreFailuresTest, NothingRestoredIsNeverEnough) {
  logical::RestorePlan plan = plan_of({});
  plan.options.failures.min_success_percent = 0;
  EXPECT_TRUE(verdict_on(plan, {.databases = {failed("a")}}));
}

TEST(RestoreFailuresTest, WhatFailedInTheBackupIsPartialAndWithRequireAllAnError) {
  logical::RestorePlan plan = plan_of({{"app", DatabaseState::kComplete}, {"shop", DatabaseState::kFailed}});
  const logical::RestoreResult result{.databases = {restored("app"), skipped("shop")}};
  EXPECT_EQ(status_of(plan, result), "partial");
  EXPECT_FALSE(verdict_on(plan, result));
  EXPECT_THAT(render_result(plan, result, "", Style()), HasSubstr("shop: nothing of it is in the backup"));
  plan.options.failures.require_all = true;
  const auto verdict = verdict_on(plan, result);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->info().exit_code, ExitCode::kPartial);
  EXPECT_THAT(verdict->cause(), HasSubstr("shop"));
}

TEST(RestoreFailuresTest, WhatIsIncompleteInTheBackupIsNamedWithItsGaps) {
  logical::RestorePlan plan = plan_of({{"app", DatabaseState::kIncomplete}});
  const logical::RestoreResult result{.databases = {restored("app")}};
  EXPECT_EQ(status_of(plan, result), "partial");
  EXPECT_FALSE(verdict_on(plan, result));
  const std::string text = render_result(plan, result, "", Style());
  EXPECT_THAT(text, HasSubstr("app: incomplete in the backup: table public.secret: permission denied"));
  EXPECT_THAT(restore_document(plan, result, ""), HasSubstr("\"status\": \"partial\""));
  plan.options.failures.require_all = true;
  const auto verdict = verdict_on(plan, result);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->info().exit_code, ExitCode::kPartial);
  EXPECT_THAT(verdict->cause(), HasSubstr("public.secret"));
}

TEST(RestoreFailuresTest, AGapOfAnotherTableIsNoneOfTheChosenPart) {
  logical::RestorePlan plan = plan_of({{"app", DatabaseState::kIncomplete}});
  plan.document.databases.front().left_out = {"rows of table public.orders: gone",
                                              "table public.secret: permission denied"};
  plan.options.selection.tables = {"public.orders"};
  plan.databases.front().part =
      logical::ChosenPart{.relations = {{"public", "orders"}}, .everything_else = false};
  EXPECT_THAT(gaps_in_backup(plan, "app"), ElementsAre("rows of table public.orders: gone"));
}

TEST(RestoreFailuresTest, ASystemDatabaseWithContentsIsNamedAndChangesNoStatus) {
  logical::RestorePlan plan =
      plan_of({{"app", DatabaseState::kComplete}, {"postgres", DatabaseState::kComplete}});
  plan.databases[1].action = DatabaseAction::kSkip;
  plan.databases[1].reason = "this one has contents";
  const logical::RestoreResult result{.databases = {restored("app"), skipped("postgres")}};
  EXPECT_EQ(status_of(plan, result), "complete");
  const std::string text = render_result(plan, result, "", Style());
  EXPECT_THAT(text, HasSubstr("postgres: skipped: this one has contents"));
  EXPECT_THAT(text, HasSubstr("Left as they are, for the reasons above: postgres\n"));
  plan.options.failures.require_all = true;
  EXPECT_FALSE(verdict_on(plan, result));
}

TEST(RestoreFailuresTest, TheCommandAfterAKeptDatabaseOnlyShows) {
  DatabaseOutcome app = restored("app");
  app.kept_as = "app_before_20261121";
  const std::string text =
      render_result(plan_of({{"app", DatabaseState::kComplete}}), {.databases = {app}}, "", Style());
  EXPECT_THAT(text, HasSubstr("Kept of what was replaced: \"app_before_20261121\"\n"));
  EXPECT_THAT(text, HasSubstr("dbbackup cleanup --kept\n"));
  EXPECT_THAT(text, Not(HasSubstr("--confirm")));
}

TEST(RestoreFailuresTest, ToStopAndToContinueExcludeEachOther) {
  FailureOptions options;
  options.on_error = "stop";
  options.continue_on_error = true;
  logical::FailurePolicy policy;
  try {
    options.apply(policy);
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
  }
  options.on_error = "retry:2";
  EXPECT_NO_THROW(options.apply(policy));
  EXPECT_EQ(policy.retries, 2);
}

}  // namespace
}  // namespace dbb::cli
