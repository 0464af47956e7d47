"""A cluster is backed up, destroyed and restored, and pg_dump sees no difference."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.clusters import Cluster, give_to_server_user, temporary_folder
from support.contents import IS_NEWER, SMALL, SOMETHING_NEWER
from support.installation import installation_with_extension
from support.pictures import Picture, database_picture
from support.program import SOURCE, Tool
from support.rich import make_rich


class RichCluster(EndToEnd):
    """One rich cluster and one backup of it, for all tests of the class."""

    @classmethod
    def setUpClass(cls):
        cls.place = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.bindir = installation_with_extension(cls.place)
        cls.tablespaces = cls.place / "tablespaces"
        cls.tablespaces.mkdir()
        cls.tablespaces.chmod(0o755)
        cls.cluster = Cluster(bindir=cls.bindir)
        cls.addClassCleanup(cls.cluster.close)
        make_rich(cls.cluster, cls.tablespaces)
        cls.original = Picture(cls.cluster)
        shared = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, shared, ignore_errors=True)
        cls.repository = shared / "repository"
        tool = Tool(shared, cls.cluster, cls.repository)
        for command in (["init"], ["backup", "cluster"]):
            outcome = tool.run(*command)
            if outcome.code:
                raise AssertionError(str(outcome))

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tool = Tool(self.folder, self.cluster, self.repository)

    def test_a_dropped_cluster_comes_back_equal(self):
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(self.original, self.picture())
        self.assert_nothing_left()
        self.assert_pages_sound(self.cluster)

    def test_b_living_databases_are_replaced_and_kept_when_told(self):
        if "app" not in self.cluster.databases():
            self.skipTest("an earlier test lost the cluster")
        oids = {name: self.cluster.oid_of(name) for name in self.cluster.user_databases()}
        self.cluster.sql("drop table app.twins; delete from app.tree", "app")
        before = self.picture()
        self.succeeds("restore", "cluster", "latest", "--confirm", "--old", "keep")
        after = self.picture()
        for name, oid in oids.items():
            self.assertNotEqual(oid, self.cluster.oid_of(name), f"{name} is a new database")
            old = self.cluster.database_of(oid)
            self.assertIsNotNone(old, f"the old {name} is there")
            self.assertTrue(old.startswith(name[:30]) and "_before_" in old, old)
            if name in before.databases:
                self.assert_holds(before.databases[name], old)
            after.properties.pop(old)
            after.databases.pop(old, None)
        self.assert_same(self.original, after)
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(sorted(oids), self.cluster.user_databases())
        self.assert_nothing_left()

    def test_c_a_fresh_cluster_becomes_the_same(self):
        """Fidelity: tablespaces: location, owner, options, privileges and comment; tables, indexes and databases lie where they did."""
        # The tablespaces' locations exist once on this machine: the first cluster makes room.
        self.cluster.stop()
        for name in ("fast", "slow"):
            shutil.move(self.tablespaces / name, self.tablespaces / f"{name}-of-the-first")
            (self.tablespaces / name).mkdir(mode=0o700)
            give_to_server_user(self.tablespaces / name)
        fresh = self.another_cluster(bindir=self.bindir)
        self.tool.talk_to(fresh)
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(self.original, self.picture(fresh))
        self.assert_nothing_left(fresh)

        # And once more over what is there: roles, tablespaces and system databases exist by now. What a backup of another
        # server replaces is kept unless it is told otherwise.
        self.succeeds("restore", "cluster", "latest", "--confirm", "--old", "drop")
        self.assert_same(self.original, self.picture(fresh))
        self.assert_nothing_left(fresh)

    def assert_pages_sound(self, cluster):
        """pg_amcheck reads every heap and every btree, which no dump does. Before 14 there is only its check of btrees."""
        extension = "create schema amcheck_here; create extension amcheck schema amcheck_here"
        names = [name for name in cluster.user_databases()]
        for name in names:
            cluster.sql(extension, name)
            if cluster.major < 14:
                cluster.sql("select amcheck_here.bt_index_check(i.indexrelid, true) from pg_index i join pg_class c on c.oid = i.indexrelid "
                            "join pg_am a on a.oid = c.relam where a.amname = 'btree' and i.indisvalid and c.relkind = 'i' "
                            "and c.relpersistence <> 't'", name)  # fmt: skip
        if cluster.major >= 14:
            arguments = [argument for name in names for argument in ("-d", _pattern(name))]
            done = subprocess.run([str(cluster.bindir / "pg_amcheck"), "--heapallindexed", *arguments],
                                  env=cluster.environment(), capture_output=True, text=True, check=False)  # fmt: skip
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        for name in names:
            cluster.sql("drop schema amcheck_here cascade", name)
            if name == "app":
                cluster.sql("delete from app.ddl_log where tag ~ 'SCHEMA|EXTENSION'", name)


def _pattern(name):
    """A database name as psql's patterns want it."""
    return '"' + name.replace('"', '""') + '"'


