"""Every extension that comes with PostgreSQL, created and used, comes back; so do rows in their own types."""

import os
import shutil
import subprocess
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR, Cluster, StatementFailed, identifier, temporary_folder
from support.installation import installation_with_extension, installation_with_fetched
from support.program import SOURCE

# What an extension is used for; those that are not here have nothing that is stored.
USES = {
    "autoinc": """create sequence auto_s; create table auto_t (id int, v text);
        create trigger auto before insert on auto_t for each row execute function autoinc(id, auto_s); insert into auto_t (v) values ('a'), ('b')""",
    "bloom": (
        "create table bloomed (a int, b int); insert into bloomed select i, i % 7 from generate_series(1, 500) i; "
        "create index on bloomed using bloom (a, b) with (length = 80, col1 = 2)"
    ),
    "btree_gin": (
        "create table bg (a int, b text[]); insert into bg select i, array[i::text] from generate_series(1, 100) "
        "i; create index on bg using gin (a, b)"
    ),
    "btree_gist": (
        "create table booked (room int, during tsrange, exclude using gist (room with =, during with &&)); insert "
        "into booked values (1, '[2026-01-01,2026-01-02)')"
    ),
    "citext": (
        "create table ci (c citext primary key, a citext[]); insert into ci values ('AbC', '{X,y}'); create domain "
        "mail as citext check (value ~ '@')"
    ),
    "cube": (
        "create table cubes (c cube); insert into cubes values ('(1,2),(3,4)'), ('(0.1)'), (null); create index on "
        "cubes using gist (c)"
    ),
    "dblink": (
        "create server dbl foreign data wrapper dblink_fdw options (host '/nowhere'); create user mapping for "
        "public server dbl options (user 'u', password 'p')"
    ),
    "dict_int": (
        "create text search dictionary ints (template = intdict_template, maxlen = 3); create text search "
        "configuration with_ints (copy = simple); alter text search configuration with_ints alter mapping for int "
        "with ints"
    ),
    "dict_xsyn": "create text search dictionary xs (template = xsyn_template, keeporig = false, rules = xsyn_sample)",
    "earthdistance": (
        "create table places (e earth); insert into places values (ll_to_earth(52.5, 13.4)); create index on "
        "places using gist (e)"
    ),
    "file_fdw": (
        "create server files foreign data wrapper file_fdw; create foreign table passwd (a text, b text) server "
        "files options (filename '/nowhere', format 'csv')"
    ),
    "hstore": (
        "create table hs (h hstore default 'a=>1', g text generated always as (h -> 'a') stored); insert into hs "
        "values ('\"k \\\" \"=>\"v,\", n=>NULL'); create index on hs using gin (h)"
    ),
    "insert_username": (
        "create table who (v int, name text); create trigger who before insert on who for each row execute "
        "function insert_username(name); insert into who values (1)"
    ),
    "intarray": (
        "create table ia (a int[], q query_int); insert into ia values ('{1,2}', '1&(2|!3)'); create index on ia "
        "using gist (a gist__int_ops (numranges = 100))"
    ),
    "isn": (
        "create table books (i isbn13, e ean13, u upc, s issn); insert into books values ('978-0-393-04002-9', "
        "'0220356483481', '220356483481', '1436-4522'); create index on books (i)"
    ),
    "lo": (
        "create table with_lo (id int, raster lo); create trigger t_raster before update or delete on with_lo for "
        "each row execute function lo_manage(raster); insert into with_lo values (1, lo_from_bytea(0, 'raster'))"
    ),
    "ltree": (
        "create table tree (p ltree, l lquery, t ltxtquery); insert into tree values ('Top.Science.Astronomy', "
        "'*.a|b{1,2}', 'a & b'); create index on tree using gist (p gist_ltree_ops (siglen = 100))"
    ),
    "moddatetime": (
        "create table mod (v int, at timestamp); create trigger mod before update on mod for each row execute "
        "function moddatetime(at)"
    ),
    "pg_stat_statements": "create view slow as select userid, query from pg_stat_statements",
    "pg_trgm": (
        "create table tg (t text); insert into tg select md5(i::text) from generate_series(1, 100) i; create index "
        "on tg using gin (t gin_trgm_ops); create index on tg using gist (t gist_trgm_ops (siglen = 32))"
    ),
    "pgcrypto": (
        "create table pw (h text default crypt('x', gen_salt('md5'))); insert into pw values (crypt('secret', "
        "'ab')), (encode(digest('a', 'sha256'), 'hex'))"
    ),
    "postgres_fdw": (
        "create server far foreign data wrapper postgres_fdw options (host '/nowhere'); create user mapping for "
        "postgres server far options (password 'p'); create foreign table far_t (a int) server far"
    ),
    "refint": (
        "create table ri_a (id int); create table ri_b (a int); create index on ri_a (id); create trigger ri "
        "before insert or update on ri_b for each row execute function check_primary_key('a', 'ri_a', 'id')"
    ),
    "seg": (
        "create table segs (s seg); insert into segs values ('5.0 .. 7.10'), ('~1e-3'), ('..2'); create index on "
        "segs using gist (s)"
    ),
    "tablefunc": (
        "create function ct(text) returns setof tablefunc_crosstab_3 as '$libdir/tablefunc', 'crosstab' language c "
        "stable strict; create table ct_t (c tablefunc_crosstab_2); insert into ct_t values (row('a', 'b', 'c'))"
    ),
    "tcn": (
        "create table tc (id int primary key); create trigger tcn after insert on tc for each row execute function "
        "triggered_change_notification()"
    ),
    "tsm_system_rows": "create table sampled (a int); create view some_rows as select * from sampled tablesample system_rows(10)",
    "tsm_system_time": (
        "create table timed (a int); create materialized view some_time as select * from timed tablesample "
        "system_time(10) with no data"
    ),
    "unaccent": (
        "create text search configuration plain_de (copy = german); alter text search configuration plain_de alter "
        "mapping for hword, word with unaccent, german_stem; create table ua (t tsvector); insert into ua values "
        "(to_tsvector('plain_de', 'Hôtels für alle'))"
    ),
    "uuid-ossp": (
        "create table uu (u uuid default uuid_generate_v1()); insert into uu values "
        "(uuid_generate_v5(uuid_ns_url(), 'x'))"
    ),
    "xml2": "create table xp (d text); insert into xp values (xpath_string('<a><b>1</b></a>', '/a/b'))",
}


