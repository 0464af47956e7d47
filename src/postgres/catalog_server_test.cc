#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "postgres/catalog.h"
#include "support/private_cluster.h"

namespace dbb::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PrivateCluster;
using ::testing::UnorderedElementsAre;

template <typename Items>
const auto& named(const Items& items, const std::string& name) {
  const auto found = std::ranges::find_if(items, [&](const auto& item) { return item.name == name; });
  if (found == items.end()) throw std::runtime_error("not read: " + name);
  return *found;
}

template <typename Items>
std::vector<std::string> names(const Items& items) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(item.name);
  return out;
}

TEST(CatalogTest, DatabasesComeWithEveryProperty) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  for (const char* sql : {"CREATE ROLE boss", "CREATE ROLE \"odd role\" LOGIN",
                          R"(CREATE DATABASE "a b" OWNER boss ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'
                             TEMPLATE template0 CONNECTION LIMIT 7 IS_TEMPLATE true)",
                          "CREATE DATABASE closed", "COMMENT ON DATABASE \"a b\" IS 'it''s\n a comment'",
                          "GRANT CONNECT, TEMP ON DATABASE \"a b\" TO \"odd role\"",
                          "ALTER DATABASE \"a b\" SET search_path = one, \"two three\"",
                          "ALTER DATABASE \"a b\" SET dbbackup.text = 'x=y'",
                          "ALTER ROLE \"odd role\" IN DATABASE \"a b\" SET work_mem = '1MB'",
                          "REVOKE ALL ON DATABASE closed FROM PUBLIC",
                          "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'closed'"})
    connection.execute(sql);
  const auto databases = read_databases(connection);
  EXPECT_THAT(names(databases), ElementsAre("a b", "closed", "postgres", "template1"));

  const DatabaseProperties& odd = named(databases, "a b");
  EXPECT_EQ(odd.owner, "boss");
  EXPECT_EQ(odd.encoding, "LATIN1");
  EXPECT_EQ(odd.locale_provider, "c");
  EXPECT_EQ(odd.collate, "C");
  EXPECT_EQ(odd.ctype, "C");
  EXPECT_EQ(odd.locale, "");
  EXPECT_EQ(odd.tablespace, "pg_default");
  EXPECT_EQ(odd.connection_limit, 7);
  EXPECT_TRUE(odd.is_template);
  EXPECT_TRUE(odd.allow_connections);
  EXPECT_EQ(odd.comment, "it's\n a comment");
  EXPECT_GT(odd.size_bytes, 1u << 20);
  ASSERT_TRUE(odd.has_acl);
  std::vector<std::string> grants;
  for (const auto& entry : odd.acl)
    grants.push_back(entry.grantor + ">" + entry.grantee + ":" + entry.privilege);
  EXPECT_THAT(grants, UnorderedElementsAre("boss>:CONNECT", "boss>:TEMPORARY", "boss>boss:CREATE",
                                           "boss>boss:CONNECT", "boss>boss:TEMPORARY",
                                           "boss>odd role:CONNECT", "boss>odd role:TEMPORARY"));
  std::vector<std::string> settings;
  for (const auto& setting : odd.settings)
    settings.push_back(setting.role + "|" + setting.name + "|" + setting.value);
  EXPECT_THAT(settings,
              ElementsAre("|search_path|one, \"two three\"", "|dbbackup.text|x=y", "odd role|work_mem|1MB"));

  EXPECT_EQ(named(databases, "closed").connection_limit, -2);
  EXPECT_TRUE(named(databases, "closed").has_acl);
  EXPECT_FALSE(named(databases, "postgres").has_acl);
}

TEST(CatalogTest, LocalesOfEveryProviderAreRead) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  const int major = connection.version().major();
  if (major < 15) GTEST_SKIP() << "libc is the only provider of a database before 15";
  connection.execute("CREATE DATABASE icu LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' TEMPLATE template0");
  if (major >= 16)
    connection.execute(
        "CREATE DATABASE rules LOCALE_PROVIDER icu ICU_LOCALE 'en' ICU_RULES '&b < a' TEMPLATE template0");
  if (major >= 17)
    connection.execute("CREATE DATABASE plain LOCALE_PROVIDER builtin LOCALE 'C.UTF-8' TEMPLATE template0");
  const auto databases = read_databases(connection);
  EXPECT_EQ(named(databases, "icu").locale_provider, "i");
  EXPECT_EQ(named(databases, "icu").locale, "de-DE");
  EXPECT_NE(named(databases, "icu").collation_version, "");
  EXPECT_EQ(named(databases, "postgres").locale_provider, "c");
  if (major >= 16) {
    EXPECT_EQ(named(databases, "rules").icu_rules, "&b < a");
  }
  if (major >= 17) {
    EXPECT_EQ(named(databases, "plain").locale_provider, "b");
    EXPECT_EQ(named(databases, "plain").locale, "C.UTF-8");
  }
}

