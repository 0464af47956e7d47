#include "postgres/name_pattern.h"

#include <gtest/gtest.h>

#include "base/error.h"

// What the patterns match is held against pg_dump in tests/e2e/test_selection.py.
namespace dbb::postgres {
namespace {

TEST(NamePattern, IsFoldedAnchoredAndTranslatedAsPsqlDoes) {
  EXPECT_EQ(parse_name_pattern("Log*", 3).name, "^(log.*)$");
  EXPECT_EQ(parse_name_pattern("a?b", 3).name, "^(a.b)$");
  EXPECT_EQ(parse_name_pattern("\"Log*\"", 3).name, "^(Log\\*)$");
  EXPECT_EQ(parse_name_pattern("\"a\"\"b\"", 3).name, "^(a\"b)$");
  EXPECT_EQ(parse_name_pattern("a$b", 3).name, "^(a\\$b)$");
  EXPECT_EQ(parse_name_pattern("x(1|2)[]", 3).name, "^(x(1|2)\\[])$");
  EXPECT_EQ(parse_name_pattern("\"Straße\"", 3).name, "^(Straße)$");
}

TEST(NamePattern, DotsSeparateTheParts) {
  const NamePattern all = parse_name_pattern("\"My DB\".s*.T", 3);
  EXPECT_EQ(all.database, "My DB");
  EXPECT_EQ(all.schema, "^(s.*)$");
  EXPECT_EQ(all.name, "^(t)$");
  EXPECT_EQ(parse_name_pattern("t", 3).schema, "");
  EXPECT_EQ(parse_name_pattern("db.s", 2).database, "db");
  EXPECT_EQ(parse_name_pattern("\"a.b\"", 1).name, "^(a\\.b)$");
}

TEST(NamePattern, TooManyPartsAreRefused) {
  for (const auto& [pattern, parts] : {std::pair("a.b.c.d", 3), std::pair("a.b.c", 2), std::pair("a.b", 1)}) {
    try {
      parse_name_pattern(pattern, parts);
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << pattern;
    }
  }
}

}  // namespace
}  // namespace dbb::postgres
