#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "postgres/server.h"
#include "support/private_cluster.h"
#include "support/relay.h"

namespace dbb::postgres {
namespace {

using ::testing::HasSubstr;
using testing::PrivateCluster;
using testing::Relay;

TEST(ServerTest, FactsAreWhatTheServerSays) {
  const PrivateCluster cluster(
      PrivateCluster::Options{.settings = {{"max_locks_per_transaction", "100"},
                                           {"max_connections", "40"},
                                           {"max_prepared_transactions", "5"},
                                           {"max_worker_processes", "6"},
                                           {"max_wal_senders", "4"},
                                           {"autovacuum_max_workers", "2"},
                                           {"superuser_reserved_connections", "3"}}});
  Connection connection = cluster.connect();
  const ServerFacts facts = read_server_facts(connection);
  EXPECT_EQ(facts.version, connection.version());
  EXPECT_EQ(facts.system_identifier, cluster.psql("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_FALSE(facts.in_recovery);
  EXPECT_TRUE(facts.is_superuser);
  EXPECT_TRUE(facts.can_create_databases);
  EXPECT_TRUE(facts.can_create_roles);
  EXPECT_EQ(facts.role, "postgres");
  EXPECT_EQ(facts.data_directory, cluster.data_directory().string());
  EXPECT_TRUE(facts.data_is_local);
  EXPECT_GE(facts.reserved_connections, 3);
  EXPECT_EQ(facts.used_connections, 1);
  const LockCapacity capacity = lock_capacity(facts);
  EXPECT_EQ(capacity.documented, 100 * (40 + 5));
  // MaxBackends of 13 to 17; from 18 on autovacuum has slots of its own number, and two more backends count.
  const int autovacuum =
      facts.version.major() >= 18 ? std::stoi(cluster.psql("SHOW autovacuum_worker_slots")) + 2 : 2;
  EXPECT_EQ(capacity.floor, 100 * (40 + autovacuum + 1 + 6 + 4 + 5));
  EXPECT_LT(capacity.available(), capacity.floor);
}

TEST(ServerTest, APlainRoleGetsTheFactsItMaySee) {
  const PrivateCluster cluster;
  cluster.psql(
      "CREATE ROLE plain LOGIN CREATEDB; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  Connection connection = Connection::open(cluster.target("postgres", "plain"), {}, {});
  const ServerFacts facts = read_server_facts(connection);
  EXPECT_FALSE(facts.is_superuser);
  EXPECT_TRUE(facts.can_create_databases);
  EXPECT_FALSE(facts.can_create_roles);
  EXPECT_EQ(facts.role, "plain");
  EXPECT_EQ(facts.system_identifier, "");
  EXPECT_EQ(facts.data_directory, "");
  EXPECT_GT(facts.max_locks_per_transaction, 0);
  const Connection other = cluster.connect();
  EXPECT_EQ(read_server_facts(connection).used_connections, 2) << "those of others count too";
}

TEST(ServerTest, TheFloorOfTheLockTableIsThereInFact) {
  const PrivateCluster cluster(
      PrivateCluster::Options{.settings = {{"max_locks_per_transaction", "10"}, {"max_connections", "10"}}});
  Connection connection = cluster.connect();
  const LockCapacity capacity = lock_capacity(read_server_facts(connection));
  EXPECT_NO_THROW(in_transaction(connection, [&] {
    connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(g) FROM generate_series(1, " +
                       std::to_string(capacity.available()) + ") g");
  }));
}

TEST(ServerTest, OneServerIsNoSplitTopology) {
  const PrivateCluster cluster;
  EXPECT_NO_THROW(probe_topology(cluster.target(), 4, {}));
}

TEST(ServerTest, TwoServersBehindOneNameAreProvenAndRefused) {
  const PrivateCluster one;
  const PrivateCluster two;
  const Relay balancer({.servers = {&one, &two}});
  try {
    probe_topology(balancer.target(), 4, {});
    FAIL() << "both were taken for one";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTopologySplit);
    EXPECT_THAT(error.cause(), HasSubstr(one.psql("SELECT system_identifier FROM pg_control_system()")));
    EXPECT_THAT(error.cause(), HasSubstr(two.psql("SELECT system_identifier FROM pg_control_system()")));
  }
}

}  // namespace
}  // namespace dbb::postgres
