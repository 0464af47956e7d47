#include <gtest/gtest.h>

#include "cli/nearest.h"
#include "cli/style.h"
#include "cli/table.h"

namespace dbb::cli {
namespace {

TEST(NearestTest, CountsASwapOfNeighboursAsOneMistake) {
  EXPECT_EQ(edit_distance("--confrim", "--confirm"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(NearestTest, SuggestsWhatIsNearAndNothingElse) {
  const std::vector<std::string> commands = {"backup", "restore", "list"};
  EXPECT_EQ(nearest("bakcup", commands), "backup");
  EXPECT_EQ(nearest("lst", commands), "list");
  EXPECT_EQ(nearest("rest", commands), "restore");  // a beginning
  EXPECT_EQ(nearest("frobnicate", commands), std::nullopt);
}

TEST(StyleTest, ControlCharactersOfNamesNeverReachTheTerminal) {
  EXPECT_EQ(printable_line("a\x1b[31mb\nc"), "a\\x1b[31mb\\nc");
  EXPECT_EQ(printable("two\nlines"), "two\nlines");
  EXPECT_EQ(printable_line("größe"), "größe");
}

TEST(StyleTest, WithoutColoursThereIsNoEscape) {
  EXPECT_EQ(Style(false).paint(Tone::kBad, "[FAIL]"), "[FAIL]");
  EXPECT_EQ(Style(true).paint(Tone::kGood, "ok"), "\x1b[32mok\x1b[0m");
}

TEST(StyleTest, CountsHaveTheRightNumberOfTheNoun) {
  EXPECT_EQ(counted(1, "backup"), "1 backup");
  EXPECT_EQ(counted(1234, "backup"), "1,234 backups");
}

TEST(TableTest, AlignsByCharactersAndLeavesEmptyColumnsOut) {
  Table table({{"NAME"}, {"ROWS", Align::kRight}, {"NEVER"}, {"NOTE"}});
  table.add({Cell("größe"), Cell("7"), Cell(""), Cell("x")});
  table.add({Cell("b"), Cell("12,345"), Cell(""), Cell("")});
  EXPECT_EQ(table.render(Style()),
            "NAME     ROWS  NOTE\n"
            "größe       7  x\n"
            "b      12,345\n");
}

TEST(TableTest, WrapsOnlyWhenItMustAndGivesWideColumnsWhatNarrowOnesLeave) {
  Table table({{"A"}, {"FINDING", Align::kLeft, true}, {"REMEDY", Align::kLeft, true}});
  table.add({Cell("x"), Cell("one two three four five six seven eight nine ten"), Cell("short")});
  EXPECT_EQ(table.render(Style()),
            "A  FINDING                                           REMEDY\n"
            "x  one two three four five six seven eight nine ten  short\n");
  EXPECT_EQ(table.render(Style(), 44),
            "A  FINDING                            REMEDY\n"
            "x  one two three four five six seven  short\n"
            "   eight nine ten\n");
}

TEST(TableTest, AWordThatIsTooLongStandsAlone) {
  EXPECT_EQ(wrap("a verylongword b", 4), (std::vector<std::string>{"a", "verylongword", "b"}));
}

}  // namespace
}  // namespace dbb::cli
