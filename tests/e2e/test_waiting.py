"""A restore that waits for somebody else's lock says so, says for whom, and does not wait for ever."""

from support.case import EndToEnd
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.waiting import wait_until


class Waiting(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.original = database_picture(self.cluster, "app")
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        self.old = database_picture(self.cluster, "app")
        self.oid = self.cluster.oid_of("app")

    def somebody_holds_the_database(self):
        """Not connected to it, so that no swap ends the session."""
        holder = self.session("postgres", application_name="console")
        holder.run("begin; comment on database app is 'of a transaction that does not end'")
        return holder

    def notices(self, running, kind):
        return [event for event in running.events() if event.get("kind") == kind]

    def told(self, running, kind, seconds=30):
        """The first notice of that kind."""
        return wait_until(lambda: self.notices(running, kind), f"{kind} is told", seconds)[0]

    def waiting_restore(self, *argv):
        running = self.start("restore", "database", "app", "--confirm", "--json", "--progress", "json", *argv,
                             pause=["before-swap"]).wait_for("before-swap")  # fmt: skip
        holder = self.somebody_holds_the_database()
        running.go("before-swap")
        return running, holder

    def test_who_holds_up_the_swap_is_told_until_the_lock_is_there(self):
        running, holder = self.waiting_restore("--lock-timeout", "12")
        first = self.told(running, "lock-wait")
        self.assertRegex(first["text"], r"^Waiting for exclusive lock \(\d+ seconds\): database app in postgres, held by process ")
        self.assertIn(f"process {holder.pid} (user postgres, application \"console\", idle in transaction", first["text"])
        self.assertIn("comment on database app is", first["text"])
        near = self.told(running, "lock-timeout-near")
        self.assertRegex(near["text"], r"^Lock wait timeout approaching \((8|9|10|11)/12 seconds\)")
        self.assertIn(str(holder.pid), near["text"])
        holder.run("rollback")
        self.ended(running.finish(), 0)
        self.assertTrue(self.notices(running, "lock-acquired")[0]["text"].startswith("Lock acquired, proceeding with restore"))
        kinds = [event["kind"] for event in running.events() if event.get("kind", "").startswith("lock-")]
        in_order = [kind for i, kind in enumerate(kinds) if kinds[i - 1 : i] != [kind]]
        self.assertEqual(["lock-wait", "lock-timeout-near", "lock-acquired"], in_order)
        shown = [event["waiting"] for event in running.events() if event.get("waiting")]
        self.assertIn(f"waiting for a lock held by process {holder.pid}", shown[0])
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()

    def test_a_lock_that_does_not_come_ends_it_with_the_holder_named(self):
        running, holder = self.waiting_restore("--lock-timeout", "3")
        outcome = self.failed_with("LOCK_TIMEOUT", running.finish())
        self.assertIn(f"process {holder.pid} (user postgres", outcome.error["cause"])
        self.assertIn(f"SELECT pg_terminate_backend({holder.pid});", " ".join(outcome.error["solution"]))
        self.assertEqual([], self.notices(running, "lock-acquired"))
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        self.assert_holds(self.old, "app")
        holder.run("rollback")
        self.succeeds("cleanup", "--confirm")  # what lacks only its name stays until then
        self.assert_nothing_left()

    def test_a_table_that_somebody_reads_and_another_waits_for_shows_the_whole_chain(self):
        running = self.start("restore", "table", "app", "stock.item", "--replace", "--confirm", "--json", "--debug-locks",
                             "--progress", "json", "--lock-timeout", "4", pause=["before-move"]).wait_for("before-move")  # fmt: skip
        reader = self.session("app", application_name="report")
        reader.run("begin; select count(*) from stock.item")
        changer = self.session("app", application_name="migration")
        changer.send("alter table stock.item add column more int")
        wait_until(lambda: self.cluster.rows(f"select 1 where cardinality(pg_blocking_pids({changer.pid})) > 0"), "it waits")
        outcome = self.failed_with("LOCK_TIMEOUT", running.go("before-move").finish())
        self.assertIn(f"process {changer.pid} ", outcome.error["cause"])
        lines = [event["text"] for event in self.notices(running, "locks")]
        self.assertTrue([line for line in lines if line.startswith("lock table: ") and "max_locks_per_transaction" in line])
        self.assertTrue([line for line in lines if line.startswith(f"process {changer.pid} waits for process {reader.pid} ")],
                        lines)  # fmt: skip
        self.assertTrue([line for line in lines if line.startswith("session ")])
        reader.run("rollback")
        self.assert_nothing_left()

    def test_without_anybody_in_the_way_nothing_is_said_of_locks(self):
        running = self.start("restore", "database", "app", "--confirm", "--json", "--progress", "json")
        self.ended(running.finish(), 0)
        self.assertEqual([], [event["text"] for event in running.events() if "lock" in event.get("kind", "")])