TEST(CatalogTest, ARoleThatMayNotAskGetsNoSizesAndNoError) {
  const PrivateCluster cluster;
  cluster.psql("CREATE ROLE plain LOGIN");
  cluster.psql("CREATE DATABASE closed");
  cluster.psql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
  Connection plain = Connection::open(cluster.target("postgres", "plain"), {}, {});
  const auto databases = read_databases(plain);
  EXPECT_EQ(named(databases, "closed").size_bytes, 0u);
  EXPECT_GT(named(databases, "postgres").size_bytes, 0u);
}

constexpr const char* kZoo = R"(
  CREATE SCHEMA "Odd, ""schema""";
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE DOMAIN mood_domain AS mood;
  CREATE TABLE plain (id int PRIMARY KEY, gone int, "with ""quote"", comma" text, "back\slash" text, made int GENERATED ALWAYS AS (id * 2) STORED);
  ALTER TABLE plain DROP COLUMN gone;
  INSERT INTO plain SELECT g, repeat('x', 100), '' FROM generate_series(1, 1000) g;
  CREATE TABLE wide (doc text);
  ALTER TABLE wide ALTER doc SET STORAGE EXTERNAL;
  INSERT INTO wide SELECT repeat(md5(g::text), 1000) FROM generate_series(1, 10) g;
  CREATE TABLE "Odd, ""schema"""."Tab le" (id int GENERATED ALWAYS AS IDENTITY, "{}" int);
  CREATE TABLE nothing ();
  CREATE UNLOGGED TABLE fast (id serial);
  CREATE TABLE parent (id int);
  CREATE TABLE child (extra int) INHERITS (parent);
  CREATE TABLE ranged (id int, m mood) PARTITION BY RANGE (id);
  CREATE TABLE ranged_1 PARTITION OF ranged FOR VALUES FROM (0) TO (10) PARTITION BY HASH (m);
  CREATE TABLE ranged_1_a PARTITION OF ranged_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE ranged_2 PARTITION OF ranged FOR VALUES FROM (10) TO (20);
  CREATE TABLE hashed_domain (m mood_domain) PARTITION BY HASH (m);
  CREATE TABLE hashed_domain_a PARTITION OF hashed_domain FOR VALUES WITH (MODULUS 1, REMAINDER 0);
  CREATE TABLE hashed_int (i int) PARTITION BY HASH (i);
  CREATE TABLE hashed_int_a PARTITION OF hashed_int FOR VALUES WITH (MODULUS 1, REMAINDER 0);
  CREATE TABLE secured (id int);
  ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
  CREATE VIEW a_view AS SELECT 1 AS one;
  CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS one;
  CREATE TYPE pair AS (a int, b int);
  CREATE EXTENSION postgres_fdw;
  CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
  CREATE FOREIGN TABLE far (id int) SERVER other;
  CREATE SEQUENCE counter START 5;
  SELECT nextval('counter'), nextval('counter');
  CREATE SEQUENCE untouched;
)";