class PlainClusters(EndToEnd):
    def test_an_empty_cluster_is_backed_up_and_restored(self):
        before = self.picture()
        self.init()
        self.back_up()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(before, self.picture())
        self.assert_nothing_left()

    def test_an_empty_database_is_backed_up_and_restored(self):
        self.cluster.create_database("nothing")
        before = self.picture()
        self.init()
        self.back_up("database", "nothing")
        self.cluster.drop_database("nothing")
        self.succeeds("restore", "database", "nothing", "--confirm")
        self.assert_same(before, self.picture())

    def test_one_database_comes_out_of_a_cluster_backup(self):
        for name in ("one", "two"):
            self.cluster.create_database(name, contents=SMALL)
        before = self.picture()
        other_oid = self.cluster.oid_of("two")
        self.init()
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "one")
        self.succeeds("restore", "database", "one", "--confirm")
        self.assert_same(before, self.picture())
        self.assertEqual(other_oid, self.cluster.oid_of("two"), "the other database is not touched")

    def test_a_database_is_restored_under_another_name(self):
        self.cluster.create_database("one", contents=SMALL)
        original = database_picture(self.cluster, "one")
        oid = self.cluster.oid_of("one")
        self.init()
        backup = self.back_up("database", "one")
        self.cluster.sql(SOMETHING_NEWER, "one")
        self.succeeds("restore", "database", "one", "--from", backup, "--as", "copy of one", "--confirm")
        self.assert_holds(original, "copy of one")
        self.assertEqual(oid, self.cluster.oid_of("one"))
        self.assertEqual("1", self.cluster.value(IS_NEWER, "one"))

        self.fails_with("TARGET_EXISTS", "restore", "database", "one", "--as", "copy of one", "--confirm")
        self.cluster.sql(SOMETHING_NEWER, "copy of one")
        copy_oid = self.cluster.oid_of("copy of one")
        self.succeeds("restore", "database", "one", "--as", "copy of one", "--replace", "--confirm")
        self.assert_holds(original, "copy of one")
        self.assertNotEqual(copy_oid, self.cluster.oid_of("copy of one"))
        self.assert_nothing_left()

    def test_without_confirm_a_plan_is_printed_and_nothing_changes(self):
        self.cluster.create_database("one", contents=SMALL)
        self.init()
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "one")
        before, oid = self.picture(), self.cluster.oid_of("one")
        for command in (["restore", "cluster", "latest"], ["restore", "database", "one"],
                        ["restore", "database", "one", "--as", "other"]):  # fmt: skip
            text = self.succeeds(*command).out
            self.assertIn("one", text)
            self.assertIn("--confirm", text)
            plan = self.succeeds(*command, "--json").document
            self.assertFalse(plan["executed"])
            self.assertEqual(before.differences(self.picture()), [])
        self.assertEqual(oid, self.cluster.oid_of("one"))
        self.assert_nothing_left()

    def test_an_older_backup_is_restored_by_its_id_and_by_a_prefix_of_it(self):
        self.cluster.create_database("one", contents="create table t as select 1 as version")
        self.init()
        first = self.back_up()
        self.cluster.sql("update t set version = 2", "one")
        second = self.back_up()
        self.assertLess(first, second, "ids sort by time")
        self.succeeds("restore", "database", "one", "--from", first, "--confirm")
        self.assertEqual("1", self.cluster.value("select version from t", "one"))
        self.succeeds("restore", "cluster", second[:-3], "--confirm")
        self.assertEqual("2", self.cluster.value("select version from t", "one"))

    def test_globals_that_exist_and_differ_are_left_as_they_are_and_listed(self):
        self.cluster.sql("create role keeper login password 'old'; create role gone; grant gone to keeper")
        self.cluster.create_database("one", "owner keeper")
        self.init()
        self.back_up()
        self.cluster.sql("revoke gone from keeper; alter role keeper password 'new' createdb valid until '2040-01-01'")
        self.cluster.sql("alter database one owner to postgres; drop role gone")
        living = self.cluster.value("select rolpassword from pg_authid where rolname = 'keeper'")
        outcome = self.succeeds("restore", "cluster", "latest", "--confirm", "--json")
        self.assertEqual(living, self.cluster.value("select rolpassword from pg_authid where rolname = 'keeper'"))
        self.assertEqual("t", self.cluster.value("select rolcreatedb from pg_roles where rolname = 'keeper'"))
        self.assertEqual("1", self.cluster.value("select count(*) from pg_roles where rolname = 'gone'"))
        differ = "\n".join(outcome.document["plan"]["globals_that_differ"])
        self.assertIn("keeper", differ)
        for secret in (living, "SCRAM-SHA-256"):
            self.assertNotIn(secret, outcome.text, "password hashes are not shown")

    def test_more_workers_and_databases_at_once_change_nothing(self):
        for name in ("one", "two", "three"):
            self.cluster.create_database(name, contents=SMALL)
        before = self.picture()
        self.init()
        self.back_up("cluster", "--jobs", "3", "--parallel-dbs", "3")
        for name in self.cluster.user_databases():
            self.cluster.drop_database(name)
        self.succeeds("restore", "cluster", "latest", "--confirm", "--jobs", "3", "--parallel-dbs", "2")
        self.assert_same(before, self.picture())
        self.assert_nothing_left()

    def test_a_table_of_many_block_ranges_is_read_and_loaded_in_pieces(self):
        # Uncompressed TOAST: half a gibibyte of heap and toast in few rows, cheap to make.
        self.cluster.create_database("large", contents="""
            create table wide (id int, line text);
            alter table wide alter line set storage plain;
            insert into wide select i, repeat(chr(97 + i % 26), 7000) || i from generate_series(1, 70000) i;
            delete from wide where id % 1000 = 0;""")  # fmt: skip
        self.init()
        original = database_picture(self.cluster, "large")
        self.back_up("database", "large", "--jobs", "2")
        self.cluster.sql("truncate wide", "large")
        self.succeeds("restore", "database", "large", "--jobs", "2", "--confirm")
        self.assert_holds(original, "large")


DATA = Path(os.environ.get("DBBACKUP_TEST_DATA") or SOURCE.parent / "shared" / "data")


class DatabasesNobodyHereWrote(EndToEnd):
    @unittest.skipUnless((DATA / "pagila.sql").exists(), "set DBBACKUP_TEST_DATA to the folder with pagila.sql, ...")
    def test_pagila_chinook_and_netflix_come_back_equal(self):
        for name in ("pagila", "netflix"):
            self.cluster.create_database(name)
            self.cluster.psql((DATA / f"{name}.sql").read_bytes(), name)
        self.cluster.psql((DATA / "chinook.sql").read_bytes())
        before = self.picture()
        self.assertEqual(["chinook", "netflix", "pagila"], self.cluster.user_databases())
        self.init()
        self.back_up()
        for name in self.cluster.user_databases():
            self.cluster.drop_database(name)
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(before, self.picture())


if __name__ == "__main__":
    unittest.main()
