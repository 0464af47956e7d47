#include "logical/row_loader.h"

#include <gmock/gmock.h>

#include "logical/database_properties.h"

namespace dbb::logical {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TableContent table_of(const std::string& name, const std::vector<uint64_t>& parts) {
  TableContent table;
  table.attributes.schema = "public";
  table.attributes.name = name;
  for (const uint64_t bytes : parts) table.parts.push_back({.bytes = bytes});
  return table;
}

TEST(PlanLoad, LargestTablesComeFirstAndEmptyOnesStayAsTheyWereMade) {
  DatabaseContent content;
  content.tables = {table_of("small", {10}), table_of("large", {100}), table_of("empty", {})};
  EXPECT_THAT(plan_load(content, 1), ElementsAre(LoadTask{LoadTask::Kind::kTable, {1}, 0, 100},
                                                 LoadTask{LoadTask::Kind::kTable, {0}, 0, 10}));
}

TEST(PlanLoad, OnlyATableLargerThanAWorkersShareIsSplit) {
  DatabaseContent content;
  content.tables = {table_of("huge", {90, 90}), table_of("two", {50, 5}), table_of("one", {30})};
  EXPECT_THAT(plan_load(content, 4), ElementsAre(LoadTask{LoadTask::Kind::kPart, {0}, 0, 90},
                                                 LoadTask{LoadTask::Kind::kPart, {0}, 1, 90},
                                                 LoadTask{LoadTask::Kind::kTable, {1}, 0, 55},
                                                 LoadTask{LoadTask::Kind::kTable, {2}, 0, 30}));
  for (const int few : {1, 2, 3}) {
    EXPECT_THAT(plan_load(content, few), ElementsAre(LoadTask{LoadTask::Kind::kTable, {0}, 0, 180},
                                                     LoadTask{LoadTask::Kind::kTable, {1}, 0, 55},
                                                     LoadTask{LoadTask::Kind::kTable, {2}, 0, 30}));
  }
}

TEST(PlanLoad, ATableOfAboutAWorkersShareIsFrozenInOneTransaction) {
  DatabaseContent content;
  content.tables = {table_of("half", {60, 60}), table_of("rest", {400})};
  EXPECT_THAT(plan_load(content, 4), ElementsAre(LoadTask{LoadTask::Kind::kTable, {1}, 0, 400},
                                                 LoadTask{LoadTask::Kind::kTable, {0}, 0, 120}));
}

TEST(PlanLoad, LeavesOfOneRootAreOneTask) {
  DatabaseContent content;
  content.tables = {table_of("a", {10}), table_of("b", {20}), table_of("other", {5})};
  content.tables[0].attributes.load_through = content.tables[1].attributes.load_through =
      "\"public\".\"root\"";
  EXPECT_THAT(plan_load(content, 4), ElementsAre(LoadTask{LoadTask::Kind::kRoot, {0, 1}, 0, 30},
                                                 LoadTask{LoadTask::Kind::kTable, {2}, 0, 5}));
}

TEST(PlanLoad, ExtensionRowsAreNotInItAndLargeObjectsAre) {
  DatabaseContent content;
  content.tables = {table_of("config", {10})};
  content.tables[0].attributes.is_extension_config = true;
  content.large_objects = {{.bytes = 7}};
  EXPECT_THAT(plan_load(content, 4), ElementsAre(LoadTask{LoadTask::Kind::kLargeObjects, {}, 0, 7}));
}

TEST(SplitNameList, NamesAreUnquotedAndEmptyOnesKept) {
  EXPECT_THAT(split_name_list(R"(public, "$user", "A, ""b""")"), ElementsAre("public", "$user", "A, \"b\""));
  EXPECT_THAT(split_name_list(R"("")"), ElementsAre(""));
  EXPECT_THAT(split_name_list(""), IsEmpty());
}

}  // namespace
}  // namespace dbb::logical