class Extensions(EndToEnd):
    def create_all(self, database):
        """Each that can be created here; returns their names."""
        made = []
        names = [name for [name] in self.cluster.rows("select name from pg_available_extensions order by 1")]
        for name in names:
            try:
                self.cluster.sql(f"create extension if not exists {identifier(name)} cascade", database)
                made.append(name)
            except StatementFailed as refused:
                print(f"{name}: not created: {str(refused).splitlines()[0]}", flush=True)
        return made

    def test_every_extension_that_comes_with_postgresql_comes_back_with_its_uses(self):
        """Fidelity: extensions: each of PostgreSQL's own comes back with what uses it: columns in its types, indexes by its
        operator classes, triggers, dictionaries, wrappers, by CREATE EXTENSION in the version that the target has."""
        self.cluster.create_database("used")
        made = self.create_all("used")
        self.assertGreater(len(made), 35, made)
        for name, use in USES.items():
            if name in made:
                self.cluster.sql(use, "used")
        self.cluster.create_database("elsewhere", contents='create schema "ext schema"; create schema mine')
        for name in ("citext", "hstore", "ltree", "pg_trgm", "isn"):
            self.cluster.sql(f'create extension {name} schema "ext schema"', "elsewhere")
        self.cluster.sql("""
            create role reader; grant usage on schema "ext schema" to reader;
            create table mine.t (c "ext schema".citext, h "ext schema".hstore, l "ext schema".ltree);
            insert into mine.t values ('A', 'a=>b', 'x.y');
            create index on mine.t using gin ((h::text) "ext schema".gin_trgm_ops);
            create cast (mine.t as text) with inout;
            revoke execute on function "ext schema".hstore(text, text) from public;
            grant execute on function "ext schema".hstore(text, text) to reader;
            comment on extension hstore is 'ours'""", "elsewhere")  # fmt: skip
        before = self.original()
        self.init()
        self.back_up()
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=400)
        self.assert_faithful(before)
        self.assert_nothing_left()


