#include <gtest/gtest.h>

#include "logical/upgrade.h"
#include "support/private_cluster.h"

namespace dbb::logical {
namespace {

bool everybody_may_create(postgres::Connection& session) {
  return session
      .execute(
          "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a WHERE "
          "n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')")
      .boolean(0, 0);
}

// What pg_dump writes of schema public is what differs from what it takes for granted.
TEST(Upgrade, SchemaPublicIsFirstWhatPgDumpTookForGranted) {
  const dbb::testing::PrivateCluster cluster;
  postgres::Connection session = cluster.connect();
  const postgres::ServerVersion here = session.version();
  const bool is_open = here.major() < 15;
  EXPECT_EQ(everybody_may_create(session), is_open);

  // Newer than a source of 13, it takes the rule of 15 for granted.
  begin_upgrade(session, {.from = {130000}, .to = here, .dumped_by = {150000}});
  EXPECT_FALSE(everybody_may_create(session));
  if (is_open) return;
  begin_upgrade(session, {.from = {130000}, .to = here, .dumped_by = {130000}});
  EXPECT_TRUE(everybody_may_create(session));
}

}  // namespace
}  // namespace dbb::logical
