#include "logical/entry_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using ::testing::ElementsAre;

std::vector<std::string> descriptions(const postgres::ArchiveToc& toc) {
  std::vector<std::string> out;
  for (const ArchiveEntry& entry : toc.entries) out.emplace_back(entry.description);
  return out;
}

postgres::ArchiveToc example() {
  postgres::ArchiveToc toc;
  const auto add = [&](std::string_view description, std::string_view tag, std::string_view definition) {
    toc.entries.push_back({.id = static_cast<int>(toc.entries.size()) + 1,
                           .tag = tag,
                           .description = description,
                           .definition = definition,
                           .tablespace = "fast",
                           .owner = "alice"});
  };
  add("TABLE", "orders", "CREATE TABLE public.orders ();");
  add("COMMENT", "TABLE orders", "COMMENT ON TABLE public.orders IS 'alice';");
  add("PUBLICATION", "p", "CREATE PUBLICATION p;");
  add("PUBLICATION TABLE", "p orders", "ALTER PUBLICATION p ADD TABLE ONLY public.orders;");
  add("COMMENT", "PUBLICATION p", "COMMENT ON PUBLICATION p IS 'x';");
  add("SUBSCRIPTION", "s", "CREATE SUBSCRIPTION s ...;");
  add("SECURITY LABEL", "TABLE orders", "SECURITY LABEL ...;");
  add("ACL", "TABLE orders", "GRANT SELECT ON TABLE public.orders TO alice;");
  add("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", "ALTER DEFAULT PRIVILEGES FOR ROLE alice ...;");
  add("MATERIALIZED VIEW DATA", "m", "REFRESH MATERIALIZED VIEW public.m;");
  return toc;
}

TEST(EntryRules, WithoutRulesNothingChanges) {
  const postgres::ArchiveToc toc = example();
  const EntryRules none;
  EXPECT_EQ(descriptions(RuledToc(toc, none).toc()), descriptions(toc));
}

TEST(EntryRules, EachSwitchTakesItsEntriesAway) {
  const postgres::ArchiveToc toc = example();
  const EntryRules rules{.privileges = false,
                         .comments = false,
                         .publications = false,
                         .subscriptions = false,
                         .security_labels = false,
                         .refreshes = false};
  EXPECT_THAT(descriptions(RuledToc(toc, rules).toc()), ElementsAre("TABLE"));
  const EntryRules no_publications{.publications = false};
  EXPECT_THAT(descriptions(RuledToc(toc, no_publications).toc()),
              ElementsAre("TABLE", "COMMENT", "SUBSCRIPTION", "SECURITY LABEL", "ACL", "DEFAULT ACL",
                          "MATERIALIZED VIEW DATA"));
}

TEST(EntryRules, OwnersAndTablespacesAreTakenAwayOrRenamed) {
  const postgres::ArchiveToc toc = example();
  const EntryRules none{.owners = false, .tablespaces = false};
  EXPECT_EQ(RuledToc(toc, none).toc().entries[0].owner, "");
  EXPECT_EQ(RuledToc(toc, none).toc().entries[0].tablespace, "");
  const EntryRules renamed{.roles = {{"alice", "Al \"ice"}}};
  const RuledToc ruled(toc, renamed);
  EXPECT_EQ(ruled.toc().entries[0].owner, "Al \"ice");
  EXPECT_EQ(ruled.toc().entries[1].definition, "COMMENT ON TABLE public.orders IS 'alice';");
  EXPECT_EQ(ruled.toc().entries[7].definition, "GRANT SELECT ON TABLE public.orders TO \"Al \"\"ice\";");
}

