"""A hot standby as the source: replay held still where asked, and set going again whatever happens."""

import signal
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.contents import SMALL
from support.waiting import wait_until

STATE = "select pg_get_wal_replay_pause_state()" if MAJOR >= 14 else (
    "select case when pg_is_wal_replay_paused() then 'paused' else 'not paused' end")  # fmt: skip


class Standby(EndToEnd):
    settings = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}

    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL)
        self.standby = self.another_cluster(
            standby_of=self.cluster,
            settings={**self.settings, "max_standby_streaming_delay": "0", "hot_standby_feedback": "off"})  # fmt: skip
        self.tool.talk_to(self.standby)
        self.init()
        self.catch_up()

    def catch_up(self):
        lsn = self.cluster.value("select pg_current_wal_insert_lsn()")
        wait_until(lambda: self.standby.value(f"select pg_last_wal_replay_lsn() >= '{lsn}'") == "t", "the standby follows")

    def state(self):
        return self.standby.value(STATE)

    def test_what_the_primary_does_meanwhile_harms_nothing_while_replay_is_paused(self):
        before = self.picture(databases=["app"])
        running = self.start("backup", "cluster", "--pause-replay", "--json", pause=["tables-locked:app"])
        running.wait_for("tables-locked:app")
        self.assertEqual("paused", self.state())
        self.cluster.sql("drop table stock.sale cascade; delete from stock.item; vacuum stock.item", "app")
        outcome = self.ended(running.go("tables-locked:app").finish(), 0)
        self.assertTrue(outcome.document["from_standby"])
        self.assertEqual("not paused", self.state())
        self.catch_up()
        self.assertEqual("0", self.standby.value("select count(*) from stock.item", "app"))
        self.tool.talk_to(self.cluster)
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_same(before, self.picture(databases=["app"]))

    def test_without_it_a_recovery_conflict_is_explained(self):
        running = self.start("backup", "database", "app", "--json", pause=["tables-locked:app"]).wait_for("tables-locked:app")
        self.cluster.sql("drop table stock.sale cascade", "app")
        wait_until(lambda: self.standby.value(
            "select sum(confl_lock) > 0 from pg_stat_database_conflicts") == "t", "replay ends the session")  # fmt: skip
        outcome = self.failed_with("SERVER_ERROR", running.go("tables-locked:app").finish())
        self.assertIn("conflict", outcome.error["message"] + outcome.error["cause"])
        self.assertIn("--pause-replay", "\n".join(outcome.error["solution"]))
        self.assert_nothing_left(self.standby)

    def test_a_promotion_in_between_changes_nothing_of_what_is_backed_up(self):
        """Fidelity: standbys: a standby that is promoted while it is read is backed up as it was before."""
        before = self.picture(databases=["app"])
        running = self.start("backup", "cluster", "--pause-replay", "--json", pause=["tables-locked:app"]).wait_for("tables-locked:app")
        self.standby.sql("select pg_promote(false)")
        wait_until(lambda: self.standby.value("select pg_is_in_recovery()") == "f", "the standby is promoted", 60)
        self.standby.sql("delete from stock.sale; vacuum stock.sale", "app")
        self.ended(running.go("tables-locked:app").finish(), 0)
        self.assertEqual("0", self.standby.value("select count(*) from stock.sale", "app"))
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_same(before, self.picture(databases=["app"], cluster=self.standby))

    def test_replay_goes_on_after_a_signal_and_after_an_error(self):
        running = self.start("backup", "cluster", "--pause-replay", pause=["replay-paused"]).wait_for("replay-paused")
        self.assertEqual("paused", self.state())
        running.send(signal.SIGINT)
        running.go("replay-paused")
        self.ended(running.finish(), 130)
        self.assertEqual("not paused", self.state())
        running = self.start("backup", "cluster", "--pause-replay", pause=["rows-begun:app"]).wait_for("rows-begun:app")
        running.send(signal.SIGTERM)
        running.go("rows-begun:app")
        self.ended(running.finish(), 130)
        self.assertEqual("not paused", self.state())
        self.tool.run("backup", "database", "app", "--pause-replay", "--schema", "nowhere")
        self.assertEqual("not paused", self.state())

    def test_replay_that_was_paused_before_stays_so(self):
        self.standby.sql("select pg_wal_replay_pause()")
        wait_until(lambda: self.state() == "paused", "replay pauses")
        outcome = self.succeeds("backup", "cluster", "--pause-replay")
        self.assertIn("stays so", outcome.err)
        self.assertEqual("paused", self.state())

    def test_replay_that_a_killed_backup_left_paused_goes_on_with_the_next_run(self):
        for resumes in (["backup", "cluster"], ["cleanup", "--confirm"]):
            running = self.start("backup", "cluster", "--pause-replay", pause=["rows-begun:app"]).wait_for("rows-begun:app")
            [left] = self.succeeds("cleanup", "--confirm", "--json").document["leftovers"]
            self.assertEqual(("paused replay", True, False), (left["kind"], left["in_use"], left["removed"]))
            running.send(signal.SIGKILL).finish(30)
            wait_until(lambda: not self.standby.sessions_of_dbbackup(), "sessions end", 30)
            self.assertEqual("paused", self.state())
            self.assertIn("paused by a backup that was killed", self.tool.run("doctor").text)
            self.succeeds(*resumes)
            self.assertEqual("not paused", self.state())
        self.assertEqual([], self.succeeds("cleanup", "--json").document["leftovers"])

    def test_a_pause_that_is_somebody_elses_is_told_and_left(self):
        running = self.start("backup", "cluster", "--pause-replay", pause=["rows-begun:app"]).wait_for("rows-begun:app")
        running.send(signal.SIGKILL).finish(30)
        self.standby.sql("select pg_wal_replay_resume()")
        self.cluster.sql("create table later (a int)", "app")
        self.catch_up()
        self.standby.sql("select pg_wal_replay_pause()")
        wait_until(lambda: self.state() == "paused", "replay pauses")
        wait_until(lambda: not self.standby.sessions_of_dbbackup(), "sessions end", 30)
        self.assertIn("SELECT pg_wal_replay_resume()", self.succeeds("backup", "cluster").err)
        [left] = self.succeeds("cleanup", "--confirm", "--json").document["leftovers"]
        self.assertFalse(left["removed"])
        self.assertEqual("paused", self.state())

    def test_a_role_that_may_not_pause_is_told_the_grant(self):
        self.cluster.sql("create role limited login")
        self.catch_up()
        outcome = self.fails_with("PERMISSION_DENIED", "backup", "cluster", "--pause-replay", "-U", "limited")
        self.assertIn("pg_wal_replay_resume() TO limited", "\n".join(outcome.error["solution"]))
        self.assertEqual("not paused", self.state())

    def test_unlogged_tables_are_listed(self):
        self.cluster.sql("create unlogged table scratch (a serial); insert into scratch default values", "app")
        self.catch_up()
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", "database", "app")
        left_out = "\n".join(outcome.document["databases"][0]["left_out"])
        self.assertIn("rows of table public.scratch: it is unlogged", left_out)
        self.tool.talk_to(self.cluster)
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assertEqual("0", self.cluster.value("select count(*) from scratch", "copy"))

    def test_what_needs_the_other_kind_of_server_is_refused(self):
        self.assertIn("standby", self.fails_with("USAGE", "backup", "cluster", "--serializable-deferrable").error["message"])
        self.tool.talk_to(self.cluster)
        self.assertIn("primary", self.fails_with("USAGE", "backup", "cluster", "--pause-replay").error["message"])


if __name__ == "__main__":
    unittest.main()
