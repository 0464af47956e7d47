"""What a restore does about a database that fails: --on-error, --on-failed-db, --require-all, --min-success, lock exhaustion."""

import datetime
import json
import signal
import threading
import time
import unittest

from support.case import EndToEnd
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture

BAD_ROW = "set session_replication_role = replica; insert into stock.sale (item, at) values (-1, now())"


class Failing(EndToEnd):
    """Five databases, of which `bad` cannot be restored: a row of its breaks a foreign key."""

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("big", contents=SMALL + "insert into stock.sale (item, at, note) select 1, now(), repeat('y', 900) from generate_series(1, 9000);")
        self.cluster.create_database("a", contents=SMALL)
        for name in ("b", "c"):
            self.cluster.create_database(name, "template a")
        self.cluster.create_database("bad", "template a")
        self.cluster.sql(BAD_ROW, "bad")
        self.names = ["a", "b", "bad", "big", "c"]
        self.originals = {name: database_picture(self.cluster, name) for name in self.names}
        self.backup = self.back_up()
        for name in self.names:
            self.cluster.sql("set session_replication_role = replica;" + SOMETHING_NEWER, name)
        self.newer = {name: database_picture(self.cluster, name) for name in self.names}

    def restore(self, *argv, **options):
        return self.tool.run("restore", "cluster", self.backup, "--confirm", "--json", *argv, **options)

    def assert_outcome(self, outcome, restored):
        """Those are as in the backup, and the others as they were before the restore."""
        states = {one["name"]: one for one in outcome.document["databases"]}
        self.assertEqual(sorted(restored), sorted(name for name in self.names if states[name]["restored"]), outcome)
        for name in self.names:
            self.assert_holds((self.originals if name in restored else self.newer)[name], name)

    def manifest(self, outcome):
        with open(outcome.document["manifest"], encoding="utf-8") as file:
            return json.load(file)

    def test_stop_is_what_happens_by_default_and_the_person_reads_how_to_go_on(self):
        outcome = self.restore()
        self.failed_with("SERVER_ERROR", outcome)
        done = [one["name"] for one in outcome.document["databases"] if one["restored"]]
        self.assert_outcome(outcome, done)
        self.assertNotIn("bad", done)
        manifest = self.manifest(outcome)
        self.assertEqual(["bad"], manifest["failed"])
        self.assertEqual((7, len(done)), (manifest["total"], manifest["succeeded"]))
        self.assertEqual(7, len(done) + 1 + len(manifest["skipped"]))
        self.assertEqual(manifest["skipped"][0], manifest["continue_from"])
        self.assertIn("--resume-from-manifest " + outcome.document["manifest"], outcome.error["solution"][-1])
        self.assert_nothing_left()
        said = self.tool.run("restore", "cluster", self.backup, "--confirm").text
        for words in ("Restored:", "Failed: bad", "Not begun, or stopped:", "To continue: dbbackup restore cluster --resume-from-manifest"):
            self.assertIn(words, said)

    def test_continue_restores_the_others_and_ends_well_from_80_percent_on(self):
        for words in (["--continue-on-error"], ["--on-error", "continue", "--parallel-dbs", "3"]):
            outcome = self.ended(self.restore(*words), 0)
            self.assertEqual("partial", outcome.document["status"])
            self.assert_outcome(outcome, ["a", "b", "big", "c"])
            [bad] = [one for one in outcome.document["databases"] if one["name"] == "bad"]
            self.assertEqual(("post-data", "23503", "FK CONSTRAINT stock.sale sale_item_fkey"),
                             tuple(bad["failure"][field] for field in ("phase", "sqlstate", "object")))  # fmt: skip
            self.assertIn("FOREIGN KEY", bad["failure"]["statement"])
            with open(outcome.document["failure_report"], encoding="utf-8") as file:
                report = json.load(file)
            self.assertRegex(outcome.document["failure_report"], r"/cluster-restore-failures-\d{8}(-\d+)?\.json$")
            self.assertEqual(["bad"], [one["database"] for one in report["failures"]])
            self.assertEqual("23503", report["failures"][0]["sqlstate"])
            self.assert_nothing_left()
            for name in self.names:
                if name != "bad":
                    self.cluster.sql("set session_replication_role = replica;" + SOMETHING_NEWER, name)

    def test_require_all_and_min_success_make_it_a_failure(self):
        outcome = self.failed_with("RESTORE_INCOMPLETE", self.restore("--continue-on-error", "--require-all"))
        self.assertEqual("cluster restore completed with 1 failure: bad", outcome.error["message"])
        self.assert_outcome(outcome, ["a", "b", "big", "c"])
        outcome = self.failed_with("RESTORE_INCOMPLETE", self.restore("--continue-on-error", "--min-success", "90"))
        self.assertIn("4 of 5 databases were restored (80 %)", outcome.error["cause"])
        self.ended(self.restore("--continue-on-error", "--min-success", "80"), 0)
        # Empty ones of the system do not make up for those of users.
        for name in ("b", "c"):
            self.cluster.drop_database(name)
        self.backup = self.back_up()
        outcome = self.failed_with("RESTORE_INCOMPLETE", self.restore("--continue-on-error"))
        self.assertIn("2 of 3 databases were restored (66 %)", outcome.error["cause"])

    def test_retries_go_on_where_it_failed_and_are_counted(self):
        outcome = self.ended(self.restore("--on-error", "retry:2"), 0)
        [bad] = [one for one in outcome.document["databases"] if one["name"] == "bad"]
        self.assertEqual(3, bad["failure"]["attempts"])
        said = self.succeeds("restore", "cluster", self.backup, "--confirm", "--on-error", "retry:1").err
        self.assertIn("attempt 1 of 2", said)
        self.assertIn("going on with what was restored before", said)

    def test_a_failed_database_is_kept_and_gone_on_with(self):
        outcome = self.ended(self.restore("--continue-on-error", "--on-failed-db", "keep"), 0)
        [left] = self.cluster.marked_databases()
        [bad] = [one for one in outcome.document["databases"] if one["name"] == "bad"]
        self.assertEqual(left, bad["failure"]["left_as"])
        # Neither another restore nor a plain cleanup takes it.
        self.cluster.sql("create table t (a int)", "a")
        self.succeeds("restore", "database", "a", "--from", self.backup, "--confirm", "--report-dir", self.folder)
        self.succeeds("cleanup", "--confirm")
        self.assertEqual([left], self.cluster.marked_databases())
        # Mended there, the restore goes on in it, and the proof sees that it is not what was backed up.
        self.cluster.sql("delete from stock.sale where item = -1", left)
        resumed = self.tool.run("restore", "cluster", "--resume-from-manifest", outcome.document["manifest"], "--confirm", "--json",
                                "--on-failed-db", "drop", "--on-error", "stop")  # fmt: skip
        self.failed_with("PROOF_FAILED", resumed)
        self.assertIn("stock.sale", resumed.error["cause"])
        self.assert_nothing_left()
        self.assert_holds(self.newer["bad"], "bad")

    def test_a_failed_database_is_renamed_to_be_looked_into(self):
        today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
        for name in (f"bad_failed_{today}", f"bad_failed_{today}_2"):
            self.ended(self.restore("--continue-on-error", "--on-failed-db", "rename"), 0)
            self.assertIn(name, self.cluster.user_databases())
            self.assertEqual("1", self.cluster.value("select count(*) from stock.sale where item = -1", name))
        self.assertNotIn(f"bad_failed_{today}", self.back_up_names())
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(self.names, self.cluster.user_databases())

    def back_up_names(self):
        return [one["name"] for one in self.succeeds("backup", "cluster", "--json").document["databases"]]

    def test_together_means_all_or_none(self):
        outcome = self.failed_with("RESTORE_FAILED", self.restore("--continue-on-error", "--swap", "together"))
        self.assert_outcome(outcome, [])
        kept = self.cluster.marked_databases()
        self.assertEqual(4, len(kept), "what is complete waits for another attempt")
        self.cluster.sql("delete from stock.sale where item = -1", "bad")
        # The backup stays as it is, so that `bad` fails again, and nothing is swapped.
        resumed = self.tool.run("restore", "cluster", "--resume-from-manifest", outcome.document["manifest"], "--confirm", "--json")
        self.failed_with("RESTORE_FAILED", resumed)
        self.succeeds("cleanup", "--confirm")
        self.cluster.drop_database("bad")
        good = self.back_up()
        for name in ("a", "b", "big", "c"):
            self.cluster.sql("create table later (i int)", name)
        outcome = self.succeeds("restore", "cluster", good, "--confirm", "--json", "--swap", "together", "--parallel-dbs", "2")
        for name in ("a", "b", "big", "c"):
            self.assert_holds(self.newer[name], name)
        self.assert_nothing_left()

    def test_together_killed_before_the_commit_leaves_all_old_and_after_it_all_new(self):
        self.cluster.drop_database("bad")
        good = self.back_up()
        names = ["a", "b", "big", "c"]
        for name in names:
            self.cluster.sql("create table later (i int)", name)
        before = {name: database_picture(self.cluster, name) for name in names}
        for step, there in (("swap-open:b", before), ("swap-committed:b", self.newer)):
            running = self.start("restore", "cluster", good, "--confirm", "--swap", "together", pause=[step])
            running.wait_for(step).send(signal.SIGKILL).finish(30)
            for name in names:
                self.assert_holds(there[name], name)
            [manifest] = (self.tool.home / ".local/state/dbbackup").glob("restore-manifest-*.json")
            self.succeeds("restore", "cluster", "--resume-from-manifest", manifest, "--confirm")
            for name in names:
                self.assert_holds(self.newer[name], name)
            self.assert_nothing_left()
            manifest.unlink()
            for name in names:
                self.cluster.sql("create table later (i int)", name)

    def test_words_that_no_policy_knows_are_refused(self):
        for words in (["--on-error", "carry-on"], ["--on-error", "retry"], ["--on-error", "retry:0"], ["--on-error", "retry:x"],
                      ["--min-success", "101"], ["--on-failed-db", "burn"],
                      ["--on-error", "stop", "--continue-on-error"]):  # fmt: skip
            self.failed_with("USAGE", self.restore(*words))


