#include "base/units.h"

#include <gtest/gtest.h>

#include "base/backup_id.h"
#include "base/error.h"
#include "base/utf8.h"

namespace dbb {
namespace {

using namespace std::chrono_literals;

TEST(UnitsTest, BytesHaveThreeSignificantDigits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.00 kB");
  EXPECT_EQ(format_bytes(1'500'000'000), "1.50 GB");
  EXPECT_EQ(format_bytes(99'950), "100 kB");
  EXPECT_EQ(format_bytes(999'499), "999 kB");
  EXPECT_EQ(format_bytes(999'999), "1.00 MB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "18.4 EB");
}

TEST(UnitsTest, DurationsInTheUnitAPersonWouldUse) {
  EXPECT_EQ(format_duration(0s), "0 ms");
  EXPECT_EQ(format_duration(412ms), "412 ms");
  EXPECT_EQ(format_duration(1500ms), "1.5 s");
  EXPECT_EQ(format_duration(187s), "3m 07s");
  EXPECT_EQ(format_duration(62min), "1h 02m");
  EXPECT_EQ(format_duration(50h), "50h 00m");
}

TEST(UnitsTest, CountsInGroupsOfThree) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
}

TEST(UtcTimeTest, FormsOfOneMoment) {
  const UtcTime time = UtcTime::parse("2026-11-20T20:15:02Z");
  EXPECT_EQ(time.microseconds(), 1795205702000000);
  EXPECT_EQ(time.iso(), "2026-11-20T20:15:02Z");
  EXPECT_EQ(time.compact(), "20261120T201502Z");
  EXPECT_EQ(time.day(), "20261120");
  EXPECT_EQ(UtcTime::parse("2026-11-20T20:15:02.25Z").microseconds(), time.microseconds() + 250000);
  EXPECT_EQ(UtcTime(-1).iso(), "1969-12-31T23:59:59Z");
  EXPECT_EQ(UtcTime::parse("2024-02-29T23:59:59Z").iso(), "2024-02-29T23:59:59Z");
  EXPECT_EQ(UtcTime(INT64_MIN).iso(), UtcTime(INT64_MIN + 1).iso());  // far away, but no overflow
}

TEST(UtcTimeTest, WhatIsNoTimeIsAUsageError) {
  for (const char* text :
       {"", "now", "2026-11-20", "2026-11-20T20:15:02", "2026-11-20T20:15:02+01:00", "2026-11-20T20:15:02Zz",
        "2026-13-20T20:15:02Z", "2026-00-20T20:15:02Z", "2026-11-31T20:15:02Z", "2025-02-29T20:15:02Z",
        "2026-11-00T20:15:02Z", "2026-11-20T24:00:00Z", "2026-11-20T20:60:02Z", "2026-11-20T20:15:60Z",
        "2026-11-20 20:15:02Z", " 026-11-20T20:15:02Z", "+026-11-20T20:15:02Z", "2026-1-20T20:15:02Z",
        "2026-11-20T20:15:02.5"}) {
    try {
      (void)UtcTime::parse(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
    }
  }
}

TEST(BackupIdTest, SortsByTimeAndSurvivesTheRoundTrip) {
  const BackupId earlier(UtcTime(1'000'000), UINT64_MAX);
  const BackupId later(UtcTime(2'000'000), 1);
  EXPECT_LT(earlier, later);
  EXPECT_EQ(later.text(), "19700101T000002Z-0000000000000001");
  EXPECT_EQ(later.random_part(), "0000000000000001");
  EXPECT_EQ(BackupId::parse(later.text()), later);
}

TEST(BackupIdTest, AnyOtherFormIsRefused) {
  for (const char* text :
       {"", "latest", "19700101T000002Z-000000000000000", "19700101T000002Z-000000000000000G",
        "19700101T000002Z-000000000000000A", "1970-101T000002Z-0000000000000001",
        "19700101T000002Z-00000000000000011", "../etc/T000002Z-0000000000000001"}) {
    try {
      (void)BackupId::parse(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
    }
  }
}

TEST(Utf8Test, APrefixNeverEndsInsideACharacter) {
  const std::string text = "a\xc3\xa4\xe6\x9d\xb1\xf0\x9f\x90\x98";  // 1 + 2 + 3 + 4 bytes
  const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (size_t limit = 0; limit < std::size(ends); ++limit)
    EXPECT_EQ(utf8_prefix(text, limit).size(), ends[limit]) << limit;
}

TEST(Utf8Test, OnlyShortestFormsOfCharactersAreValid) {
  for (const char* text : {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_valid_utf8(text));
  for (const char* text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80",
                           "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xe6\x9d"})
    EXPECT_FALSE(is_valid_utf8(text));
}

}  // namespace
}  // namespace dbb
