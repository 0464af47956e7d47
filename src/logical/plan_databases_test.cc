#include "logical/plan_databases.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "logical/restore_manifest.h"

namespace dbb::logical {
namespace {

using testing::ElementsAre;

const BackupId kRun(UtcTime(1'700'000'000'000'000), 0xc3f9a41e7b20d855);
const UtcTime kNow(1'700'000'000'000'000);

Document document_of(std::initializer_list<const char*> names) {
  Document document;
  for (const char* name : names) {
    DatabaseRecord record;
    record.properties.name = name;
    document.databases.push_back(record);
  }
  return document;
}

std::vector<std::string> names_of(const std::vector<DatabasePlan>& plans) {
  std::vector<std::string> names;
  for (const DatabasePlan& plan : plans) names.push_back(plan.name);
  return names;
}

ErrorCode code_of(const Document& document, const RestoreOptions& options, const NamesOnTarget& target) {
  try {
    plan_databases(document, options, target, kRun, kNow);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(PlanDatabases, SystemDatabasesComeLastAndAreFilled) {
  const auto plans = plan_databases(document_of({"postgres", "big", "template1", "small"}), {},
                                    {{{"postgres", {5}}, {"template1", {1}}, {"small", {7}}}}, kRun, kNow);
  EXPECT_THAT(names_of(plans), ElementsAre("big", "small", "postgres", "template1"));
  EXPECT_EQ(plans[0].action, DatabaseAction::kCreate);
  EXPECT_EQ(plans[0].staging_name, "dbbackup_staging_c3f9a41e7b20d855_1");
  EXPECT_EQ(plans[1].action, DatabaseAction::kSwap);
  EXPECT_EQ(plans[2].action, DatabaseAction::kFillSystem);
  EXPECT_EQ(plans[2].staging_name, "");
}

TEST(PlanDatabases, TheOldOneIsKeptWhenTheBackupIsIncomplete) {
  Document document = document_of({"app"});
  document.databases[0].state = DatabaseState::kIncomplete;
  const NamesOnTarget target{{{"app", {7}}}};
  EXPECT_FALSE(plan_databases(document, {}, target, kRun, kNow)[0].drop_old);
  EXPECT_TRUE(plan_databases(document, {.old = OldDatabase::kDrop}, target, kRun, kNow)[0].drop_old);
}

TEST(PlanDatabases, TheOldOneIsDroppedAfterAProofAndKeptWithout) {
  const Document document = document_of({"app"});
  const NamesOnTarget target{{{"app", {7}}}};
  EXPECT_TRUE(plan_databases(document, {}, target, kRun, kNow)[0].drop_old);
  EXPECT_FALSE(plan_databases(document, {.proof = false}, target, kRun, kNow)[0].drop_old);
  EXPECT_TRUE(
      plan_databases(document, {.old = OldDatabase::kDrop, .proof = false}, target, kRun, kNow)[0].drop_old);
  EXPECT_FALSE(plan_databases(document, {.old = OldDatabase::kKeep}, target, kRun, kNow)[0].drop_old);
}

TEST(PlanDatabases, AKeptNameThatIsTakenIsNotUsed) {
  const Document document = document_of({"app"});
  const std::string first = *plan_databases(document, {}, {{{"app", {7}}}}, kRun, kNow)[0].kept_name;
  const std::string second =
      *plan_databases(document, {}, {{{"app", {7}}, {first, {8}}}}, kRun, kNow)[0].kept_name;
  EXPECT_NE(first, second);
}

TEST(PlanDatabases, ADatabaseThatFailedInTheBackupIsSkipped) {
  Document document = document_of({"app", "broken"});
  document.databases[1].state = DatabaseState::kFailed;
  document.databases[1].error = "SERVER_ERROR: invalid page";
  const auto plans = plan_databases(document, {}, {{{"broken", {7}}}}, kRun, kNow);
  EXPECT_EQ(plans[1].action, DatabaseAction::kSkip);
  EXPECT_EQ(plans[1].reason, "it failed in the backup: SERVER_ERROR: invalid page");
}

TEST(PlanDatabases, AnotherNameMustBeFreeUnlessItIsToBeReplaced) {
  const Document document = document_of({"app"});
  const NamesOnTarget target{{{"app", {7}}, {"other", {8}}}};
  RestoreOptions options{.database = "app", .as = "other"};
  EXPECT_EQ(code_of(document, options, target), ErrorCode::kTargetExists);
  options.replace = true;
  EXPECT_EQ(plan_databases(document, options, target, kRun, kNow)[0].action, DatabaseAction::kSwap);
  options.as = "fresh";
  EXPECT_EQ(plan_databases(document, options, target, kRun, kNow)[0].action, DatabaseAction::kCreate);
}

TEST(PlanDatabases, InPlaceDropsFirstWhatItSaw) {
  const Document document = document_of({"app"});
  const auto plan = plan_databases(document, {.in_place = true}, {{{"app", {7}}}}, kRun, kNow)[0];
  EXPECT_TRUE(plan.drop_first);
  EXPECT_TRUE(plan.drop_old);
  EXPECT_EQ(plan.old, postgres::Oid{7});
}

TEST(PlanDatabases, WhatCameAfterTheRunHadBegunIsKeptWhateverIsAsked) {
  const Document document = document_of({"app"});
  const NamesOnTarget target{.names = {{"app", {7}}}, .strangers = {"app"}};
  for (const RestoreOptions& options :
       {RestoreOptions{}, RestoreOptions{.old = OldDatabase::kDrop}, RestoreOptions{.in_place = true}}) {
    const auto plan = plan_databases(document, options, target, kRun, kNow)[0];
    EXPECT_FALSE(plan.drop_first);
    EXPECT_FALSE(plan.drop_old);
    EXPECT_TRUE(plan.kept_name);
  }
}

class EarlierAttempt : public testing::Test {
 protected:
  DatabasePlan settled(postgres::Oid there, OldDatabase old = OldDatabase::kDefault) {
    plan_.action = there.value == 0 ? DatabaseAction::kCreate : DatabaseAction::kSwap;
    settle_earlier_attempt(plan_, earlier_, there, old);
    return plan_;
  }
  DatabasePlan plan_{.source = "app", .name = "app", .kept_name = "app_before_now"};
  ManifestDatabase earlier_{.oid = {9}, .old = postgres::Oid{7}, .kept_name = "app_before", .drop_old = true};
};

TEST_F(EarlierAttempt, WhatItRestoredAndIsThereIsNotRestoredAgain) {
  const DatabasePlan plan = settled({9});  // also when the kill came before it was recorded
  EXPECT_TRUE(plan.restored_before);
  EXPECT_EQ(plan.old, postgres::Oid{7});
  EXPECT_EQ(plan.kept_name, "app_before");
}

TEST_F(EarlierAttempt, WhatIsAskedForNowDecidesOverTheOldOne) {
  EXPECT_TRUE(settled({9}).drop_old);
  EXPECT_FALSE(settled({9}, OldDatabase::kKeep).drop_old);
  earlier_.drop_old = false;
  EXPECT_FALSE(settled({9}).drop_old);
  EXPECT_TRUE(settled({9}, OldDatabase::kDrop).drop_old);
}

TEST_F(EarlierAttempt, WhatItRestoredAndIsGoneIsRestoredAnew) {
  earlier_.outcome.restored = true;
  const DatabasePlan plan = settled({});
  EXPECT_FALSE(plan.restored_before);
  EXPECT_EQ(plan.action, DatabaseAction::kCreate);
}

TEST_F(EarlierAttempt, WhatSomebodyPutInThePlaceOfWhatItRestoredStays) {
  earlier_.outcome.restored = true;
  const DatabasePlan plan = settled({10});
  EXPECT_EQ(plan.action, DatabaseAction::kSkip);
  EXPECT_FALSE(plan.restored_before);  // so that nothing that was kept is dropped for it
}

TEST_F(EarlierAttempt, WhatItDidNotRestoreIsRestored) {
  EXPECT_EQ(settled({7}).action, DatabaseAction::kSwap);
}

TEST(PlanDatabases, NamesThatCannotBeAreRefused) {
  const Document document = document_of({"app"});
  EXPECT_EQ(code_of(document, {.database = "app", .as = ""}, {}), ErrorCode::kNameIllegal);
  EXPECT_EQ(code_of(document, {.database = "app", .as = std::string(64, 'x')}, {}), ErrorCode::kNameIllegal);
  EXPECT_EQ(code_of(document, {.database = "app", .as = "a\nb"}, {}), ErrorCode::kNameIllegal);
  EXPECT_EQ(code_of(document, {.database = "app", .as = "postgres", .replace = true}, {{{"postgres", {5}}}}),
            ErrorCode::kNameIllegal);
  EXPECT_EQ(code_of(document, {.database = "nothere"}, {}), ErrorCode::kDatabaseNotFound);
}

TEST(PlanDatabases, AFilledSystemDatabaseIsSkippedUnlessMerged) {
  DatabasePlan plan{.source = "postgres", .name = "postgres", .action = DatabaseAction::kFillSystem};
  settle_system_database(plan, true, {});
  EXPECT_EQ(plan.action, DatabaseAction::kFillSystem);
  settle_system_database(plan, false, {.system_databases = SystemDatabases::kMerge});
  EXPECT_EQ(plan.action, DatabaseAction::kFillSystem);
  settle_system_database(plan, false, {});
  EXPECT_EQ(plan.action, DatabaseAction::kSkip);
  EXPECT_FALSE(plan.reason.empty());
}

}  // namespace
}  // namespace dbb::logical