class RefusedForThemselves(EndToEnd):
    """What the preflight refuses of one database is no reason to go without the others, when that was asked for."""

    settings = {"max_prepared_transactions": "2"}

    def test_a_database_that_is_refused_counts_as_failed_and_the_others_are_restored(self):
        self.init()
        for name in ("app", "shop", "store", "till", "vault"):
            self.cluster.create_database(name, contents="create table t as select 1 as a")
        backup = self.back_up()
        self.cluster.sql("create table later (i int)", "app")
        self.cluster.sql("begin; insert into t values (2); prepare transaction 'open'", "vault")
        self.addCleanup(self.cluster.sql, "rollback prepared 'open'", "vault")
        self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", backup, "--confirm")
        plan = self.succeeds("restore", "cluster", backup, "--continue-on-error")
        self.assertIn("counted as failed: vault", " ".join(plan.text.split()))
        outcome = self.succeeds("restore", "cluster", backup, "--continue-on-error", "--confirm", "--json")
        states = {one["name"]: one for one in outcome.document["databases"]}
        self.assertEqual(("PREFLIGHT_REFUSED", "preflight"), tuple(states["vault"]["failure"][field] for field in ("code", "phase")))
        self.assertIn("prepared transaction", states["vault"]["failure"]["message"])
        self.assertTrue(all(states[name]["restored"] for name in ("app", "shop", "store", "till")), outcome)
        self.assertFalse(self.cluster.rows("select 1 from pg_class where relname = 'later'", "app"))
        self.cluster.sql("rollback prepared 'open'", "vault")
        oid = self.cluster.oid_of("vault")
        self.succeeds("restore", "cluster", "--resume-from-manifest", outcome.document["manifest"], "--confirm")
        self.assertNotEqual(oid, self.cluster.oid_of("vault"))
        self.cluster.sql("begin; prepare transaction 'open'", "vault")  # for the cleanup

    def test_what_speaks_against_all_refuses_all(self):
        self.init()
        self.cluster.create_database("app")
        backup = self.back_up()
        self.cluster.sql("create role limited login")
        self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", backup, "--continue-on-error", "--confirm", "-U", "limited")