TEST(CatalogTest, TablesWithRowsAreReadAndNothingElse) {
  const PrivateCluster cluster;
  cluster.psql(kZoo);
  cluster.psql(
      "CREATE TABLE config (key text, custom bool); CREATE TABLE internal (id int); CREATE SEQUENCE "
      "config_seq; CREATE SEQUENCE internal_seq;"
      "ALTER EXTENSION postgres_fdw ADD TABLE config; ALTER EXTENSION postgres_fdw ADD TABLE internal;"
      "ALTER EXTENSION postgres_fdw ADD SEQUENCE config_seq; ALTER EXTENSION postgres_fdw ADD SEQUENCE "
      "internal_seq;"
      "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass, 'config_seq'::regclass]::oid[], "
      "extcondition = ARRAY['WHERE custom', '']"
      " WHERE extname = 'postgres_fdw'");
  Connection connection = cluster.connect();
  connection.execute("CREATE TEMPORARY TABLE passing (id int)");
  const auto tables = read_tables(connection);
  EXPECT_THAT(names(tables), UnorderedElementsAre("plain", "wide", "Tab le", "nothing", "fast", "parent",
                                                  "child", "ranged_1_a", "ranged_2", "hashed_domain_a",
                                                  "hashed_int_a", "secured", "config"));

  const Table& plain = named(tables, "plain");
  EXPECT_EQ(plain.schema, "public");
  EXPECT_EQ(plain.access_method, "heap");
  EXPECT_THAT(plain.columns, ElementsAre("id", "with \"quote\", comma", "back\\slash"));
  EXPECT_EQ(plain.heap_bytes,
            static_cast<uint64_t>(std::stoll(cluster.psql("SELECT pg_relation_size('plain')"))));
  EXPECT_EQ(plain.index_bytes,
            static_cast<uint64_t>(std::stoll(cluster.psql("SELECT pg_indexes_size('plain')"))));
  EXPECT_EQ(plain.relfilenode,
            static_cast<uint32_t>(std::stoul(cluster.psql("SELECT pg_relation_filenode('plain')"))));
  EXPECT_FALSE(plain.unlogged);
  EXPECT_TRUE(plain.has_select);
  EXPECT_EQ(plain.load_through, "");
  EXPECT_GT(named(tables, "wide").toast_bytes, 300000u);
  EXPECT_THAT(named(tables, "Tab le").columns, ElementsAre("id", "{}"));
  EXPECT_EQ(named(tables, "Tab le").schema, "Odd, \"schema\"");
  EXPECT_THAT(named(tables, "nothing").columns, IsEmpty());
  EXPECT_TRUE(named(tables, "nothing").has_select);
  EXPECT_TRUE(named(tables, "fast").unlogged);
  EXPECT_THAT(named(tables, "child").columns, ElementsAre("id", "extra"));
  EXPECT_TRUE(named(tables, "secured").row_security);

  EXPECT_EQ(named(tables, "ranged_1_a").load_through, R"("public"."ranged")");
  EXPECT_EQ(named(tables, "hashed_domain_a").load_through, R"("public"."hashed_domain")");
  EXPECT_EQ(named(tables, "ranged_2").load_through, "");
  EXPECT_EQ(named(tables, "hashed_int_a").load_through, "");

  const Table& config = named(tables, "config");
  EXPECT_TRUE(config.is_extension_config);
  EXPECT_EQ(config.extension_condition, "WHERE custom");
  EXPECT_EQ(config.extension, "postgres_fdw");
  EXPECT_FALSE(plain.is_extension_config);
  EXPECT_EQ(plain.extension, "");

  std::vector<std::string> sequences;
  for (const auto& value : read_sequences(connection).values)
    sequences.push_back(value.name + "=" + std::to_string(value.last_value) + (value.is_called ? "!" : ""));
  EXPECT_THAT(sequences, UnorderedElementsAre("config_seq=1", "Tab le_id_seq=1", "fast_id_seq=1",
                                              "counter=6!", "untouched=1"));
}

