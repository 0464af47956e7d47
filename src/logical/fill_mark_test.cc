#include "logical/fill_mark.h"

#include <gtest/gtest.h>

namespace dbb::logical {
namespace {

const BackupId kRun(UtcTime(1'000'000), 1);
const BackupId kBackup(UtcTime(2'000'000), 2);

TEST(FillMark, IsReadAsItWasWritten) {
  for (const bool beside : {false, true}) {
    const FillMark mark{.run = kRun, .backup = kBackup, .beside_others = beside};
    EXPECT_EQ(parse_fill_mark(to_setting(mark)), mark);
  }
}

TEST(FillMark, SomebodysOwnSettingIsNone) {
  const std::string ours = to_setting({.run = kRun, .backup = kBackup});
  for (const std::string& value : {std::string(), std::string("on"), kRun.text(), ours + " more"})
    EXPECT_FALSE(parse_fill_mark(value)) << value;
}

TEST(FillMark, IsTakenOutOfTheSettingsOfTheDatabaseAndNoOther) {
  postgres::DatabaseProperties properties;
  const std::string value = to_setting({.run = kRun, .backup = kBackup});
  properties.settings = {{.role = "", .name = "work_mem", .value = "4MB"},
                         {.role = "bob", .name = std::string(kFillSetting), .value = value},
                         {.role = "", .name = std::string(kFillSetting), .value = value}};
  ASSERT_TRUE(take_fill_mark(properties));
  EXPECT_EQ(properties.settings.size(), 2U);
  EXPECT_FALSE(take_fill_mark(properties));
  EXPECT_EQ(properties.settings.size(), 2U);
}

}  // namespace
}  // namespace dbb::logical