class LocksTaken(EndToEnd):
    """Somebody takes what is left of the lock table while a restore runs."""

    settings = {"max_locks_per_transaction": "10", "max_connections": "40", "max_prepared_transactions": "0"}

    def setUp(self):
        super().setUp()
        self.init()
        for name in ("app", "shop"):
            self.cluster.create_database(name, contents=SMALL)
        self.backup = self.back_up()
        for name in ("app", "shop"):
            self.cluster.sql(SOMETHING_NEWER, name)
        self.pictures = {name: database_picture(self.cluster, name) for name in ("app", "shop")}

    def held_with_the_lock_table_full(self, *argv):
        running = self.start("restore", "cluster", self.backup, "--confirm", "--parallel-dbs", "2", *argv,
                             pause=["pre-data-done:app", "locks-exhausted"]).wait_for("pre-data-done:app")  # fmt: skip
        hog = self.session()
        hog.run("begin")
        for step in (1000, 100, 10, 1):
            key = 0
            while "ERROR" not in hog.run(f"savepoint s; select pg_advisory_xact_lock({step}, i) from generate_series({key + 1}, {key + step}) i"):
                key += step
            hog.run("rollback to s")
        begun = time.monotonic()
        running.go("pre-data-done:app").wait_for("locks-exhausted", 60)
        self.assertLess(time.monotonic() - begun, 15, "everything in flight stops within seconds")
        return running, hog

    def test_what_is_left_is_restored_alone_and_arrives(self):
        running, hog = self.held_with_the_lock_table_full()
        hog.close()
        outcome = self.ended(running.go("locks-exhausted").finish(), 0)
        self.assertIn("LOCK_EXHAUSTION: ", outcome.err)
        self.assertIn("max_locks_per_transaction insufficient (error: ", outcome.err)
        self.assertIn("PostgreSQL locks insufficient - AUTO-ENABLING single-threaded mode", outcome.err)
        self.assertIn("going on with what was restored before", outcome.err)
        for name in ("app", "shop"):
            self.assertEqual("0", self.cluster.value("select count(*) from stock.item where id = 999999", name))
        self.assert_nothing_left()

    def test_if_they_stay_taken_it_fails_like_any_other_and_the_old_ones_stay(self):
        running, hog = self.held_with_the_lock_table_full("--json")
        running.go("locks-exhausted")
        leaving = threading.Timer(2, hog.close)  # so that what was built can be dropped
        leaving.start()
        outcome = running.finish()
        leaving.join()
        self.failed_with("LOCK_EXHAUSTION", outcome)
        self.assertTrue(outcome.error["message"].startswith("LOCK_EXHAUSTION: "), outcome)
        for name, picture in self.pictures.items():
            self.assert_holds(picture, name)
        self.assert_nothing_left()