TEST(CatalogTest, WhatARoleMayNotReadIsToldPerTableAndSequence) {
  const PrivateCluster cluster;
  cluster.psql(
      "CREATE ROLE plain LOGIN; CREATE SCHEMA locked;"
      "CREATE TABLE t_yes (a int, b int); GRANT SELECT ON t_yes TO plain;"
      "CREATE TABLE t_columns (a int, b int, g int GENERATED ALWAYS AS (a) STORED); GRANT SELECT (a, b) ON "
      "t_columns TO plain;"
      "CREATE TABLE t_one_column (a int, b int); GRANT SELECT (a) ON t_one_column TO plain;"
      "CREATE TABLE t_no (a int); CREATE TABLE t_empty (); CREATE TABLE locked.t_schema (a int); GRANT "
      "SELECT ON locked.t_schema TO plain;"
      "CREATE SEQUENCE s_yes; GRANT SELECT ON s_yes TO plain; CREATE SEQUENCE s_no");
  Connection connection = Connection::open(cluster.target("postgres", "plain"), {}, {});
  std::vector<std::string> readable;
  for (const auto& table : read_tables(connection))
    if (table.has_select) readable.push_back(table.name);
  EXPECT_THAT(readable, UnorderedElementsAre("t_yes", "t_columns"));
  for (const auto& table : read_tables(connection)) {
    if (table.columns.empty()) continue;
    std::string sql = "COPY " + connection.qualified(table.schema, table.name) + " (";
    for (const auto& column : table.columns)
      sql += (sql.back() == '(' ? "" : ", ") + connection.quote_identifier(column);
    bool worked = true;
    try {
      CopyOut copy = connection.copy_out(sql + ") TO STDOUT");
      for (ByteView row; copy.next(row);) {
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
      worked = false;
    }
    EXPECT_EQ(worked, table.has_select) << table.name << ": what is said is what is so";
  }
  const auto sequences = read_sequences(connection);
  EXPECT_THAT(names(sequences.values), ElementsAre("s_yes"));
  EXPECT_THAT(sequences.unreadable, ElementsAre(R"("public"."s_no")"));
}

TEST(CatalogTest, AnExclusiveLockDoesNotHoldTheReadingUp) {
  const PrivateCluster cluster;
  cluster.psql(
      "CREATE TABLE busy AS SELECT generate_series(1, 10000) AS n; CREATE INDEX ON busy (n); ANALYZE busy");
  Connection holder = cluster.connect();
  holder.execute("BEGIN; LOCK TABLE public.busy");
  Connection reader = Connection::open(cluster.target(), {.settings = {{"lock_timeout", "10s"}}}, {});
  const auto tables = read_tables(reader);
  EXPECT_EQ(named(tables, "busy").heap_bytes,
            static_cast<uint64_t>(
                std::stoll(cluster.psql("SELECT relpages * 8192 FROM pg_class WHERE relname = 'busy'"))))
      << "the last count of pages stands in";
  EXPECT_GT(named(tables, "busy").index_bytes, 0u);
}

TEST(CatalogTest, TablesRewrittenSinceTheSnapshotAreFound) {
  const PrivateCluster cluster;
  for (const char* sql :
       {"CREATE TABLE cut AS SELECT 1 AS n", "CREATE TABLE altered AS SELECT 1 AS n",
        "CREATE TABLE full_vacuum AS SELECT 1 AS n", "CREATE TABLE same AS SELECT 1 AS n",
        "CREATE TABLE dropped AS SELECT 1 AS n", "CREATE TABLE \"Q\"\"t\" AS SELECT 1 AS n"})
    cluster.psql(sql);
  Connection leader = cluster.connect();
  leader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  leader.execute("SELECT 1");
  for (const char* sql :
       {"TRUNCATE cut", "ALTER TABLE altered ALTER n TYPE bigint", "VACUUM FULL full_vacuum",
        "UPDATE same SET n = 2", "DROP TABLE dropped", "TRUNCATE \"Q\"\"t\""})
    cluster.psql(sql);
  const auto tables = read_tables(leader);
  EXPECT_THAT(names(tables),
              UnorderedElementsAre("cut", "altered", "full_vacuum", "same", "dropped", "Q\"t"));
  EXPECT_THAT(tables_rewritten_since(leader, tables),
              UnorderedElementsAre(R"("public"."cut")", R"("public"."altered")", R"("public"."full_vacuum")",
                                   R"("public"."dropped")", R"("public"."Q""t")"));
  leader.execute("COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto again = read_tables(leader);
  EXPECT_THAT(tables_rewritten_since(leader, again), IsEmpty());
  cluster.psql("TRUNCATE same");
  EXPECT_THAT(tables_rewritten_since(leader, again), ElementsAre(R"("public"."same")"))
      << "also without a lock in between";
}

TEST(CatalogTest, ManySequencesAreReadInBatches) {
  const PrivateCluster cluster;
  cluster.psql(
      "DO $$BEGIN FOR i IN 1..450 LOOP EXECUTE 'CREATE SEQUENCE s' || i || ' START ' || i; END LOOP; END$$");
  Connection connection = cluster.connect();
  const auto sequences = read_sequences(connection);
  ASSERT_EQ(sequences.values.size(), 450u);
  for (const auto& value : sequences.values) EXPECT_EQ("s" + std::to_string(value.last_value), value.name);
}

TEST(CatalogTest, LargeObjectsComeInPagesWithOwnerAclAndComment) {
  const PrivateCluster cluster;
  cluster.psql(
      "CREATE ROLE boss; SELECT lo_create(g) FROM generate_series(100001, 100005) g; ALTER LARGE OBJECT "
      "100002 OWNER TO boss;"
      "GRANT SELECT ON LARGE OBJECT 100003 TO PUBLIC; GRANT UPDATE ON LARGE OBJECT 100003 TO boss WITH GRANT "
      "OPTION;"
      "COMMENT ON LARGE OBJECT 100005 IS 'the last'");
  Connection connection = cluster.connect();
  const auto first = read_large_objects(connection, Oid{0}, 3);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].oid, Oid{100001});
  EXPECT_EQ(first[0].owner, "postgres");
  EXPECT_FALSE(first[0].has_acl);
  EXPECT_EQ(first[1].owner, "boss");
  std::vector<std::string> grants;
  for (const auto& entry : first[2].acl)
    grants.push_back(entry.grantee + ":" + entry.privilege + (entry.grantable ? "*" : ""));
  EXPECT_THAT(grants, UnorderedElementsAre("postgres:SELECT", "postgres:UPDATE", ":SELECT", "boss:UPDATE*"));
  const auto rest = read_large_objects(connection, first.back().oid, 3);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[1].comment, "the last");
  EXPECT_THAT(read_large_objects(connection, rest.back().oid, 3), IsEmpty());
}

