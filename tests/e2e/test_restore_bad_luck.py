"""What can go wrong while a restore runs. The old databases are what they were, by OID and content."""

import shutil
import signal
import unittest

from support.case import EndToEnd
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.waiting import wait_until


class OldOnesStay(EndToEnd):
    """Two databases, a backup of them, and something newer in each, which a failed restore must not lose."""

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.cluster.create_database("shop", "template app")
        self.original = database_picture(self.cluster, "app")
        self.backup = self.back_up()
        for name in ("app", "shop"):
            self.cluster.sql(SOMETHING_NEWER, name)
        self.remember()

    def remember(self):
        self.before = self.picture()
        self.oids = {name: self.cluster.oid_of(name) for name in self.cluster.databases()}

    def assert_untouched(self):
        self.assert_nothing_left()
        self.assertEqual(self.oids, {name: self.cluster.oid_of(name) for name in self.cluster.databases()})
        self.assert_same(self.before, self.picture())


class BrokenOff(OldOnesStay):
    def test_a_server_that_is_shut_down_in_the_middle_keeps_the_old_databases(self):
        for step in ("staging-created:app", "rows-done:app", "before-swap:app", "swap-open:app", "swapped:app"):
            with self.subTest(step=step):
                running = self.start("restore", "database", "app", "--confirm", "--json", pause=[step]).wait_for(step)
                self.cluster.sql("checkpoint")  # or recovery puts sequences some values ahead
                self.cluster.crash()
                running.go(step)
                outcome = running.finish()
                self.assert_sane(outcome)
                self.assertEqual([], self.tool.processes_left())
                self.assertEqual([], self.tool.temporary_files_left())
                self.cluster.start()
                # What could not be removed without a server is named, and goes with the next cleanup.
                for left in self.cluster.marked_databases():
                    self.assertIn(left, outcome.text)
                    self.assertIn("cleanup", outcome.text)
                self.succeeds("cleanup", "--kept", "--confirm")
                if step == "swapped:app":
                    self.assertIn(outcome.code, (0, 1), outcome)
                    self.assert_holds(self.original, "app")
                    self.assert_nothing_left()
                    continue
                code = outcome.error["code"]
                self.assertIn(code, ("CONNECTION_LOST", "CONNECTION_REFUSED"), outcome)
                self.failed_with(code, outcome)
                self.assert_untouched()
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_holds(self.original, "app")

    def test_the_next_restore_removes_what_a_broken_one_left(self):
        running = self.start("restore", "database", "app", "--confirm", pause=["rows-done:app"]).wait_for("rows-done:app")
        self.cluster.crash()
        running.go("rows-done:app").finish()
        self.cluster.start()
        self.assertNotEqual([], self.cluster.marked_databases())
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()

    def test_a_staging_database_whose_drop_was_interrupted_is_no_obstacle(self):
        """Since 15.4 and 16 it is marked as invalid, lets nobody in, and its files may be gone."""
        running = self.start("restore", "database", "app", "--confirm", pause=["rows-done:app"]).wait_for("rows-done:app")
        running.send(signal.SIGKILL).finish(30)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
        left = self.cluster.staging_database()
        shutil.rmtree(self.cluster.data / "base" / str(self.cluster.oid_of(left)))
        self.cluster.sql(f"update pg_database set datconnlimit = -2 where datname = '{left}'")
        self.succeeds("cleanup")
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()

    def test_connections_that_break_in_the_middle_never_cost_the_old_database(self):
        for comes_back in (True, False):
            with self.subTest(comes_back=comes_back):
                relay = self.relay()
                running = self.start("restore", "database", "app", "--confirm", "--json", pause=["rows-done:app"],
                                     env=relay.environment).wait_for("rows-done:app")  # fmt: skip
                relay.cut()
                if not comes_back:
                    relay.close()
                outcome = running.go("rows-done:app").finish()
                self.assert_sane(outcome)
                if outcome.code == 0:
                    self.assertTrue(comes_back)
                    self.assert_holds(self.original, "app")
                    self.cluster.sql(SOMETHING_NEWER, "app")
                    self.remember()
                    continue
                self.assertIn(outcome.error["code"], ("CONNECTION_LOST", "CONNECTION_REFUSED"), outcome)
                self.failed_with(outcome.error["code"], outcome)
                self.succeeds("cleanup", "--confirm")
                self.assert_untouched()

    def test_rows_that_break_a_constraint_fail_the_restore_with_the_servers_words(self):
        # A foreign key that the source breaks: triggers were off when the row came in.
        self.cluster.sql("set session_replication_role = replica; insert into stock.sale (item, at) values (-1, now())", "app")
        self.remember()
        backup = self.back_up("database", "app")
        outcome = self.tool.run("restore", "database", "app", "--from", backup, "--confirm", "--json")
        self.assertEqual("SERVER_ERROR", outcome.error["code"])
        self.failed_with(outcome.error["code"], outcome)
        self.assertIn("sale_item_fkey", outcome.text)
        self.assertEqual("23503", outcome.error["sqlstate"])
        self.assertEqual("FK CONSTRAINT stock.sale sale_item_fkey", outcome.error["context"]["Object"])
        self.assertIn("FOREIGN KEY (item) REFERENCES", outcome.error["context"]["Statement"])
        self.assert_untouched()

    def test_the_first_database_that_fails_ends_the_run_and_those_before_it_stay_restored(self):
        self.cluster.sql("insert into stock.sale (item, at, note) select 1, now(), repeat('y', 900) from generate_series(1, 9000)", "app")
        self.cluster.sql("set session_replication_role = replica; insert into stock.sale (item, at) values (-1, now())", "shop")
        good = database_picture(self.cluster, "app")
        self.remember()
        backup = self.back_up()
        self.cluster.sql("truncate stock.sale", "app")
        outcome = self.tool.run("restore", "cluster", backup, "--confirm", "--json")
        self.assertNotEqual(0, outcome.code)
        self.failed_with(outcome.error["code"], outcome)
        states = {d["name"]: d for d in outcome.document["databases"]}
        self.assertTrue(states["app"]["restored"], "the largest comes first")
        self.assertFalse(states["shop"]["restored"])
        self.assert_holds(good, "app")
        self.assertEqual(self.oids["shop"], self.cluster.oid_of("shop"))
        self.assert_holds(self.before.databases["shop"], "shop")
        self.assert_nothing_left()

    def test_a_matview_whose_refresh_fails_makes_the_restore_incomplete(self):
        """Limit: materialized views: one that cannot be refreshed makes the restore incomplete (exit code 4); the old database is kept."""
        self.cluster.sql("""
            create table pick (a int); insert into pick values (1);
            create function fragile() returns int language sql stable as 'select a from public.pick';
            create function of_its_database() returns int language plpgsql stable as $$
              begin if current_database() <> 'app' then raise 'not here'; end if; return (select a from public.pick); end $$;
            create materialized view fragile_view as select of_its_database() as a""", "app")  # fmt: skip
        backup = self.back_up("database", "app")
        outcome = self.fails_with("RESTORE_INCOMPLETE", "restore", "database", "app", "--from", backup, "--as", "copy", "--confirm")
        self.assertIn("fragile_view", outcome.error["cause"])
        self.assertEqual("partial", outcome.document["status"])
        [database] = outcome.document["databases"]
        self.assertTrue(database["restored"] and database["proven"] and not database["complete"])
        self.assertIn("fragile_view", json_text(database["missing"]))
        self.assertEqual("1", self.cluster.value("select a from pick", "copy"))
        # In place: the old database has the rows that the new view lacks, and is not dropped.
        outcome = self.fails_with("RESTORE_INCOMPLETE", "restore", "database", "app", "--from", backup, "--confirm")
        kept = outcome.document["databases"][0]["kept_as"]
        self.assertEqual("1", self.cluster.value("select a from fragile_view", kept))
        self.assertEqual("f", self.cluster.value("select relispopulated from pg_class where relname = 'fragile_view'", "app"))

    def test_without_refreshes_and_without_such_views_it_is_complete(self):
        self.cluster.sql("create materialized view odd as select 1 / (select count(*) filter (where item < 0) from stock.sale) as a with no data", "app")
        backup = self.back_up("database", "app")
        for option in ([], ["--no-refresh"]):
            outcome = self.succeeds("restore", "database", "app", "--from", backup, "--confirm", "--json", *option)
            self.assertEqual("complete", outcome.document["status"])
            self.assertTrue(outcome.document["databases"][0]["complete"])

    def test_a_foreign_server_that_is_away_does_not_fail_a_restore(self):
        """Limit: inheritance: a parent with foreign children gets no statistics, since ANALYZE would ask their servers; a warning says so."""
        self.cluster.sql("""
            create extension postgres_fdw; create server away foreign data wrapper postgres_fdw options (host '/nowhere', dbname 'x');
            create user mapping for postgres server away;
            create table parent (a int); insert into parent select generate_series(1, 500);
            create foreign table child (a int) inherits (parent) server away;
            create table rooted (a int) partition by range (a); create table rooted_1 partition of rooted for values from (1) to (9);
            create foreign table rooted_2 partition of rooted for values from (10) to (19) server away;
            insert into rooted values (5)""", "app")  # fmt: skip
        backup = self.back_up("database", "app")
        outcome = self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--confirm", "--json")
        said = json_text(outcome.document["databases"][0]["warnings"])
        self.assertIn("foreign children", said)
        self.assertNotIn("could not connect", said)
        # One that is asked all the same: by a materialized view.
        self.cluster.sql("create materialized view asks as select * from child with no data", "app")
        self.cluster.sql("update pg_class set relispopulated = true where relname = 'asks'", "app")
        backup = self.back_up("database", "app")
        outcome = self.fails_with("RESTORE_INCOMPLETE", "restore", "database", "app", "--from", backup, "--as", "second", "--confirm")
        self.assertIn("asks", outcome.error["cause"])

    def test_a_session_that_holds_a_lock_in_the_old_database_does_not_stop_the_restore(self):
        holder = self.session("app")
        holder.run("begin; lock table stock.item in access exclusive mode")
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_holds(self.original, "app")

    def test_somebody_elses_database_that_looks_like_ours_is_never_touched(self):
        self.cluster.create_database("dbbackup_staging_mine", contents="create table t (a int)")
        oid = self.cluster.oid_of("dbbackup_staging_mine")
        self.succeeds("restore", "database", "app", "--confirm")
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(oid, self.cluster.oid_of("dbbackup_staging_mine"))

    def test_cleanup_leaves_the_database_of_a_running_restore_alone(self):
        running = self.start("restore", "database", "app", "--confirm", pause=["rows-done:app"]).wait_for("rows-done:app")
        outcome = self.succeeds("cleanup", "--confirm", "--json")
        self.assertTrue(all(left["in_use"] and not left["removed"] for left in outcome.document["leftovers"]))
        self.ended(running.go("rows-done:app").finish(), 0)
        self.assert_holds(self.original, "app")

    def test_an_incomplete_backup_is_restored_with_its_gaps_named(self):
        self.cluster.sql("create role limited login; grant pg_read_all_data to limited")
        self.cluster.sql("create table secret (a int); alter table secret enable row level security; "
                         "insert into secret values (1)", "app")  # fmt: skip
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", "cluster", "-U", "limited")
        backup = outcome.document["id"]
        plan = self.succeeds("restore", "cluster", backup)
        self.assertIn("incomplete", plan.text)
        self.assertIn("secret", plan.text, "the plan names what is not in the backup")
        result = self.tool.run("restore", "database", "app", "--from", backup, "--as", "copy", "--confirm", "--json")
        self.assert_sane(result)
        self.assertIn(result.code, (0, 4), result)
        self.assertIn("secret", result.text, "and so does the result")
        self.assertEqual("2001", self.cluster.value("select count(*) from stock.item", "copy"))


