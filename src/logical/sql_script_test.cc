#include "logical/sql_script.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::ElementsAre;

std::vector<std::string> statements_of(std::string_view script) {
  std::vector<std::string> texts;
  for_each_statement(script, [&](const Statement& statement) { texts.emplace_back(statement.text); });
  return texts;
}

TEST(SqlScript, StatementsEndAtSemicolonsOutsideOfLiterals) {
  EXPECT_THAT(statements_of("SELECT ';' ; SELECT \"a;b\";SELECT 3"),
              ElementsAre("SELECT ';'", "SELECT \"a;b\"", "SELECT 3"));
}

TEST(SqlScript, DoubledQuotesAndBackslashesOfEscapeStringsStayInside) {
  EXPECT_THAT(statements_of(R"(A 'it''s; so'; B E'\'; x' ; C '\';)"),
              ElementsAre("A 'it''s; so'", R"(B E'\'; x')", R"(C '\')"));
}

TEST(SqlScript, DollarQuotesEndAtTheirOwnTag) {
  EXPECT_THAT(statements_of("DO $a$ x; $b$ ; $a$; SELECT $1; Y"),
              ElementsAre("DO $a$ x; $b$ ; $a$", "SELECT $1", "Y"));
}

TEST(SqlScript, CommentsAndBackslashLinesAreLeftOut) {
  EXPECT_THAT(statements_of("\\restrict abc;def\n-- one; two\nA /* ; /* ; */ */ B;\n\\unrestrict abc\n"),
              ElementsAre("A /* ; /* ; */ */ B"));
}

TEST(SqlScript, WhatIsNotClosedEndsWithTheScript) {
  EXPECT_THAT(statements_of("A 'x; B"), ElementsAre("A 'x; B"));
  EXPECT_THAT(statements_of("A \"x; B"), ElementsAre("A \"x; B"));
  EXPECT_THAT(statements_of("A $q$; B"), ElementsAre("A $q$; B"));
  EXPECT_THAT(statements_of("A; /* ; B"), ElementsAre("A"));
}

TEST(SqlScript, ValuesAreUnquoted) {
  for_each_statement(R"(x "a""b" 'c''d')", [](const Statement& statement) {
    EXPECT_EQ(statement.tokens.at(0).value(), "x");
    EXPECT_EQ(statement.tokens.at(1).value(), "a\"b");
    EXPECT_EQ(statement.tokens.at(2).value(), "c'd");
  });
}

TEST(SqlScript, AQuotedWordIsNoKeyword) {
  for_each_statement("GRANT \"ON\" TO x", [](const Statement& statement) {
    EXPECT_EQ(statement.find("ON"), statement.tokens.size());
    EXPECT_EQ(statement.find("TO"), 2);
  });
}

}  // namespace
}  // namespace dbb::logical