class ExtensionsOfOthers(EndToEnd):
    """On an installation with two extensions of our own."""

    @classmethod
    def setUpClass(cls):
        place = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, place, ignore_errors=True)
        cls.cluster = Cluster(bindir=installation_with_extension(place))
        cls.addClassCleanup(cls.cluster.close)

    def test_timescaledb_is_told_before_and_after_a_restore(self):
        """Fidelity: TimescaleDB: created in the recorded version before anything else, timescaledb_pre_restore() called before the
        schema and timescaledb_post_restore() after the proof (tested with a stand-in of the extension)."""
        for schema in ("public", "elsewhere"):
            self.cluster.create_database(f"in {schema}", contents=f"""
                create schema if not exists {schema}; create schema made;
                create extension timescaledb schema {schema} version '1.9';
                create table made.t (a int primary key, constraint welcome check ({schema}.is_welcome()));
                insert into made.t select generate_series(1, 10); create index on made.t ((a + 1));""")  # fmt: skip
        before = self.original()
        self.init()
        self.back_up()
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        for schema in ("public", "elsewhere"):
            database = f"in {schema}"
            called = self.cluster.rows(f"select what, relations, restoring from {schema}.called", database)
            self.assertEqual([["pre", "0", None], ["post", "3", "on"]], called, "before there is anything, when all is there")
            version = self.cluster.value("select extversion from pg_extension where extname = 'timescaledb'", database)
            self.assertEqual("1.9", version)
            self.cluster.sql(f"delete from {schema}.called", database)
        self.assert_faithful(before)

    def test_timescaledb_in_a_version_that_the_target_lacks_is_refused(self):
        """Refused: TimescaleDB: a target that has it in other versions only, before anything changes."""
        self.cluster.create_database("one", contents="create extension timescaledb version '1.9'")
        self.init()
        self.back_up()
        place = temporary_folder()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        bindir = installation_with_extension(place)
        next(place.rglob("timescaledb--1.9.sql")).unlink()
        other = self.another_cluster(bindir=bindir)
        self.tool.talk_to(other)
        self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")
        self.assertEqual([], other.user_databases())

    def test_pg_cron_comes_back_in_the_database_postgres_and_nowhere_else(self):
        """Fidelity: pg_cron: with its jobs, where it lives in the database postgres (tested with a stand-in of the extension).
        Refused: pg_cron: in any other database, before anything changes: it lives only where cron.database_name says, and a restore
        builds its database beside that one."""
        self.cluster.sql("create extension pg_cron; insert into cron.job values (1, 'vacuum')")
        before = self.original()
        self.init()
        self.back_up()
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual("vacuum", self.cluster.value("select command from cron.job"))
        self.assert_faithful(before)

        self.cluster.create_database("jobs", contents="set cron.database_name = 'jobs'; create extension pg_cron;")
        self.back_up()
        self.cluster.drop_database("jobs")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "jobs", "--confirm")
        self.assertIn("cron.database_name", outcome.text)
        self.assertEqual([], self.cluster.user_databases())

    def test_rows_of_configuration_tables_come_back_by_their_conditions(self):
        """Fidelity: extensions: rows of configuration tables (pg_extension_config_dump) come back by their conditions, referenced
        tables first, beside the rows that the extension's script makes anew, their sequences included."""
        self.cluster.create_database("one", contents="""
            create schema c; create extension dbbackup_test_configuration schema c;
            insert into c.setting values ('colour', 'mauve', false);
            update c.setting set value = 'builtin rows are not dumped' where builtin;
            insert into c.setting_detail (name, detail) values ('colour', 'refers');
            insert into c.not_configuration values (2)""")  # fmt: skip
        self.init()
        self.back_up()
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual([["colour", "mauve"], ["version", "1"]], self.cluster.rows("select name, value from c.setting order by 1", "one"))
        self.assertEqual([["1", "refers"]], self.cluster.rows("select id, detail from c.setting_detail", "one"))
        self.assertEqual("2", self.cluster.value("select nextval('c.setting_detail_id')", "one"))
        self.assertEqual([["1"]], self.cluster.rows("select a from c.not_configuration", "one"))


PACKAGES = """postgis-3 postgis-3-scripts partman hll ip4r orafce periods prefix rum semver unit tdigest numeral rational pgmp similarity
    tablelog set-user icu-ext q3c hypopg pgtap pgsphere jsquery repack first-last-agg debversion toastinfo""".split()
