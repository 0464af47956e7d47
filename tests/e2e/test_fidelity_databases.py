"""Databases and what belongs to them: properties, settings, locales, encodings, and the databases of the system."""

import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.contents import SMALL
from support.pictures import canonical, dump
from support.restored import RestoredCluster


class Databases(RestoredCluster):
    @classmethod
    def fill(cls, cluster):
        cluster.sql("create role owner; create role guest; create role \"odd 'role\"")
        create = cluster.create_database
        create("one", "owner owner connection limit 7", SMALL)
        cluster.sql("""
            alter database one set search_path = "$user", public, "odd, name", 'quo"te';
            alter database one set temp_tablespaces = '', pg_default;
            alter database one set session_preload_libraries = 'auto_explain', '$libdir/auto_explain';
            alter database one set datestyle = 'German, DMY';
            alter database one set my.own = 'a "b" = ''c'' \\d';
            alter database one set default_transaction_read_only = on;
            alter database one set statement_timeout = '50ms';
            alter role guest in database one set search_path = 'a', "b c";
            alter role all in database one set work_mem = '5MB';
            alter role guest set temp_tablespaces = 'pg_default';
            alter role all set timezone = 'Asia/Kathmandu';
            comment on database one is 'it''s "one"';
            revoke connect on database one from public;
            grant connect, temporary on database one to guest with grant option;
            set role guest; grant connect on database one to "odd 'role"; reset role""")  # fmt: skip
        create("latin", "template template0 encoding 'LATIN1' locale 'C'")
        cluster.sql("set client_encoding = 'UTF8'; create table \"tàble\" (\"ñ\" text); insert into \"tàble\" values ('é à ü ß ÿ')", "latin")
        create("ascii", "template template0 encoding 'SQL_ASCII' locale 'C'")
        cluster.psql(b"create table mixed (t text); insert into mixed values ('\xe4'), ('\xc3\xa4'), (E'\\\\\xff\xfe')", "ascii",
                     encoding="SQL_ASCII")  # fmt: skip
        create("a_template", "is_template true")
        create("closed soon")
        create("half dropped", contents="create table lost (a int)")
        if MAJOR >= 15:
            create("icu", "template template0 locale_provider icu icu_locale 'de-AT' locale 'C.UTF-8'")
            cluster.sql("create table w (w text primary key); insert into w values ('Äpfel'), ('zebra'), ('apfel')", "icu")
            cluster.sql("update pg_database set datcollversion = '1.2.3' where datname = 'icu'")
        if MAJOR >= 17:
            create("built in", "template template0 locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'")
            create("with rules", "template template0 locale_provider icu icu_locale 'und' icu_rules '&a < g' locale 'C.UTF-8'")
        cluster.sql("create table in_postgres (a int); insert into in_postgres values (1); alter database postgres set work_mem = '6MB'")
        cluster.sql("create extension hstore; create table in_template1 (a int); insert into in_template1 values (2)", "template1")
        cluster.sql("comment on database template1 is 'ours'; grant create on database template1 to guest")
        cluster.sql("update pg_database set datconnlimit = -2 where datname = 'half dropped'")

    @classmethod
    def after_backup(cls, cluster):
        cluster.sql("update pg_database set datconnlimit = -1 where datname = 'half dropped'")
        cluster.wipe()

    def test_all_of_it_is_as_pg_dump_saw_it(self):
        for part in [part for part in self.before.parts if "half dropped" in part]:
            del self.before.parts[part]
        # A collation's version is that of the library that sorted the indexes: of the target's, after a restore.
        if "properties of 'icu'" in self.before.parts:
            [[lines]] = self.before.parts["properties of 'icu'"].values()
            actual = self.cluster.value("select pg_database_collation_actual_version(oid) from pg_database where datname = 'icu'")
            self.before.parts["properties of 'icu'"] = {"pg_database": [tuple(line.replace("1.2.3", actual) for line in lines)]}
        self.assert_faithful(self.before)

    def test_invalid_databases_are_left_out_and_named(self):
        """Limit: invalid databases: what an interrupted DROP DATABASE left (connection limit -2) cannot be read; it is named in
        the backup's warnings and left out."""
        self.assertIn("half dropped", self.backup_said.text)
        self.assertNotIn("half dropped", self.cluster.databases())

    def test_settings_keep_their_values_and_lists(self):
        """Fidelity: settings of databases and roles: also role in database and ALL, lists of quoted names (search_path,
        temp_tablespaces, preloaded libraries), settings of extensions that are not there; none disturbs backup or restore."""
        settings = dict(self.cluster.rows("""
            select split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) from pg_db_role_setting s
              join pg_database d on d.oid = setdatabase, unnest(setconfig) c where datname = 'one' and setrole = 0"""))  # fmt: skip
        self.assertEqual('"$user", public, "odd, name", "quo""te"', settings["search_path"])
        self.assertEqual('a "b" = \'c\' \\d', settings["my.own"])
        self.assertIn("pg_default", settings["temp_tablespaces"])
        self.assertEqual("on", settings["default_transaction_read_only"])

    def test_properties_of_databases(self):
        """Fidelity: databases: owner, encoding, locale and its provider (libc, ICU, builtin), ICU rules, connection limit, template
        flag, comment, privileges by grantor, tablespace.
        Limit: collation versions: an index is built anew with the target's library, so the target's version is recorded."""
        self.holds(["owner|7"], "select datdba::regrole, datconnlimit from pg_database where datname = 'one'", "postgres")
        self.holds(["t"], "select datistemplate from pg_database where datname = 'a_template'", "postgres")
        self.says(["guest", "odd 'role"], "select datacl::text from pg_database where datname = 'one'", "postgres")
        if MAJOR >= 15:
            self.holds(["t"], "select datcollversion = pg_database_collation_actual_version(oid) from pg_database where datname = 'icu'", "postgres")
            self.assertEqual(["apfel", "Äpfel", "zebra"], [w for [w] in self.cluster.rows("select w from w order by w", "icu")])

    def test_encodings_keep_their_bytes(self):
        """Fidelity: encodings: the bytes of LATIN1 and other databases, and of SQL_ASCII ones, which fit no one encoding."""
        self.holds(["é à ü ß ÿ"], 'select "ñ" from "tàble"', "latin")
        self.assertEqual("5cfffe,c3a4,e4", self.cluster.value("""
            select string_agg(encode(convert_to(t, 'SQL_ASCII'), 'hex'), ',' order by encode(convert_to(t, 'SQL_ASCII'), 'hex'))
              from mixed""", "ascii"))  # fmt: skip

    def test_contents_of_the_system_databases(self):
        """Fidelity: postgres and template1: contents, settings, comment and privileges, into an empty one of the target."""
        self.holds(["1"], "select a from in_postgres", "postgres")
        self.holds(["2"], "select a from in_template1", "template1")
        self.assertEqual("1", self.cluster.value("select count(*) from pg_extension where extname = 'hstore'", "template1"))


class WithoutPostgres(EndToEnd):
    def test_a_cluster_without_a_database_postgres_is_backed_up_and_restored(self):
        """Fidelity: postgres and template1: a source that has no database "postgres" any more."""
        self.cluster.create_database("one", contents=SMALL)
        self.cluster.sql("drop database postgres", "template1")
        self.init()
        before = self.picture_of("one")
        self.back_up()
        self.cluster.sql("drop database one", "template1")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual(before, self.picture_of("one"))
        self.cluster.sql("create database postgres", "template1")

    def picture_of(self, name):
        return canonical(dump(self.cluster, "pg_dump", name))


if __name__ == "__main__":
    unittest.main()
