"""Others change tables while a backup runs: it is right, or it says that it is not, and it stops nobody."""

import subprocess
import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.pictures import database_picture
from support.waiting import wait_until

ATTEMPTS = 20  # more than anybody would try


class ConcurrentChanges(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL + """
            create table victim (id int primary key, v text); insert into victim select i, 'v' || i from generate_series(1, 1000) i;
            create table bystander as select * from victim""")  # fmt: skip

    def restored(self, backup, name="copy"):
        self.succeeds("restore", "database", "app", "--from", backup, "--as", name, "--confirm")
        return database_picture(self.cluster, name)

    def test_a_table_rewritten_between_snapshot_and_lock_is_not_saved_as_empty(self):
        for number, statement in enumerate([
            "truncate victim; insert into victim values (1, 'after the truncate')",
            "alter table victim alter id type bigint",
            "cluster victim using victim_pkey",
            "vacuum full victim",
            "drop table victim; create table victim (id int, v text); insert into victim values (2, 'another')",
        ]):  # fmt: skip
            with self.subTest(statement):
                running = self.start("backup", "database", "app", "--json", pause=["snapshot-taken:app"])
                running.wait_for("snapshot-taken:app")
                self.cluster.sql(statement, "app")
                after = database_picture(self.cluster, "app")
                outcome = self.ended(running.go("snapshot-taken:app").finish(), 0)
                self.assertEqual(after, self.restored(outcome.document["id"], f"copy{number}"))

    def test_a_sequence_that_is_renamed_or_dropped_meanwhile_does_not_fail_its_database(self):
        """Fidelity: sequences: those that are renamed, moved or dropped while the backup begins are as they are when it has begun."""
        self.cluster.sql("create sequence extra; create schema other; create table counted (id int default nextval('ticket'))", "app")
        for number, (step, statement) in enumerate([
            ("snapshot-taken:app", "alter sequence ticket rename to voucher"),
            ("schema-dumped:app", "alter sequence voucher set schema other"),
            ("schema-dumped:app", "drop sequence extra"),
        ]):  # fmt: skip
            with self.subTest(statement):
                running = self.start("backup", "database", "app", "--json", pause=[step]).wait_for(step)
                self.cluster.sql(statement, "app")
                after = database_picture(self.cluster, "app")
                outcome = self.ended(running.go(step).finish(), 0)
                self.assertEqual(after, self.restored(outcome.document["id"], f"sequence{number}"))
        running = self.start("backup", "database", "app", "--json", pause=["rows-begun:app"]).wait_for("rows-begun:app")
        before = database_picture(self.cluster, "app")
        self.cluster.sql("alter sequence other.voucher rename to late", "app")
        outcome = self.ended(running.go("rows-begun:app").finish(), 0)
        self.assertEqual(before, self.restored(outcome.document["id"], "late"))

    def test_the_same_between_schema_and_lock(self):
        for number, statement in enumerate([
            "truncate victim; insert into victim values (1, 'after the truncate')",
            "alter table victim add column w int default random() * 100",
            "drop table victim",
            "alter table victim rename to survivor",
        ]):  # fmt: skip
            with self.subTest(statement):
                running = self.start("backup", "database", "app", "--json", pause=["schema-dumped:app"])
                running.wait_for("schema-dumped:app")
                self.cluster.sql(statement, "app")
                after = database_picture(self.cluster, "app")
                outcome = self.ended(running.go("schema-dumped:app").finish(), 0)
                self.assertEqual(after, self.restored(outcome.document["id"], f"copy{number}"))
                self.cluster.sql("drop table if exists survivor, victim; create table victim (id int primary key, v text); "
                                 "insert into victim values (1, 'fresh')", "app")  # fmt: skip

    def test_a_table_that_is_rewritten_again_and_again_fails_its_database_after_a_few_attempts(self):
        steps = ["snapshot-taken:app", "schema-dumped:app"]
        running = self.start("backup", "cluster", "--json", pause=steps).wait_for(steps[0])
        attempts = 0
        while attempts < ATTEMPTS:
            attempts += 1
            running.pause.close_again(steps[1])
            running.go(steps[0]).wait_for(steps[1])
            running.pause.close_again(steps[0])
            self.cluster.sql("truncate victim", "app")
            running.go(steps[1])
            wait_until(lambda: running.pause.reached(steps[0]) or running.ended, "another attempt or the end", 90)
            if running.ended:
                break
        outcome = self.failed_with("BACKUP_INCOMPLETE", running.finish())
        self.assertGreater(attempts, 1, "it tries more than once")
        self.assertLess(attempts, ATTEMPTS, "and not for ever")
        [record] = [d for d in outcome.document["databases"] if d["name"] == "app"]
        self.assertEqual("failed", record["state"])
        self.assertTrue(record["error"].startswith("TABLE_CHANGED"), record)
        self.assertIn("victim", record["error"])

    def test_alone_such_a_database_is_an_error_of_its_own(self):
        steps = ["snapshot-taken:app", "schema-dumped:app"]
        running = self.start("backup", "database", "app", "--json", pause=steps).wait_for(steps[0])
        for _ in range(ATTEMPTS):
            running.pause.close_again(steps[1])
            running.go(steps[0]).wait_for(steps[1])
            running.pause.close_again(steps[0])
            self.cluster.sql("truncate victim", "app")
            running.go(steps[1])
            wait_until(lambda: running.pause.reached(steps[0]) or running.ended, "another attempt or the end", 90)
            if running.ended:
                break
        self.failed_with("TABLE_CHANGED", running.finish())
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])

    def test_changes_after_the_lock_wait_until_the_rows_are_read(self):
        before = database_picture(self.cluster, "app")
        running = self.start("backup", "database", "app", "--json", pause=["tables-locked:app"]).wait_for("tables-locked:app")
        other = self.session("app")
        other.send("truncate victim")
        blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'truncate%'"
        wait_until(lambda: self.cluster.rows(blocked), "the TRUNCATE waits")
        # Rows may be written all the same, and are not in the backup.
        self.cluster.sql("insert into bystander values (5000, 'too late'); update stock.item set price = 0", "app")
        outcome = self.ended(running.go("tables-locked:app").finish(), 0)
        self.assertEqual("", other.run("commit").replace("WARNING:  there is no transaction in progress", ""))
        self.assertEqual("0", self.cluster.value("select count(*) from victim", "app"), "it went through afterwards")
        self.assertEqual(before, self.restored(outcome.document["id"]))

    def test_a_statement_that_waits_for_us_does_not_make_our_workers_wait_for_it(self):
        """A worker that queued behind the TRUNCATE that queues behind our leader would wait for ever."""
        running = self.start("backup", "database", "app", "--json", "--jobs", "3", pause=["rows-begun:app", "tables-locked:app"])
        running.wait_for("tables-locked:app")
        others = [self.session("app") for _ in range(3)]
        for other, table in zip(others, ("victim", "bystander", "stock.sale")):
            other.send(f"lock table {table} in access exclusive mode" if table == "bystander" else f"truncate {table}")
        wait_until(lambda: len(self.cluster.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'")) >= 2, "they wait")
        running.go("tables-locked:app").go("rows-begun:app")
        outcome = self.ended(running.finish(60), 0)
        copy = self.restored(outcome.document["id"])
        self.assertTrue(copy)
        self.assertEqual("1000", self.cluster.value("select count(*) from victim", "copy"))

    def test_somebody_who_holds_an_exclusive_lock_is_named_when_the_wait_is_over(self):
        holder = self.session("app", application_name="the nightly batch")
        holder.run("begin; lock table stock.item in access exclusive mode")
        outcome = self.fails_with("LOCK_TIMEOUT", "backup", "database", "app", "--lock-wait-timeout", "1")
        self.assertIn("stock", outcome.text)
        self.assertTrue(str(holder.pid) in outcome.text or "the nightly batch" in outcome.text, outcome)
        cluster = self.fails_with("BACKUP_INCOMPLETE", "backup", "cluster", "--lock-wait-timeout", "1")
        [record] = [d for d in cluster.document["databases"] if d["name"] == "app"]
        self.assertEqual("failed", record["state"])
        self.assertTrue(record["error"].startswith("LOCK_TIMEOUT"), record)
        holder.run("rollback")
        self.back_up()

    def test_a_lock_that_is_given_up_in_time_only_delays_the_backup(self):
        holder = self.session("app")
        holder.run("begin; lock table stock.item in access exclusive mode; update stock.item set name = 'changed' where id = 1")
        running = self.start("backup", "database", "app", "--json")
        wait_until(lambda: self.cluster.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"), "it waits")
        holder.run("commit")
        outcome = self.ended(running.finish(), 0)
        backup = outcome.document["id"]
        self.restored(backup)
        # The snapshot may be from before the commit; what counts is that it is one state.
        self.assertIn(self.cluster.value("select name from stock.item where id = 1", "copy"), ("changed", "item 1"))

    def test_a_database_dropped_while_the_cluster_is_backed_up_does_not_stop_the_others(self):
        self.cluster.create_database("doomed", contents="create table t (a int)")
        running = self.start("backup", "cluster", "--json", "--parallel-dbs", "1", pause=["globals-saved"]).wait_for("globals-saved")
        self.cluster.drop_database("doomed")
        outcome = self.failed_with("BACKUP_INCOMPLETE", running.go("globals-saved").finish())
        states = {d["name"]: d["state"] for d in outcome.document["databases"]}
        self.assertEqual("failed", states["doomed"])
        self.assertEqual("complete", states["app"])

    def test_writers_all_the_time_do_not_disturb_and_the_backup_is_one_moment(self):
        # Two tables whose sums are equal in every committed state.
        self.cluster.sql("create table left_side (v bigint); create table right_side (v bigint); "
                         "insert into left_side values (0); insert into right_side values (0)", "app")  # fmt: skip
        script = self.folder / "move.sql"
        script.write_text("begin; update left_side set v = v + 1; update right_side set v = v + 1; commit;")
        bench = subprocess.Popen([str(self.cluster.bindir / "pgbench"), "-n", "-c", "2", "-T", "60", "-f", str(script)],
                                 env=self.cluster.environment("app"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            wait_until(lambda: int(self.cluster.value("select v from left_side", "app")) > 10, "writers write")
            for number in range(3):
                backup = self.back_up("database", "app")
                self.restored(backup, f"moment{number}")
                self.assertEqual(self.cluster.value("select v from left_side", f"moment{number}"),
                                 self.cluster.value("select v from right_side", f"moment{number}"))  # fmt: skip
        finally:
            bench.terminate()
            bench.wait()


if __name__ == "__main__":
    unittest.main()