TEST(CatalogTest, OnlyWhatAUserMadeMakesADatabaseNotEmpty) {
  const PrivateCluster cluster;
  Connection connection = cluster.connect();
  EXPECT_TRUE(is_empty_database(connection));
  {
    Connection other = cluster.connect();
    other.execute("CREATE TEMPORARY TABLE passing (id int, words text[])");
    EXPECT_TRUE(is_empty_database(connection)) << "a temporary table of a session";
  }
  for (const auto& [make, drop] : std::vector<std::pair<std::string, std::string>>{
           {"CREATE TABLE public.t ()", "DROP TABLE public.t"},
           {"CREATE VIEW public.v AS SELECT 1", "DROP VIEW public.v"},
           {"CREATE SEQUENCE public.s", "DROP SEQUENCE public.s"},
           {"CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION public.f"},
           {"CREATE TYPE public.e AS ENUM ()", "DROP TYPE public.e"},
           {"CREATE SCHEMA own", "DROP SCHEMA own"},
           {"CREATE EXTENSION pg_trgm SCHEMA public", "DROP EXTENSION pg_trgm"},
           {"SELECT lo_create(4711)", "SELECT lo_unlink(4711)"},
           {"CREATE PUBLICATION p FOR ALL TABLES", "DROP PUBLICATION p"},
           {"CREATE COLLATION public.c FROM \"C\"", "DROP COLLATION public.c"},
           {"CREATE TEXT SEARCH CONFIGURATION public.c (COPY = pg_catalog.simple)",
            "DROP TEXT SEARCH CONFIGURATION public.c"},
           {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC"},
           {"CREATE FOREIGN DATA WRAPPER w", "DROP FOREIGN DATA WRAPPER w"},
           {"CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
            "ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s"},
       }) {
    connection.execute(make);
    EXPECT_FALSE(is_empty_database(connection)) << make;
    connection.execute(drop);
    EXPECT_TRUE(is_empty_database(connection)) << drop;
  }
}

TEST(CatalogTest, ExtensionsAndBindingsAreNamed) {
  const PrivateCluster cluster(
      PrivateCluster::Options{.settings = {{"wal_level", "logical"}, {"max_prepared_transactions", "2"}}});
  cluster.psql("CREATE SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext");
  cluster.psql("CREATE DATABASE other");
  cluster.psql("SELECT pg_create_logical_replication_slot('mine', 'pgoutput')");
  cluster.psql("SELECT pg_create_physical_replication_slot('bytes')");
  cluster.psql("CREATE SUBSCRIPTION sub CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)");
  cluster.psql("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'later'");
  Connection connection = cluster.connect();
  const auto extensions = read_extensions(connection);
  EXPECT_EQ(named(extensions, "pg_trgm").schema, "ext");
  EXPECT_NE(named(extensions, "pg_trgm").version, "");
  const Bindings bindings = read_bindings(connection, "postgres");
  EXPECT_THAT(bindings.logical_slots, ElementsAre("mine"));
  EXPECT_THAT(bindings.subscriptions, ElementsAre("sub"));
  EXPECT_EQ(bindings.prepared_transactions, 1);
  const Bindings none = read_bindings(connection, "other");
  EXPECT_THAT(none.logical_slots, IsEmpty());
  EXPECT_THAT(none.subscriptions, IsEmpty());
  EXPECT_EQ(none.prepared_transactions, 0);
}

}  // namespace
}  // namespace dbb::postgres
