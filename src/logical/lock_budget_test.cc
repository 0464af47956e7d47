#include "logical/lock_budget.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Two partitioned trees of `leaves` leaves with a primary key each, and a foreign key from s to r.
std::string two_trees(int leaves) {
  std::string script =
      "CREATE TABLE public.r (id integer) PARTITION BY RANGE (id);\n"
      "CREATE TABLE public.s (id integer, rid integer) PARTITION BY RANGE (id);\n";
  for (const char* tree : {"r", "s"}) {
    for (int i = 0; i < leaves; ++i) {
      const std::string leaf = "public." + std::string(tree) + std::to_string(i);
      script += "CREATE TABLE " + leaf + " (id integer);\nALTER TABLE ONLY public." + tree +
                " ATTACH PARTITION " + leaf + " FOR VALUES FROM (1) TO (2);\nALTER TABLE ONLY " + leaf +
                "\n    ADD CONSTRAINT c PRIMARY KEY (id);\n";
    }
    script += "ALTER TABLE ONLY public." + std::string(tree) + "\n    ADD CONSTRAINT c PRIMARY KEY (id);\n";
  }
  return script + "ALTER TABLE public.s\n    ADD CONSTRAINT f FOREIGN KEY (rid) REFERENCES public.r(id);\n";
}

postgres::ServerFacts server_with(int locks) {
  postgres::ServerFacts server;
  server.max_locks_per_transaction = locks;
  server.max_connections = 100;
  return server;
}

postgres::LockCapacity capacity(int64_t floor, int64_t in_use) {
  postgres::LockCapacity capacity;
  capacity.documented = floor;
  capacity.floor = floor;
  capacity.in_use = in_use;
  return capacity;
}

TEST(SchemaFacts, AForeignKeyBetweenTreesTakesBoth) {
  const SchemaFacts facts = read_schema_facts(two_trees(200));
  ASSERT_FALSE(facts.locks.empty());
  EXPECT_EQ(facts.locks[0], (StatementLocks{"foreign key public.s -> public.r", 201 + 201 + 201 + 201}));
  EXPECT_THAT(facts.locks, Contains(StatementLocks{"ANALYZE public.r", 201 + 201}));
}

TEST(SchemaFacts, ATreePartitionedByHashMayBeLoadedThroughItsRoot) {
  const SchemaFacts facts = read_schema_facts(
      "CREATE TABLE public.h (\n    m public.mood\n)\nPARTITION BY HASH (m);\n"
      "CREATE TABLE public.h0 (m public.mood);\nALTER TABLE ONLY public.h ATTACH PARTITION public.h0 FOR "
      "VALUES WITH "
      "(modulus 1, remainder 0);");
  EXPECT_THAT(facts.locks, Contains(StatementLocks{"loading rows through public.h", 6}));
}

TEST(SchemaFacts, TablesAttachedInACircleByADamagedArchiveAreCountedOnce) {
  const SchemaFacts facts = read_schema_facts(
      "ALTER TABLE ONLY public.a ATTACH PARTITION public.b DEFAULT;\n"
      "ALTER TABLE ONLY public.b ATTACH PARTITION public.a DEFAULT;\n"
      "ALTER TABLE ONLY public.a ADD CONSTRAINT f FOREIGN KEY (i) REFERENCES public.c(i);\n");
  EXPECT_THAT(facts.locks, Contains(StatementLocks{"foreign key public.a -> public.c", 3}));
}

TEST(SchemaFacts, RolesAreTakenFromWhereRolesStand) {
  const SchemaFacts facts = read_schema_facts(R"(
    ALTER TABLE public.t OWNER TO "Owner";
    GRANT SELECT(a) ON TABLE public.t TO reader WITH GRANT OPTION;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    SET SESSION AUTHORIZATION granting;
    ALTER DEFAULT PRIVILEGES FOR ROLE creator IN SCHEMA public GRANT SELECT ON TABLES TO watcher;
    CREATE POLICY p ON public.t FOR SELECT TO one, two USING ((owner = CURRENT_USER));
    CREATE USER MAPPING FOR mapped SERVER s OPTIONS (password 'x');
    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ GRANT x TO nobody; $$;
    COMMENT ON TABLE public.t IS 'OWNER TO nobody';
    SET default_tablespace = fast;
    SET default_tablespace = '';
  )");
  EXPECT_THAT(facts.roles, UnorderedElementsAre("Owner", "reader", "granting", "creator", "watcher", "one",
                                                "two", "mapped"));
  EXPECT_THAT(facts.tablespaces, UnorderedElementsAre("fast"));
}

