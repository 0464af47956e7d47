#include "base/error.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace dbb {
namespace {

TEST(ErrorTest, InnerContextWins) {
  Error error(ErrorCode::kServerError, {.message = "It broke", .cause = "of old age"});
  error.add_context("Database", "inner");
  error.add_context("Table", "t");
  error.add_context("Database", "outer");
  const std::vector<std::pair<std::string, std::string>> expected = {{"Database", "inner"}, {"Table", "t"}};
  EXPECT_EQ(error.context(), expected);
  EXPECT_STREQ(error.what(), "It broke: of old age");
  EXPECT_STREQ(Error(ErrorCode::kServerError, {.message = "It broke"}).what(), "It broke");
}

TEST(ErrorTest, EveryCodeHasItsOwnNameAndADocumentedPage) {
  std::set<std::string_view> names;
  std::set<std::string_view> pages;
  for (const ErrorCodeInfo& entry : all_error_codes()) {
    EXPECT_EQ(&info(entry.code), &entry) << entry.name;
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_TRUE(pages.insert(entry.page).second) << entry.page;
    EXPECT_FALSE(entry.title.empty());
    const auto page =
        std::filesystem::path(DBB_SOURCE_DIR) / "docs/errors" / (std::string(entry.page) + ".md");
    EXPECT_TRUE(std::filesystem::exists(page)) << page;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(ErrorCode::kInternal) + 1) << "the last code is kInternal";
}

}  // namespace
}  // namespace dbb