class InPlace(EndToEnd):
    def test_in_place_drops_first_and_says_so(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        original = database_picture(self.cluster, "app")
        backup = self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        plan = self.succeeds("restore", "cluster", backup, "--in-place")
        self.assertIn("DROPPED FIRST", plan.text)
        running = self.start("restore", "cluster", backup, "--in-place", "--confirm", pause=["rows-done:app"]).wait_for("rows-done:app")
        self.assertNotIn("app", self.cluster.user_databases())
        outcome = running.go("rows-done:app").finish()
        self.ended(outcome, 0)
        self.assertIn("--in-place", outcome.err)
        self.assert_holds(original, "app")
        self.assert_nothing_left()

    def test_in_place_drops_nothing_for_a_backup_that_is_damaged(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        newer = database_picture(self.cluster, "app")
        for path in self.tool.repository_files("packs"):
            path.chmod(0o600)
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        self.fails_with("CORRUPTED_BACKUP", "restore", "cluster", "latest", "--in-place", "--confirm")
        self.assert_holds(newer, "app")

    def test_in_place_that_fails_says_what_is_gone_and_leaves_what_it_built(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.cluster.sql(BAD_ROW, "app")
        outcome = self.tool.run("restore", "cluster", self.back_up(), "--in-place", "--confirm", "--json")
        self.failed_with("SERVER_ERROR", outcome)
        self.assertIn("it is gone", json.dumps(outcome.error))
        self.assertNotIn("app", self.cluster.user_databases())
        [app] = [one for one in outcome.document["databases"] if one["name"] == "app"]
        self.assertEqual("2000", self.cluster.value("select count(*) from stock.item", app["failure"]["left_as"]))
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assert_nothing_left()

    def test_in_place_does_not_drop_what_the_backup_may_lack(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        other = self.another_cluster()
        other.create_database("app", contents="create table precious as select 1 as a")
        backup = self.back_up()
        self.fails_with("USAGE", "restore", "cluster", "latest", "--in-place", "--old", "keep")
        self.fails_with("USAGE", "restore", "cluster", "latest", "--in-place", "--swap", "together")
        argv = ["restore", "database", "app", "--from", backup, "--in-place", "-h", other.socket, "-p", other.port]
        refused = self.fails_with("PREFLIGHT_REFUSED", *argv, "--confirm")
        self.assertIn("another server", json.dumps(refused.document))
        self.assertEqual("1", other.value("select a from precious", "app"))
        self.succeeds(*argv, "--old", "drop", "--confirm")
        self.assert_holds(database_picture(self.cluster, "app"), "app", cluster=other)

    def test_rows_that_came_after_the_backup_are_counted_and_in_the_kept_one(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        backup = self.back_up()
        self.cluster.sql("insert into stock.item select 10000 + i, 'late', 0, null from generate_series(1, 37) i; create table fresh as select 1 as a", "app")
        outcome = self.succeeds("restore", "cluster", backup, "--old", "keep", "--confirm", "--json")
        [app] = [one for one in outcome.document["databases"] if one["name"] == "app"]
        self.assertEqual(["stock.item: 2,037 rows, 2,000 in the backup", "public.fresh: 1 rows, not in the backup"],
                         app["other_rows_in_old"])  # fmt: skip
        self.assertEqual("2037", self.cluster.value("select count(*) from stock.item", app["kept_as"]))
        self.assertGreater(app["swap_window_seconds"], 0)


if __name__ == "__main__":
    unittest.main()