class SystemDatabases(EndToEnd):
    def test_a_filled_system_database_is_skipped_unless_merging_is_told(self):
        self.init()
        self.cluster.sql("create table of_the_backup (a int); insert into of_the_backup values (1)")
        self.back_up()
        self.cluster.sql("drop table of_the_backup; create table of_the_living (a int)")
        text = self.succeeds("restore", "cluster", "latest", "--confirm").text
        self.assertIn("postgres", text)
        self.assertIn("skipped", text)
        self.assertEqual("of_the_living", self.cluster.value("select relname from pg_class where relname like 'of_the%'"))
        self.succeeds("restore", "cluster", "latest", "--confirm", "--system-databases", "merge")
        self.assertEqual("1", self.cluster.value("select a from of_the_backup"))
        self.assertEqual("1", self.cluster.value("select count(*) from pg_class where relname = 'of_the_living'"))

    def test_a_cluster_without_the_database_postgres_is_backed_up_and_restored(self):
        self.cluster.create_database("app", contents=SMALL)
        original = database_picture(self.cluster, "app")
        self.cluster.sql("drop database postgres with (force)", "template1")
        self.addCleanup(self.make_postgres_again)
        self.init()
        self.back_up()
        self.cluster.sql("drop database app", "template1")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.make_postgres_again()
        self.assert_holds(original, "app")

    def make_postgres_again(self):
        if not self.cluster.rows("select 1 from pg_database where datname = 'postgres'", "template1"):
            self.cluster.sql("create database postgres", "template1")


def json_text(value):
    return str(value)


if __name__ == "__main__":
    unittest.main()