TEST(EntryRules, RolesAreRenamedWhereTheyStandAndNowhereElse) {
  const std::map<std::string, std::string> roles = {{"a", "b"}, {"Odd", "plain"}};
  EXPECT_EQ(with_renamed_roles("GRANT SELECT(a) ON TABLE a.a TO a WITH GRANT OPTION;", roles),
            "GRANT SELECT(a) ON TABLE a.a TO \"b\" WITH GRANT OPTION;");
  EXPECT_EQ(
      with_renamed_roles("REVOKE ALL ON TABLE t FROM \"Odd\";\nSET SESSION AUTHORIZATION a;\nGRANT ALL "
                         "ON TABLE t TO PUBLIC;\nRESET SESSION AUTHORIZATION;",
                         roles),
      "REVOKE ALL ON TABLE t FROM \"plain\";\nSET SESSION AUTHORIZATION \"b\";\nGRANT ALL ON TABLE t TO "
      "PUBLIC;\nRESET SESSION AUTHORIZATION;");
  EXPECT_EQ(
      with_renamed_roles("ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA a GRANT ALL ON TABLES TO a;", roles),
      "ALTER DEFAULT PRIVILEGES FOR ROLE \"b\" IN SCHEMA a GRANT ALL ON TABLES TO \"b\";");
  EXPECT_EQ(with_renamed_roles("CREATE POLICY a ON a.a TO c, a USING (a = 'a');", roles),
            "CREATE POLICY a ON a.a TO c, \"b\" USING (a = 'a');");
  EXPECT_EQ(with_renamed_roles("CREATE USER MAPPING FOR a SERVER a OPTIONS (\"user\" 'a');", roles),
            "CREATE USER MAPPING FOR \"b\" SERVER a OPTIONS (\"user\" 'a');");
}

TEST(EntryRules, AllPrivilegesOfATableAreSpelledOut) {
  EXPECT_EQ(with_spelled_all("REVOKE ALL ON TABLE public.t FROM bob;\nGRANT ALL ON TABLE public.t TO bob;\n"),
            "REVOKE ALL ON TABLE public.t FROM bob;\nGRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, "
            "REFERENCES, TRIGGER ON TABLE public.t TO bob;\n");
  EXPECT_EQ(with_spelled_all("ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT ALL ON TABLES  TO b;"),
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, "
            "REFERENCES, TRIGGER ON TABLES  TO b;");
  for (const std::string text : {"GRANT ALL(a) ON TABLE public.t TO bob;", "GRANT ALL ON SEQUENCE s TO bob;",
                                 "GRANT SELECT ON TABLE public.\"ALL\" TO \"ALL\";"}) {
    EXPECT_EQ(with_spelled_all(text), text);
  }
}

TEST(EntryRules, TheDatabaseFollowsTheSameRules) {
  postgres::DatabaseProperties properties{
      .name = "app",
      .owner = "a",
      .tablespace = "fast",
      .has_acl = true,
      .acl = {{.grantor = "a", .grantee = "", .privilege = "CONNECT", .grantable = false}},
      .settings = {{.role = "a", .name = "x", .value = "1"}, {.role = "", .name = "y", .value = "a"}},
      .comment = "c",
      .labels = {{.provider = "p", .label = "l"}}};
  postgres::DatabaseProperties renamed = properties;
  apply_rules({.roles = {{"a", "b"}}}, "me", renamed);
  EXPECT_EQ(renamed.owner, "b");
  EXPECT_EQ(renamed.acl[0].grantor, "b");
  EXPECT_EQ(renamed.acl[0].grantee, "");
  EXPECT_EQ(renamed.settings[0].role, "b");
  EXPECT_EQ(renamed.settings[1].role, "");
  apply_rules({.owners = false,
               .privileges = false,
               .comments = false,
               .security_labels = false,
               .tablespaces = false},
              "me", properties);
  EXPECT_EQ(properties.owner, "me");
  EXPECT_FALSE(properties.has_acl);
  EXPECT_FALSE(properties.comment);
  EXPECT_TRUE(properties.labels.empty());
  EXPECT_EQ(properties.tablespace, "pg_default");
}

}  // namespace
}  // namespace dbb::logical
