"""The moment in which the new database takes the name: under clients that do not stop, and when it cannot be."""

import re
import signal
import subprocess
import threading
import unittest

from support.case import EndToEnd
from support.clusters import StatementFailed, identifier
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.waiting import wait_until


class Swap(EndToEnd):
    settings = {"max_prepared_transactions": "5", "wal_level": "logical", "max_connections": "60"}

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.original = database_picture(self.cluster, "app")
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        self.old = database_picture(self.cluster, "app")
        self.oid = self.cluster.oid_of("app")

    def reconnecting_clients(self, count=6, script="select count(*) from stock.item;"):
        """pgbench opens a connection for each transaction; it is started again when it gives up."""
        file = self.folder / "transaction.sql"
        file.write_text(script)
        stopping = threading.Event()

        def keep_going():
            while not stopping.is_set():
                subprocess.run([str(self.cluster.bindir / "pgbench"), "-n", "-C", "-c", str(count), "-T", "2", "-f", str(file)],
                               env=self.cluster.environment("app"), capture_output=True, check=False)  # fmt: skip

        thread = threading.Thread(target=keep_going)
        thread.start()

        def stop():
            stopping.set()
            thread.join(30)

        self.addCleanup(stop)
        return stop

    def test_clients_that_reconnect_without_pause_do_not_stop_it(self):
        stop = self.reconnecting_clients()
        wait_until(lambda: self.cluster.rows("select 1 from pg_stat_activity where datname = 'app'"), "clients are there")
        outcome = self.succeeds("restore", "database", "app", "--confirm", "--json")
        stop()
        self.assert_holds(self.original, "app")
        self.assertIsNone(self.cluster.database_of(self.oid))
        [database] = outcome.document["databases"]
        self.assertLess(database["swap_window_seconds"], 30)
        self.assert_nothing_left()

    def test_nothing_that_was_committed_is_lost_when_the_old_one_is_kept(self):
        self.cluster.sql("create table arrivals (n int primary key)", "app")
        acknowledged, stopping = [], threading.Event()

        def insert_all_the_time():
            number = 0
            while not stopping.is_set():
                number += 1
                try:
                    acknowledged.append(self.cluster.sql(f"insert into arrivals values ({number}) returning n", "app"))
                except StatementFailed:
                    pass  # cut off, or the restored database, which has no such table

        inserter = threading.Thread(target=insert_all_the_time)
        inserter.start()
        self.addCleanup(lambda: (stopping.set(), inserter.join(30)))
        wait_until(lambda: len(acknowledged) > 3, "rows arrive")
        self.succeeds("restore", "database", "app", "--confirm", "--old", "keep")
        stopping.set()
        inserter.join(30)
        kept = self.cluster.database_of(self.oid)
        self.assertIsNotNone(kept)
        arrived = {n for [n] in self.cluster.rows("select n from arrivals", kept)}
        self.assertEqual(set(), set(acknowledged) - arrived, "what was acknowledged is in the old database")
        self.assert_holds(self.original, "app")

    def test_a_client_inserting_all_the_time_does_not_stop_it(self):
        stop = self.reconnecting_clients(3, "insert into stock.sale (item, at) values (1, now());")
        self.succeeds("restore", "database", "app", "--confirm")
        stop()
        # Clients went on with the restored database: it has the backup's rows, and theirs.
        self.assertEqual("5000", self.cluster.value("select count(*) from stock.sale where id <= 5000", "app"))

    def test_open_transactions_of_others_are_ended_when_the_swap_comes_and_not_before(self):
        holder = self.session("app")
        holder.run("begin; update stock.item set name = 'uncommitted' where id = 1")
        running = self.start("restore", "database", "app", "--confirm", pause=["before-swap"]).wait_for("before-swap")
        self.assertEqual("1", holder.run("select 1"), "until the swap everybody works on")
        self.ended(running.go("before-swap").finish(), 0)
        self.assertNotEqual("1", holder.run("select 1"))
        self.assert_holds(self.original, "app")

    def test_until_the_swap_is_committed_the_old_database_is_the_one(self):
        running = self.start("restore", "database", "app", "--confirm", pause=["swap-open"]).wait_for("swap-open")
        names = self.cluster.value("select datname from pg_database where oid = " + str(self.oid))
        self.assertEqual("app", names, "nobody sees a state in between")
        running.send(signal.SIGKILL).finish(30)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
        self.assert_holds(self.old, "app")
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        self.succeeds("cleanup", "--confirm")
        self.assert_nothing_left()

    def assert_only_its_name_is_lacking(self, outcome):
        """What was restored is complete and stays until somebody goes on or cleans up."""
        [app] = [one for one in outcome.document["databases"] if one["name"] == "app"]
        self.assert_holds(self.original, app["failure"]["left_as"])
        self.succeeds("cleanup", "--confirm")
        self.assert_nothing_left()

    def test_a_swap_that_cannot_be_leaves_the_old_database_and_says_why(self):
        running = self.start("restore", "database", "app", "--confirm", "--json", pause=["before-swap"]).wait_for("before-swap")
        self.cluster.sql("begin; update stock.item set name = 'prepared' where id = 1; prepare transaction 'in the way'", "app")
        outcome = self.failed_with("SWAP_FAILED", running.go("before-swap").finish())
        self.assertIn("prepared", outcome.text)
        self.cluster.sql("rollback prepared 'in the way'", "app")
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        self.assert_holds(self.old, "app")
        self.assert_only_its_name_is_lacking(outcome)
        self.cluster.sql(f"insert into stock.sale (item, at) values (1, now())", "app")  # and it is open for clients

    def test_a_prepared_transaction_is_seen_before_anything_changes(self):
        self.cluster.sql("begin; update stock.item set name = 'prepared' where id = 1; prepare transaction 'in the way'", "app")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--confirm")
        self.assertIn("prepared", outcome.text)
        self.assert_nothing_left()

    def test_a_name_that_is_taken_meanwhile_is_not_overwritten(self):
        self.cluster.drop_database("app")
        running = self.start("restore", "database", "app", "--confirm", "--json", pause=["before-swap"]).wait_for("before-swap")
        self.cluster.create_database("app", contents="create table somebody_elses (a int)")
        outcome = running.go("before-swap").finish()
        self.assertIn(outcome.error["code"], ("SWAP_FAILED", "TARGET_EXISTS"))
        self.failed_with(outcome.error["code"], outcome)
        self.assertEqual("0", self.cluster.value("select count(*) from somebody_elses", "app"))
        self.assert_only_its_name_is_lacking(outcome)

    def test_an_old_database_that_was_renamed_meanwhile_is_not_replaced(self):
        running = self.start("restore", "database", "app", "--confirm", "--json", pause=["before-swap"]).wait_for("before-swap")
        self.cluster.sql("alter database app rename to moved")
        self.cluster.create_database("app", contents="create table somebody_elses (a int)")
        outcome = running.go("before-swap").finish()
        self.assertNotEqual(0, outcome.code, "databases are remembered by OID, not by name")
        self.failed_with(outcome.error["code"], outcome)
        self.assert_holds(self.old, "moved")
        self.assertEqual("0", self.cluster.value("select count(*) from somebody_elses", "app"))
        self.assert_only_its_name_is_lacking(outcome)

    def test_a_logical_slot_that_appears_meanwhile_is_not_dropped(self):
        running = self.start("restore", "database", "app", "--confirm", "--json", pause=["before-swap"]).wait_for("before-swap")
        self.cluster.sql("select pg_create_logical_replication_slot('ours', 'test_decoding')", "app")
        outcome = running.go("before-swap").finish()
        self.assert_sane(outcome)
        slots = self.cluster.rows("select slot_name, database from pg_replication_slots")
        self.assertEqual(1, len(slots), f"the slot is still there: {outcome}")
        self.assertIsNotNone(self.cluster.database_of(self.oid), "and so is what it reads from")

    def test_a_live_subscription_serves_until_the_swap_and_is_disabled_in_the_kept_one(self):
        publisher = self.another_cluster(settings={"wal_level": "logical"})
        publisher.create_database("source", contents="create table fed (a int primary key); create publication p for table fed")
        self.cluster.sql("create table fed (a int primary key)", "app")
        backup = self.back_up()
        # Both servers run here: the slot is made there, and the subscription connects to it.
        conninfo = f"host={publisher.socket} port={publisher.port} user={publisher.superuser} dbname=source"
        self.cluster.sql(f"create subscription s connection '{conninfo}' publication p", "app")
        self.addCleanup(self.drop_subscription)

        def fed(database):
            return self.cluster.value("select count(*) from fed", database)

        publisher.sql("insert into fed values (1)", "source")
        wait_until(lambda: fed("app") == "1", "the row comes")
        for kill in (True, False):
            running = self.start("restore", "database", "app", "--from", backup, "--confirm", "--old", "keep", pause=["swap-open"])
            running.wait_for("swap-open")
            if kill:
                running.send(signal.SIGKILL).finish(30)
                publisher.sql("insert into fed values (2)", "source")
                wait_until(lambda: fed("app") == "2", "a kill did not disable it", 60)
                self.succeeds("cleanup", "--confirm")
                continue
            outcome = self.ended(running.go("swap-open").finish(), 0)
        self.assertIn("disabled: s", outcome.err)
        kept = self.cluster.database_of(self.oid)
        self.assertEqual("f", self.cluster.value("select subenabled from pg_subscription where subname = 's' and subdbid = "
                                                 f"{self.oid}", kept))  # fmt: skip
        publisher.sql("insert into fed values (3)", "source")
        self.assertEqual("2", fed(kept))
        self.assertEqual("1", publisher.value("select count(*) from pg_replication_slots", "source"))

    def drop_subscription(self):
        for name in self.cluster.user_databases():
            if self.cluster.rows("select 1 from pg_subscription s join pg_database d on d.oid = s.subdbid where datname = "
                                 "current_database()", name):  # fmt: skip
                self.cluster.sql("alter subscription s disable; alter subscription s set (slot_name = none); drop subscription s", name)

    def test_databases_that_let_nobody_in_or_are_templates_are_replaced_too(self):
        for properties in ("allow_connections false", "is_template true", "connection limit 0", "connection limit 1"):
            with self.subTest(properties):
                self.cluster.sql(f"alter database app with {properties}")
                self.succeeds("restore", "database", "app", "--confirm")
                self.assert_holds(self.original, "app")
                self.assert_nothing_left()
                self.assertEqual([["t", "f", "-1"]], self.cluster.rows(
                    "select datallowconn, datistemplate, datconnlimit from pg_database where datname = 'app'"))

    def test_keeping_twice_in_a_row_keeps_both(self):
        oids = [self.oid]
        for _ in range(3):
            self.succeeds("restore", "database", "app", "--confirm", "--old", "keep")
            oids.append(self.cluster.oid_of("app"))
        names = [self.cluster.database_of(oid) for oid in oids]
        self.assertEqual(4, len(set(names) - {None}), names)
        self.assertEqual(sorted(names), self.cluster.user_databases())
        # They are ours, so they are not in a backup, and cleanup removes them when told.
        document = self.succeeds("backup", "cluster", "--json").document
        self.assertEqual(sorted(name for name in names if name != "app"), sorted(document["debris"]))
        listed = self.succeeds("cleanup", "--kept", "--json").document
        self.assertFalse(listed["executed"])
        self.assertEqual(sorted(names), self.cluster.user_databases())
        self.succeeds("cleanup", "--confirm")
        self.assertEqual(sorted(names), self.cluster.user_databases(), "without --kept they stay")
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(["app"], self.cluster.user_databases())

    def test_an_old_one_that_was_put_back_is_nobodys_debris(self):
        self.cluster.sql("comment on database app is 'it''s precious'")
        self.succeeds("restore", "database", "app", "--confirm", "--old", "keep")
        kept = self.cluster.database_of(self.oid)
        self.cluster.sql(f'alter database app rename to app_restored; alter database "{kept}" rename to app')
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        [item] = self.succeeds("cleanup", "--kept", "--confirm", "--json").document["leftovers"]
        self.assertFalse(item["removed"])
        self.assertEqual(self.oid, self.cluster.oid_of("app"), "it lives")
        document = self.succeeds("backup", "cluster", "--json").document
        self.assertEqual([], document["debris"], "and is backed up")
        self.assertIn("app", [database["name"] for database in document["databases"]])
        self.assert_holds(self.old, "app")
        self.cluster.sql(re.search(r"COMMENT ON DATABASE .*;$", item["reason"])[0])
        self.assertEqual("it's precious", self.cluster.value(
            f"select shobj_description(oid, 'pg_database') from pg_database where oid = {self.oid}"))
        self.assertEqual([], self.succeeds("cleanup", "--kept", "--json").document["leftovers"])

    def test_the_old_ones_comment_and_rights_stay_with_it(self):
        self.cluster.sql("comment on database app is 'precious'; create role visitor login; "
                         "revoke connect on database app from public; grant connect on database app to visitor; "
                         "alter database app set work_mem = '9MB'; alter role visitor in database app set work_mem = '8MB'")  # fmt: skip
        self.succeeds("restore", "database", "app", "--confirm", "--old", "keep")
        kept = self.cluster.database_of(self.oid)
        self.assertIn("precious", self.cluster.value(
            f"select shobj_description(oid, 'pg_database') from pg_database where oid = {self.oid}"))
        settings = self.cluster.value(f"select count(*) from pg_db_role_setting where setdatabase = {self.oid}")
        self.assertEqual("2", settings)
        self.assertEqual("1", self.cluster.sql("select 1", kept, role="visitor"))
        # What the backup says of `app` counts, and not what was granted since.
        self.assertIsNone(self.cluster.value("select datacl from pg_database where datname = 'app'"))
        self.assertIsNone(self.cluster.value(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = 'app'"))
        self.cluster.sql(f"comment on database {identifier(kept)} is null")


if __name__ == "__main__":
    unittest.main()
