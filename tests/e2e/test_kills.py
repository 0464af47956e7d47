"""SIGKILL at every step: the old database is untouched, and the next run or cleanup removes what is left."""

import os
import signal
import subprocess
import time
import unittest

from support.case import EndToEnd
from support.contents import SLOW_ELSEWHERE, SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.steps import AFTER_SWAP, OF_BACKUP, OF_RESTORE
from support.waiting import wait_until

# `./dev test --long` goes on for as long as ctest lets a file run.
LONG_SECONDS = 360 if os.environ.get("DBBACKUP_TEST_LONG") else 0


class Killed(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.original = database_picture(self.cluster, "app")

    def killed_at(self, step, *argv):
        running = self.start(*argv, pause=[step]).wait_for(step)
        running.send(signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, running.finish(30).code)
        # Children go with their parent; sessions end when the server notices.
        wait_until(lambda: not self.tool.processes_left(), f"children end: {self.tool.processes_left()}", 10)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)

    def test_a_backup_killed_at_every_step_is_no_backup_and_harms_none(self):
        good = self.back_up()
        for step in OF_BACKUP:
            with self.subTest(step=step):
                self.killed_at(step, "backup", "cluster")
                backups = self.succeeds("list", "--json").document["backups"]
                self.assertEqual([good], [backup["id"] for backup in backups])
                self.assert_repository_sound()
        second = self.back_up()
        self.cluster.drop_database("app")
        self.succeeds("restore", "database", "app", "--from", second, "--confirm")
        self.assert_holds(self.original, "app")

    def test_a_restore_killed_at_every_step_leaves_the_old_or_the_new_database_whole(self):
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        old = database_picture(self.cluster, "app")
        for number, step in enumerate(OF_RESTORE):
            with self.subTest(step=step):
                oid = self.cluster.oid_of("app")
                self.killed_at(step, "restore", "cluster", "latest", "--confirm")
                if step in AFTER_SWAP:
                    self.assertNotEqual(oid, self.cluster.oid_of("app"))
                    self.assert_holds(self.original, "app")
                else:
                    self.assertEqual(oid, self.cluster.oid_of("app"))
                    self.assert_holds(old, "app")
                if number % 2:
                    self.succeeds("cleanup", "--kept", "--confirm")
                else:
                    self.succeeds("restore", "cluster", "latest", "--confirm")
                    self.assert_holds(self.original, "app")
                    self.assert_only_kept_ones_left()
                    self.succeeds("cleanup", "--kept", "--confirm")
                self.assertEqual(["app"], self.cluster.user_databases())
                if database_picture(self.cluster, "app") == self.original:
                    self.cluster.sql(SOMETHING_NEWER, "app")
        self.remove_temporary_files()
        self.assert_repository_sound()

    def assert_only_kept_ones_left(self):
        """A killed run may leave an old database under its new name: that one is a person's to remove."""
        for name in self.cluster.marked_databases():
            self.assertIn("_before_", name)

    def remove_temporary_files(self):
        """SIGKILL gives nobody the time to remove them; they are few and in the folder for such."""
        self.assertLess(len(self.tool.temporary_files_left()), 100)

    def test_a_run_killed_while_it_builds_an_index_leaves_no_statement_running(self):
        self.cluster.sql(SLOW_ELSEWHERE + "create table indexed as select 1 as a; create index on indexed (slow(a))", "app")
        self.back_up()
        running = self.start("restore", "database", "app", "--confirm")
        wait_until(lambda: self.cluster.rows("select 1 from pg_stat_activity where wait_event = 'PgSleep'"),
                   "the index is built", 60)  # fmt: skip
        running.send(signal.SIGKILL).finish(30)
        wait_until(lambda: not self.cluster.rows("select 1 from pg_stat_activity where wait_event = 'PgSleep'"),
                   "the server ends the statement", 30)  # fmt: skip
        self.succeeds("cleanup", "--confirm")
        self.assertEqual(["app"], self.cluster.user_databases())

    def test_many_kills_at_random_moments_never_harm_a_committed_backup_or_the_old_database(self):
        self.back_up()
        rounds, begun = 0, time.monotonic()
        while rounds < 12 or time.monotonic() - begun < LONG_SECONDS:
            rounds += 1
            argv = self.random.choice([["backup", "cluster"], ["restore", "cluster", "latest", "--confirm"]])
            running = self.start(*argv)
            try:
                running._process.wait(self.random.uniform(0.05, 1.2))
            except subprocess.TimeoutExpired:
                running.send(signal.SIGKILL)
            running.finish(30)
            self.assert_holds(self.original, "app")
        wait_until(lambda: not self.tool.processes_left(), "children end", 10)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
        self.assert_repository_sound()
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(["app"], self.cluster.user_databases())


if __name__ == "__main__":
    unittest.main()
