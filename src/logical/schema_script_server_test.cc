// What the runner sends must be what pg_restore would: the two are compared statement by statement.

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "logical/schema_plan.h"
#include "logical/schema_runner.h"
#include "logical/sql_script.h"
#include "postgres/archive_statements.h"
#include "postgres/client_programs.h"
#include "support/private_cluster.h"
#include "system/file.h"
#include "system/process.h"

namespace dbb::logical {
namespace {

using dbb::testing::PrivateCluster;

constexpr const char* kOddObjects = R"sql(
  CREATE ROLE alice; CREATE ROLE "Bob ""B"""; CREATE ROLE carol;
  CREATE SCHEMA "odd schema" AUTHORIZATION alice;
  SET search_path = public;
  CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); ALTER TYPE mood OWNER TO alice;
  CREATE DOMAIN positive AS integer CHECK (VALUE > 0); ALTER DOMAIN positive OWNER TO "Bob ""B""";
  CREATE TYPE pair AS (a integer, b text);
  CREATE FUNCTION f(integer, text DEFAULT 'a;b') RETURNS integer LANGUAGE sql AS $$ SELECT $1; SELECT 2 $$;
  ALTER FUNCTION f(integer, text) OWNER TO alice;
  CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN END'; ALTER PROCEDURE p() OWNER TO alice;
  CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer); ALTER AGGREGATE total(integer) OWNER TO alice;
  CREATE FUNCTION same(mood, mood) RETURNS boolean LANGUAGE sql AS 'SELECT true';
  CREATE OPERATOR === (LEFTARG = mood, RIGHTARG = mood, FUNCTION = same);
  ALTER OPERATOR === (mood, mood) OWNER TO alice;
  CREATE OPERATOR FAMILY fam USING btree; ALTER OPERATOR FAMILY fam USING btree OWNER TO alice;
  CREATE CAST (pair AS text) WITH INOUT;
  CREATE COLLATION coll (provider = icu, locale = 'de'); ALTER COLLATION coll OWNER TO alice;
  CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple); ALTER TEXT SEARCH DICTIONARY dict OWNER TO alice;
  CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple); ALTER TEXT SEARCH CONFIGURATION conf OWNER TO alice;
  CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; ALTER CONVERSION conv OWNER TO alice;
  CREATE EXTENSION hstore;
  CREATE TABLE parent (id integer PRIMARY KEY, m mood DEFAULT 'sad', at timestamptz) ;
  CREATE TABLE child (extra text) INHERITS (parent); ALTER TABLE child OWNER TO alice;
  CREATE TABLE "Weird ""T""" (id bigint GENERATED ALWAYS AS IDENTITY, s serial, ref integer REFERENCES parent,
                              "a b" text COLLATE coll, CHECK (ref > 0) NOT VALID);
  ALTER TABLE "Weird ""T""" OWNER TO "Bob ""B""";
  COMMENT ON TABLE "Weird ""T""" IS 'a; comment -- with ''quotes''';
  COMMENT ON COLUMN "Weird ""T""".ref IS 'column';
  CREATE TABLE part (id integer, at date) PARTITION BY RANGE (at);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
  CREATE TABLE part_d PARTITION OF part DEFAULT;
  CREATE INDEX ON part (id); ALTER TABLE part ADD PRIMARY KEY (id, at);
  GRANT SELECT ON parent TO alice WITH GRANT OPTION;
  CREATE VIEW v AS SELECT * FROM parent; ALTER VIEW v OWNER TO alice;
  CREATE MATERIALIZED VIEW mv AS SELECT id FROM v; CREATE UNIQUE INDEX ON mv (id); ALTER MATERIALIZED VIEW mv OWNER TO alice;
  CREATE MATERIALIZED VIEW mv2 AS SELECT id FROM mv;
  CREATE SEQUENCE seq CYCLE; ALTER SEQUENCE seq OWNER TO alice;
  CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
  CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION trig(); ALTER TABLE parent DISABLE TRIGGER tr;
  CREATE RULE r AS ON DELETE TO parent DO INSTEAD NOTHING;
  ALTER TABLE parent ENABLE ROW LEVEL SECURITY; CREATE POLICY pol ON parent TO alice USING (id > 1);
  CREATE STATISTICS stat ON id, at FROM parent; ALTER STATISTICS stat OWNER TO alice;
  CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER srv FOREIGN DATA WRAPPER fdw; ALTER SERVER srv OWNER TO alice;
  CREATE USER MAPPING FOR alice SERVER srv OPTIONS (password 'p;w');
  CREATE FOREIGN TABLE ft (id integer) SERVER srv; ALTER FOREIGN TABLE ft OWNER TO alice;
  CREATE PUBLICATION pub FOR TABLE parent; ALTER PUBLICATION pub OWNER TO alice;
  CREATE SUBSCRIPTION sub CONNECTION 'host=/nowhere' PUBLICATION x WITH (connect = false);
  CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION et(); COMMENT ON EVENT TRIGGER et IS 'e';
  GRANT UPDATE (id) ON parent TO carol; GRANT USAGE ON SCHEMA public TO carol;
  SET ROLE alice; GRANT SELECT ON parent TO carol; RESET ROLE;
  ALTER DEFAULT PRIVILEGES FOR ROLE alice IN SCHEMA public GRANT SELECT ON TABLES TO carol;
)sql";

