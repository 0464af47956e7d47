"""What is refused before the first change of a restore. Every test ends with the same look at what was there."""

import os
import shutil
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR, Cluster, give_to_server_user, temporary_folder
from support.contents import SMALL, SOMETHING_NEWER, wide_table
from support.installation import installation_with_extension
from support.pictures import Picture, database_picture
from support.program import Tool
from support.relays import pretend_major


class Refused(EndToEnd):
    """Two databases, a backup of them, and something newer in each. Made once: nothing may change it."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.sql("create role limited login")
        cls.cluster.create_database("app", contents=SMALL)
        cls.cluster.create_database("shop", "template app")
        place = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, place, ignore_errors=True)
        cls.repository = place / "repository"
        tool = Tool(place, cls.cluster, cls.repository)
        for command in (["init"], ["backup", "cluster"]):
            outcome = tool.run(*command)
            if outcome.code:
                raise AssertionError(str(outcome))
        for name in ("app", "shop"):
            cls.cluster.sql(SOMETHING_NEWER, name)
        cls.before = Picture(cls.cluster)
        cls.oids = {name: cls.cluster.oid_of(name) for name in cls.cluster.databases()}

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tool = Tool(self.folder, self.cluster, self.repository)

    def own_repository(self):
        """For tests that make backups: the shared one stays as it is."""
        self.tool = Tool(self.folder, self.cluster)
        self.init()

    def assert_untouched(self):
        self.assert_nothing_left()
        self.assertEqual(self.oids, {name: self.cluster.oid_of(name) for name in self.cluster.databases()})
        self.assert_same(self.before, self.picture())

    def test_a_backup_that_does_not_exist_is_said_not_to(self):
        for name in ("20200101T000000Z-0123456789abcdef", "1999", "nonsense", "2020-01-01T00:00:00Z"):
            with self.subTest(name=name):
                outcome = self.fails_with("BACKUP_NOT_FOUND", "restore", "cluster", name, "--confirm")
                self.assertIn(name, outcome.text)
        self.fails_with("BACKUP_NOT_FOUND", "show", "nonsense")
        self.assert_untouched()

    def test_a_prefix_of_several_backups_is_ambiguous_and_both_are_named(self):
        self.own_repository()
        backups = [self.back_up("database", "app") for _ in range(2)]
        outcome = self.fails_with("BACKUP_AMBIGUOUS", "restore", "cluster", os.path.commonprefix(backups), "--confirm")
        for backup in backups:
            self.assertIn(backup, outcome.text)
        self.assert_untouched()

    def test_a_database_that_is_not_in_the_backup_is_said_not_to_be(self):
        outcome = self.tool.run("restore", "database", "elsewhere", "--confirm", "--json")
        self.failed_with(outcome.error["code"], outcome)
        self.assertIn(outcome.error["code"], ("DATABASE_NOT_FOUND", "BACKUP_NOT_FOUND"))
        self.assertIn("elsewhere", outcome.text)
        self.assert_untouched()

    def test_a_name_that_is_taken_is_refused_without_replace(self):
        self.fails_with("TARGET_EXISTS", "restore", "database", "app", "--as", "shop", "--confirm")
        self.fails_with("TARGET_EXISTS", "restore", "database", "app", "--as", "shop")
        self.assert_untouched()

    def test_names_that_cannot_be_are_refused(self):
        for name in ("", "x" * 64, "two\nlines", "ä" * 32, "template0"):
            with self.subTest(name=name):
                self.fails_with("NAME_ILLEGAL", "restore", "database", "app", "--as", name, "--confirm")
        self.fails_with("USAGE", "restore", "database", "app", "--as=", "--confirm")
        self.assert_untouched()

    def test_an_older_server_is_refused(self):
        # From 17 on a real one, for its catalogs are others: Debian's own.
        older = 15 if MAJOR >= 17 else MAJOR - 1
        server = self.another_cluster(bindir=f"/usr/lib/postgresql/{older}/bin") if MAJOR >= 17 else self.relay(rewrite=pretend_major(older))
        environment = {"PGHOST": server.socket, "PGPORT": server.port} if MAJOR >= 17 else server.environment
        outcome = self.fails_with("VERSION_DOWNGRADE", "restore", "cluster", "latest", "--confirm", env=environment)
        for major in (MAJOR, older):
            self.assertIn(str(major), outcome.text)
        self.assert_untouched()

    def test_a_pooler_in_between_is_refused(self):
        pooler = self.pooler()
        self.fails_with("POOLER_IN_BETWEEN", "restore", "cluster", "latest", "--confirm", env=pooler.environment)
        pooler.close()
        self.assert_untouched()

    def test_two_servers_behind_one_address_are_refused(self):
        relay = self.relay(self.cluster, self.another_cluster())
        self.fails_with("TOPOLOGY_SPLIT", "restore", "cluster", "latest", "--confirm", env=relay.environment)
        self.assert_untouched()

    def test_a_server_that_is_down_is_named(self):
        self.fails_with("CONNECTION_REFUSED", "restore", "cluster", "latest", "--confirm", env={"PGHOST": self.folder})
        self.assert_untouched()

    def test_a_standby_is_refused(self):
        standby = self.another_cluster(standby_of=self.cluster)
        self.tool.talk_to(standby)
        self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")

    def test_a_role_that_may_not_create_databases_is_refused(self):
        outcome = self.tool.run("restore", "cluster", "latest", "--confirm", "-U", "limited", "--json")
        self.assertIn(outcome.error["code"], ("PERMISSION_DENIED", "PREFLIGHT_REFUSED"))
        self.failed_with(outcome.error["code"], outcome)
        self.assert_untouched()

    def test_extensions_that_the_server_lacks_are_listed_before_anything_changes(self):
        bindir = installation_with_extension(self.folder)
        source = self.another_cluster(bindir=bindir)
        source.create_database("extended", contents="create extension dbbackup_test_configuration")
        self.own_repository()
        self.tool.talk_to(source)
        backup = self.back_up()
        self.tool.talk_to(self.cluster)
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", backup, "--confirm")
        self.assertIn("dbbackup_test_configuration", outcome.text)
        self.assert_untouched()

    def test_a_tablespace_whose_folder_is_missing_is_listed_before_anything_changes(self):
        source = self.another_cluster()
        folder = source.tablespace_folder("the-tablespace")
        source.sql(f"create tablespace far location '{folder}'")
        source.create_database("placed", "tablespace far")
        self.own_repository()
        self.tool.talk_to(source)
        self.back_up()
        source.close()
        self.tool.talk_to(self.cluster)
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")
        self.assertIn("the-tablespace", outcome.text)
        self.assert_untouched()

        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, source.folder)
        give_to_server_user(folder)
        target = self.another_cluster()
        self.tool.talk_to(target)
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual("far", target.value(
            "select spcname from pg_database join pg_tablespace t on t.oid = dattablespace where datname = 'placed'"))

    def test_a_full_disk_on_the_target_is_foreseen_with_the_arithmetic(self):
        place = self.small_file_system("130m")
        source = self.another_cluster()
        source.create_database("large", contents=wide_table("wide", 110))
        self.own_repository()
        self.tool.talk_to(source)
        self.back_up("database", "large")
        source.close()
        small = self.another_cluster(place=place, settings={"max_wal_size": "32MB", "min_wal_size": "32MB"})
        self.tool.talk_to(small)
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "large", "--confirm")
        self.assertIn("disk", outcome.error["cause"].lower())
        self.assertEqual([], small.user_databases())
        self.assert_nothing_left(small)

    def test_a_logical_slot_or_subscription_in_the_old_database_is_not_dropped_silently(self):
        # Not connected to anything: the subscription exists, and that is what counts.
        self.cluster.sql("create subscription s connection 'dbname=nowhere' publication p with (connect = false)", "app")
        self.addCleanup(self.cluster.sql, "alter subscription s set (slot_name = none); drop subscription s", "app")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--confirm")
        self.assertIn("subscription", outcome.text)
        self.assertEqual(self.oids["app"], self.cluster.oid_of("app"))
        self.assertEqual("1", self.cluster.value("select count(*) from pg_subscription"))

    def test_locks_that_cannot_suffice_are_refused_with_the_setting_that_would(self):
        source = self.another_cluster()
        source.create_database("many")
        source.sql("\n".join(f"create table t{i} (a int primary key, b int unique, c text);" for i in range(900)), "many")
        source.sql("create table root (a int) partition by range (a);" + "".join(
            f"create table leaf{i} partition of root for values from ({i}) to ({i + 1});" for i in range(400)), "many")
        self.own_repository()
        self.tool.talk_to(source)
        backup = self.back_up("database", "many")
        tight = self.another_cluster(settings={"max_connections": "20", "max_locks_per_transaction": "10",
                                               "max_worker_processes": "1", "max_wal_senders": "1"})  # fmt: skip
        self.tool.talk_to(tight)
        outcome = self.tool.run("restore", "database", "many", "--from", backup, "--confirm", "--json")
        if outcome.code == 0:
            self.assert_holds(database_picture(source, "many"), "many", tight)
        else:
            self.assertIn(outcome.error["code"], ("PREFLIGHT_REFUSED", "LOCK_EXHAUSTION"))
            self.failed_with(outcome.error["code"], outcome)
            self.assertIn("max_locks_per_transaction", outcome.text)
            self.assertEqual([], tight.user_databases())
        self.assert_nothing_left(tight)


if __name__ == "__main__":
    unittest.main()