# Creating an extension is a use, too; these store something besides.
USES_OF_OTHERS = {
    "postgis": """create table places (g geometry(Point, 4326), h geography, r box2d);
        insert into places values ('SRID=4326;POINT(1 2)', 'POINT(13.4 52.5)', 'BOX(0 0,1 1)'); create index on places using gist (g);
        insert into spatial_ref_sys values (990001, 'ours', 1, 'LOCAL_CS["ours"]', '+proj=longlat')""",
    "postgis_topology": "select topology.createtopology('roads', 4326)",
    "pg_partman": """create table events (at date not null) partition by range (at);
        select create_parent('public.events', 'at', 'native', 'monthly'); insert into events values (current_date);
        update part_config set retention = '5 years'""",
    "hll": (
        "create table sketches (h hll); insert into sketches select hll_add_agg(hll_hash_integer(i)) from "
        "generate_series(1, 100) i"
    ),
    "ip4r": (
        "create table nets (a ip4r, b iprange); insert into nets values ('10.0.0.0/8', '::1'); create index on "
        "nets using gist (a)"
    ),
    "prefix": (
        "create table prefixes (p prefix_range); insert into prefixes values ('123[4-5]'); create index on "
        "prefixes using gist (p)"
    ),
    "rum": (
        "create table rummed (t tsvector); insert into rummed values ('a b'); create index on rummed using rum (t "
        "rum_tsvector_ops)"
    ),
    "semver": "create table versions (v semver); insert into versions values ('1.2.3-beta'); create index on versions (v)",
    "unit": "create table units (u unit); insert into units values ('3 m/s')",
    "tdigest": "create table digests (d tdigest); insert into digests select tdigest(i, 100) from generate_series(1, 50) i",
    "q3c": (
        "create table stars (ra float8, de float8); insert into stars values (1, 2); create index on stars "
        "(q3c_ang2ipix(ra, de))"
    ),
    "jsquery": "create table queries (q jsquery); insert into queries values ('a = 1')",
    "pgmp": "create table big (z mpz, q mpq); insert into big values ('123456789012345678901234567890', '1/3')",
    "pg_sphere": (
        "create table spheres (p spoint); insert into spheres values ('(0.1,-0.2)'); create index on spheres using "
        "gist (p)"
    ),
    "orafce": "create table ora (v oracle.varchar2(10), d oracle.date); insert into ora values ('x', '2026-01-01 10:11:12')",
    "periods": """create table valid (id int, s date, e date); select periods.add_period('valid', 'p', 's', 'e');
        insert into valid values (1, '2026-01-01', '2026-02-01')""",
}


@unittest.skipUnless(os.environ.get("DBBACKUP_TEST_LONG") and MAJOR == 15, "fetches extensions for PostgreSQL 15; set DBBACKUP_TEST_LONG")
class ThirdParties(EndToEnd):
    """What other people write and Debian packages."""

    @classmethod
    def setUpClass(cls):
        place = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, place, ignore_errors=True)
        fetched = subprocess.run([SOURCE / "tools/fetch_extensions", SOURCE / "build/extensions", *PACKAGES],
                                 capture_output=True, text=True, check=False)  # fmt: skip
        if fetched.returncode:
            raise AssertionError(f"the extensions cannot be had:\n{fetched.stderr}")
        cls.bindir, cls.libraries = installation_with_fetched(place, fetched.stdout.strip())
        cls.cluster = Cluster(bindir=cls.bindir, libraries=cls.libraries)
        cls.addClassCleanup(cls.cluster.close)

    def another_cluster(self, **options):
        return super().another_cluster(libraries=self.libraries, **options)

    def test_extensions_of_others_come_back_with_their_uses(self):
        """Fidelity: extensions: those of others that Debian packages: PostGIS with its topologies and reference systems, pg_partman
        with its configuration, and some thirty more, each with data in its types and indexes of its methods."""
        for name in [name for [name] in self.cluster.rows("select name from pg_available_extensions where name not in ('pglogical') order by 1")]:
            if name in USES or name == "plpgsql":
                continue
            database = f"of {name}"
            self.cluster.create_database(database)
            try:
                self.cluster.sql(f"create extension {identifier(name)} cascade", database)
            except StatementFailed as refused:
                print(f"{name}: not created: {str(refused).splitlines()[0]}", flush=True)
                self.cluster.drop_database(database)
                continue
            self.cluster.sql(USES_OF_OTHERS.get(name, "select 1"), database)
        made = self.cluster.user_databases()
        self.assertGreater(len(made), 30, made)
        before = self.original()
        self.init()
        self.back_up(seconds=900)
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=1200)
        self.assert_faithful(before)


if __name__ == "__main__":
    unittest.main()