TEST(LockBudget, WorkersAreLoweredUntilTheyFit) {
  const SchemaFacts facts = read_schema_facts(two_trees(200));
  const LockBudget all = plan_locks({&facts}, {4, 1}, server_with(64), capacity(6400, 10));
  EXPECT_EQ(all.given.workers, 4);
  EXPECT_TRUE(all.fits);
  EXPECT_EQ(all.available, 6390);
  EXPECT_GT(all.headroom(), 0);

  const LockBudget one = plan_locks({&facts}, {4, 1}, server_with(9), capacity(900, 10));
  EXPECT_EQ(one.given.workers, 1);
  EXPECT_TRUE(one.fits);
  EXPECT_EQ(one.need, 804 + 8);
}

TEST(LockBudget, TheSettingNamedIsEnough) {
  const SchemaFacts facts = read_schema_facts(two_trees(400));
  const LockBudget refused = plan_locks({&facts}, {4, 1}, server_with(12), capacity(1200, 10));
  EXPECT_FALSE(refused.fits);
  EXPECT_EQ(refused.setting_for_one, 17);  // ceil((1604 + 8 + 10) / 100)
  EXPECT_TRUE(plan_locks({&facts}, {4, 1}, server_with(17), capacity(1700, 10)).fits);
  EXPECT_FALSE(plan_locks({&facts}, {4, 1}, server_with(16), capacity(1600, 10)).fits);
}

TEST(LockBudget, NoSettingIsNamedThatPostgresqlDoesNotTake) {
  EXPECT_EQ(plan_locks({}, {1, 1}, server_with(64), capacity(6400, 0)).setting_for_all, 10);
}

TEST(LockBudget, TheArithmeticIsShown) {
  const SchemaFacts facts = read_schema_facts(two_trees(200));
  const postgres::ServerFacts server = server_with(64);
  const std::string text = describe(plan_locks({&facts}, {1, 1}, server, capacity(6400, 10)), server);
  EXPECT_THAT(text,
              HasSubstr("1 worker needs 812 locks at once (most for foreign key public.s -> public.r)"));
  EXPECT_THAT(
      text, HasSubstr("6,390 available = capacity 6,400 (64 x (100 + 0) = 6,400 as documented) - 10 in use"));
  EXPECT_THAT(text, HasSubstr("headroom 5,578 (87 %)"));
}

TEST(LockBudget, SeveralDatabasesAtOnceAddUp) {
  const SchemaFacts facts = read_schema_facts(two_trees(200));
  const LockBudget two = plan_locks({&facts, &facts}, {1, 2}, server_with(64), capacity(6400, 0));
  EXPECT_EQ(two.need, 2 * (804 + 8));
  EXPECT_EQ(two.given, (Parallelism{1, 2}));
}

TEST(LockBudget, DatabasesAtOnceComeDownWhenSingleWorkersDoNotFit) {
  const SchemaFacts facts = read_schema_facts(two_trees(200));
  const LockBudget some = plan_locks({&facts, &facts, &facts}, {4, 3}, server_with(20), capacity(2000, 0));
  EXPECT_EQ(some.given, (Parallelism{1, 2}));
  EXPECT_FALSE(some.is_single_threaded());

  const LockBudget one = plan_locks({&facts, &facts, &facts}, {4, 3}, server_with(9), capacity(900, 0));
  EXPECT_EQ(one.given, (Parallelism{1, 1}));
  EXPECT_TRUE(one.is_single_threaded());
  EXPECT_TRUE(one.fits);
}

TEST(LockBudget, WhatWasAskedForAndFitsIsNoFallback) {
  const LockBudget one = plan_locks({}, {1, 1}, server_with(64), capacity(6400, 0));
  EXPECT_FALSE(one.is_single_threaded());
}

// The two sums by which the fallback is explained to people: before, and after it.
TEST(LockBudget, TheKnownExamplesComeOut) {
  const LockBudget before = plan_locks(8000, {4, 2}, server_with(4096), capacity(4096, 0));
  EXPECT_EQ(before.need_asked, 64'000);
  EXPECT_EQ(before.asked.total(), 8);
  EXPECT_FALSE(before.fits);

  const LockBudget after = plan_locks(1000, {1, 1}, server_with(4096), capacity(4096, 0));
  EXPECT_TRUE(after.fits);
  EXPECT_EQ(after.headroom(), 3096);
  EXPECT_EQ(after.headroom_percent(), 75);
}

}  // namespace
}  // namespace dbb::logical
