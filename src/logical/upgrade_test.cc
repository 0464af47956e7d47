#include "logical/upgrade.h"

#include <gtest/gtest.h>

namespace dbb::logical {
namespace {

constexpr std::string_view kGlobals =
    "CREATE ROLE a;\n"
    "GRANT a TO b WITH ADMIN OPTION GRANTED BY \"odd; c\";\n"
    "GRANT a TO d;\n"
    "GRANT CREATE ON TABLESPACE t TO granted;\n";

Upgrade between(int from, int to) {
  return {.from = {from * 10000}, .to = {to * 10000}, .dumped_by = {from * 10000}};
}

TEST(Upgrade, GrantorsOfMembershipsAreLeftOutWhereNobodyHeldThemToTheirRights) {
  EXPECT_EQ(globals_for(kGlobals, between(15, 16)),
            "CREATE ROLE a;\n"
            "GRANT a TO b WITH ADMIN OPTION;\n"
            "GRANT a TO d;\n"
            "GRANT CREATE ON TABLESPACE t TO granted;\n");
}

TEST(Upgrade, GrantorsStayBetweenVersionsThatAgree) {
  EXPECT_EQ(globals_for(kGlobals, between(13, 15)), kGlobals);
  EXPECT_EQ(globals_for(kGlobals, between(16, 18)), kGlobals);
  EXPECT_EQ(globals_for("", between(13, 18)), "");
}

}  // namespace
}  // namespace dbb::logical