constexpr const char* kOddObjectsFrom14 =
    "CREATE FUNCTION public.atomic() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;";

// One statement in its tokens: how it is laid out and whether a name is quoted without need does not matter.
std::string canonical(const Statement& statement) {
  std::string text;
  for (const Token& token : statement.tokens) {
    text += token.kind == TokenKind::kSymbol || token.kind == TokenKind::kString ? std::string(token.text)
                                                                                 : token.value();
    text += ' ';
  }
  for (const std::string_view kind : {"ALTER VIEW ", "ALTER SEQUENCE ", "ALTER MATERIALIZED VIEW "}) {
    if (text.starts_with(kind) && text.find("OWNER TO ") != std::string::npos)
      text.replace(0, kind.size(), "ALTER TABLE ");
  }
  return text;
}

void append_statements(std::string_view script, std::vector<std::string>& statements) {
  for_each_statement(script, [&](const Statement& statement) {
    // How a session is set up, and where what follows will lie, are other tests' matters.
    const bool sets_up =
        statement.begins_with({"SET"}) && !statement.begins_with({"SET", "SESSION", "AUTHORIZATION"});
    const std::string text = canonical(statement);
    if (!sets_up && !text.starts_with("SELECT pg_catalog . set_config")) statements.push_back(text);
  });
}

std::vector<std::string> statements_of(const SchemaTasks& tasks) {
  std::vector<std::string> statements;
  for (const SchemaTask& task : tasks) append_statements(sql_of(*task.entry, {}), statements);
  return statements;
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::ranges::sort(list);
  return list;
}

std::string script_of_pg_restore(const postgres::ClientPrograms& programs, const Bytes& archive) {
  const system::TemporaryDirectory directory("dbbackup-archive-");
  const std::filesystem::path file = directory.path() / "archive";
  std::ofstream(file) << as_text(archive);
  std::string script;
  const system::Outcome outcome = system::run(
      {.argv = {programs.program("pg_restore").string(), "-f", "-", file.string()}},
      {.on_output = [&](ByteView bytes) { script += as_text(bytes); }}, system::StopEvent{std::stop_token{}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  return script;
}

TEST(SchemaScript, IsThatOfPgRestore) {
  const system::StopEvent never{std::stop_token{}};
  const PrivateCluster cluster({.settings = {{"wal_level", "logical"}}});
  cluster.psql("CREATE DATABASE odd");
  cluster.psql(kOddObjects, "odd");
  const int major = cluster.connect().version().major();
  if (major >= 14) cluster.psql(kOddObjectsFrom14, "odd");
  int compared = 0;
  for (const postgres::ClientPrograms& programs : postgres::find_client_programs({cluster.bindir()}, never)) {
    if (programs.version.major() < major) continue;
    SCOPED_TRACE(programs.directory);
    Bytes archive;
    postgres::run_program(
        programs, "pg_dump", cluster.target("odd"),
        {.arguments = {"--format=custom", "--section=pre-data", "--section=post-data", "--no-blobs"},
         .on_output = [&](ByteView bytes) { archive.insert(archive.end(), bytes.begin(), bytes.end()); }},
        never);
    std::vector<std::string> theirs;
    append_statements(script_of_pg_restore(programs, archive), theirs);

    const postgres::ArchiveToc toc = postgres::read_archive_toc(archive);
    const SchemaPlan plan = plan_schema(toc, [](const postgres::ArchiveEntry&) { return true; });
    std::vector<std::string> in_order = statements_of(plan.before_rows);
    for (const SchemaTasks* tasks : {&plan.after_rows, &plan.privileges}) {
      std::ranges::move(statements_of(*tasks), std::back_inserter(in_order));
    }
    ASSERT_GE(theirs.size(), in_order.size());
    const auto last = theirs.begin() + static_cast<ptrdiff_t>(in_order.size());
    EXPECT_EQ(in_order, std::vector(theirs.begin(), last));
    // pg_restore refreshes after the event triggers are there, which may then stop it.
    std::vector<std::string> at_last = statements_of(plan.refreshes);
    std::ranges::move(statements_of(plan.event_triggers), std::back_inserter(at_last));
    EXPECT_EQ(sorted(at_last), sorted(std::vector(last, theirs.end())));
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

}  // namespace
}  // namespace dbb::logical
