#include "logical/names.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"

namespace dbb::logical {
namespace {

const BackupId kRun(UtcTime(1'760'000'000'000'000), 0x0123456789abcdef);

TEST(Names, StagingNamesFitAndDiffer) {
  EXPECT_EQ(staging_name(kRun, 7), "dbbackup_staging_0123456789abcdef_7");
  EXPECT_LE(staging_name(kRun, 2'000'000'000).size(), kMaximumNameBytes);
}

TEST(Names, AStagingNameTellsItsRunAndNamesOfOthersTellNone) {
  EXPECT_EQ(run_in_staging_name(staging_name(kRun, 7)), kRun.random_part());
  for (const char* other :
       {"dbbackup_staging_", "dbbackup_staging_0123456789abcdef", "dbbackup_staging_0123456789abcdef_",
        "dbbackup_staging_abc_7", "dbbackup_staging_0123456789ABCDEF_7", "app"})
    EXPECT_EQ(run_in_staging_name(other), "") << other;
}

TEST(Names, AShortDatabaseKeepsItsWholeNameWhenKept) {
  EXPECT_EQ(kept_name("app", UtcTime(0)), "app_before_19700101T000000Z");
}

TEST(Names, LongNamesThatDifferAtTheEndStayDifferentWhenKept) {
  const std::string a(63, 'a');
  std::string b = a;
  b.back() = 'b';
  EXPECT_LE(kept_name(a, UtcTime(0)).size(), kMaximumNameBytes);
  EXPECT_NE(kept_name(a, UtcTime(0)), kept_name(b, UtcTime(0)));
}

TEST(Names, ACutNeverSplitsACharacter) {
  std::string name;
  for (int i = 0; i < 31; ++i) name += "ü";
  const std::string kept = kept_name(name, UtcTime(0));
  EXPECT_EQ(utf8_prefix(kept, kept.find('_')), std::string_view(kept).substr(0, kept.find('_')));
  EXPECT_EQ(kept.find('_') % 2, 0u);
}

TEST(Names, AMarkSurvivesItsComment) {
  const Mark mark{
      .kind = MarkKind::kKept, .run = kRun, .database = "we \"ird\" for it", .original_comment = "mine\ntwo"};
  const auto read = parse_comment(to_comment(mark));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, mark.kind);
  EXPECT_EQ(read->run, mark.run);
  EXPECT_EQ(read->database, mark.database);
  EXPECT_EQ(read->original_comment, mark.original_comment);
}

TEST(Names, AMarkSurvivesANameWithLineBreaksAndBackslashes) {
  for (const char* name : {"two\nlines", "back\\slash", "back\\n", "\\", "\n", "both\\\n", "end\\\\"}) {
    const auto read = parse_comment(
        to_comment({.kind = MarkKind::kStaging, .run = kRun, .database = name, .original_comment = "mine"}));
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->database, name);
    EXPECT_EQ(read->original_comment, "mine");
  }
}

TEST(Names, AMarkOfBeforeNamesWereEscapedIsRead) {
  const auto read = parse_comment("dbbackup: staging of run " + kRun.text() + " for C:\\temp");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->database, "C:\\temp");
}

TEST(Names, SomebodyElsesCommentIsNoMark) {
  EXPECT_FALSE(parse_comment("production"));
  EXPECT_FALSE(parse_comment("dbbackup: staging of run yesterday for app"));
  EXPECT_FALSE(parse_comment(""));
}

TEST(Names, AMarkedDatabaseThatWasRenamedIsKnownAsSuch) {
  const std::string name(60, 'n');
  const auto has = [&](MarkKind kind, std::string_view given) {
    return has_given_name({.kind = kind, .run = kRun, .database = name}, given);
  };
  EXPECT_TRUE(has(MarkKind::kKept, kept_name(name, UtcTime(0))));
  EXPECT_FALSE(has(MarkKind::kKept, name));
  EXPECT_FALSE(has(MarkKind::kKept, kept_name("other", UtcTime(0))));
  EXPECT_FALSE(has(MarkKind::kKept, kept_name(name, UtcTime(0)) + "_mine"));
  EXPECT_TRUE(has(MarkKind::kFailed, failed_name(name, UtcTime(0), 1)));
  EXPECT_TRUE(has(MarkKind::kFailed, failed_name(name, UtcTime(0), 12)));
  EXPECT_TRUE(has(MarkKind::kFailed, staging_name(kRun, 3)));
  EXPECT_FALSE(has(MarkKind::kFailed, name));
  EXPECT_TRUE(has(MarkKind::kStaging, staging_name(kRun, 3)));
  EXPECT_FALSE(has(MarkKind::kComplete, name));
}

TEST(Names, NamesPostgresWouldCutOrNotTakeAreRefused) {
  EXPECT_NO_THROW(check_database_name(std::string(63, 'x')));
  EXPECT_THROW(check_database_name(std::string(64, 'x')), Error);
  EXPECT_THROW(check_database_name(""), Error);
  EXPECT_THROW(check_database_name("a\nb"), Error);
  EXPECT_THROW(check_database_name("template0"), Error);
}

}  // namespace
}  // namespace dbb::logical
