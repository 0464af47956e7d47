"""Ctrl+C and SIGTERM at every step: exit code 130, nothing of ours left, the old databases as they were."""

import os
import pty
import signal
import unittest

from support.case import EndToEnd
from support.contents import SLOW_ELSEWHERE, SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.steps import AFTER_SWAP, OF_BACKUP, OF_RESTORE
from support.waiting import wait_until

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Cancelled(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)

    def cancelled_at(self, step, number, *argv):
        running = self.start(*argv, "--json", pause=[step]).wait_for(step)
        return running.send(number).finish(seconds=30)

    def test_a_backup_ends_at_every_step_and_leaves_no_backup(self):
        good = self.back_up()
        for step in OF_BACKUP:
            for number in SIGNALS:
                with self.subTest(step=step, signal=number.name):
                    self.failed_with("CANCELLED", self.cancelled_at(step, number, "backup", "cluster"))
                    self.assert_nothing_left()
                    backups = self.succeeds("list", "--json").document["backups"]
                    self.assertEqual([good], [backup["id"] for backup in backups])
        self.assert_repository_sound()
        self.back_up()

    def test_a_restore_ends_at_every_step_and_the_old_database_is_what_it_was(self):
        original = database_picture(self.cluster, "app")
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        before, oid = database_picture(self.cluster, "app"), self.cluster.oid_of("app")
        for step in OF_RESTORE:
            for number in SIGNALS:
                with self.subTest(step=step, signal=number.name):
                    outcome = self.cancelled_at(step, number, "restore", "cluster", "latest", "--confirm")
                    # At "swap-open" the commit may be on its way already.
                    if step in AFTER_SWAP or (step == "swap-open:app" and oid != self.cluster.oid_of("app")):
                        self.assert_new_one_in_place(outcome, original)
                        self.cluster.sql(SOMETHING_NEWER, "app")
                        before, oid = database_picture(self.cluster, "app"), self.cluster.oid_of("app")
                    else:
                        self.failed_with("CANCELLED", outcome)
                        self.assert_nothing_left()
                        self.assertEqual(oid, self.cluster.oid_of("app"))
                        self.assert_holds(before, "app")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_holds(original, "app")
        self.assert_repository_sound()

    def assert_new_one_in_place(self, outcome, original):
        """After the swap a signal comes too late to take it back: what is there is whole, and what is left is named."""
        self.assert_sane(outcome)
        self.assertIn(outcome.code, (0, 130), outcome)
        self.assert_holds(original, "app")
        for left in self.cluster.marked_databases():
            self.assertIn(left, outcome.text, "an old database that is still there is named")
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assert_nothing_left()

    def test_a_restore_to_a_new_name_leaves_nothing_of_that_name(self):
        self.back_up()
        for step in ("staging-created", "rows-done", "swap-open"):
            with self.subTest(step=step):
                outcome = self.cancelled_at(step, signal.SIGTERM, "restore", "database", "app", "--as", "new", "--confirm")
                if step == "swap-open" and "new" in self.cluster.user_databases():
                    self.assert_sane(outcome)  # the commit was on its way already
                    self.cluster.drop_database("new")
                else:
                    self.failed_with("CANCELLED", outcome)
                self.assert_nothing_left()
                self.assertEqual(["app"], self.cluster.user_databases())

    def test_a_wait_for_a_lock_ends_at_once(self):
        holder = self.session("app")
        holder.run("begin; lock table stock.item in access exclusive mode")
        running = self.start("backup", "cluster", "--json")
        wait_until(lambda: self.cluster.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"), "it waits")
        self.failed_with("CANCELLED", running.send(signal.SIGINT).finish(seconds=30))
        self.assert_nothing_left()

    def test_a_long_statement_on_the_server_ends_at_once(self):
        self.cluster.sql(SLOW_ELSEWHERE + "create table checked (a int check (slow(a) = a)); insert into checked values (1)", "app")
        self.back_up()
        running = self.start("restore", "database", "app", "--confirm", "--json")
        wait_until(lambda: self.cluster.rows("select 1 from pg_stat_activity where wait_event = 'PgSleep'"), "rows are loaded", 60)
        self.failed_with("CANCELLED", running.send(signal.SIGTERM).finish(seconds=30))
        self.assert_nothing_left()
        self.assertEqual("app", self.cluster.value("select datname from pg_database where datname = 'app'"))

    def test_the_second_ctrl_c_ends_the_program_at_once(self):
        # A server that answers nothing any more: its processes are stopped.
        running = self.start("backup", "cluster", pause=["rows-begun:app"]).wait_for("rows-begun:app")
        pids = [int(pid) for [pid, *_] in self.cluster.sessions_of_dbbackup()]
        postmaster = int((self.cluster.data / "postmaster.pid").read_text().split("\n")[0])
        for pid in [postmaster, *pids]:
            os.kill(pid, signal.SIGSTOP)
        try:
            running.send(signal.SIGINT)
            running.go("rows-begun:app")
            # Two that come before the first is taken are one.
            wait_until(lambda: running.ended or not running.pending(signal.SIGINT), "the first one is taken")
            if not running.ended:
                running.send(signal.SIGINT)
            outcome = running.finish(seconds=20)
            self.assertEqual(130, outcome.code, outcome)
        finally:
            for pid in [*pids, postmaster]:
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "the server noticed that its client is gone")
        self.assertEqual([], self.tool.processes_left())
        self.assert_repository_sound()

    def test_ctrl_c_typed_at_a_terminal_cancels(self):
        step = "rows-begun:app"
        leader, terminal = pty.openpty()
        try:
            running = self.start("backup", "cluster", pause=[step], start_new_session=True, stdin=terminal, stdout=terminal,
                                 stderr=terminal, preexec_fn=_take_terminal, env={"TERM": "xterm"})  # fmt: skip
            os.close(terminal)
            running.wait_for(step)
            os.write(leader, b"\x03")
            outcome = running.finish(seconds=30)
            self.assertEqual(130, outcome.code)
            shown = _read_all(leader)
        finally:
            os.close(leader)
        self.assertIn("[FAIL]", shown)
        self.assertIn("Cancelled", shown)
        self.assert_nothing_left()

    def test_a_hangup_of_the_terminal_cancels_too(self):
        step = "rows-begun:app"
        running = self.start("backup", "cluster", "--json", pause=[step]).wait_for(step)
        self.failed_with("CANCELLED", running.send(signal.SIGHUP).finish(seconds=30))
        self.assert_nothing_left()

    def test_nohup_means_what_it_says(self):
        step = "rows-begun:app"
        running = self.start("backup", "cluster", "--json", pause=[step], prefix=["nohup"]).wait_for(step)
        self.ended(running.send(signal.SIGHUP).go(step).finish(), 0)

    def test_a_reader_that_goes_away_does_not_kill_a_backup(self):
        # dbbackup ... | head -1
        reader, writer = os.pipe()
        running = self.start("backup", "cluster", "--json", pause=["rows-begun:app"], stdout=writer).wait_for("rows-begun:app")
        os.close(writer)
        os.close(reader)
        outcome = running.go("rows-begun:app").finish()
        self.assert_sane(outcome)
        self.assertEqual(1, len(self.succeeds("list", "--json").document["backups"]))
        self.assert_nothing_left()


def _take_terminal():
    """In the child: standard input becomes its controlling terminal, so that ^C means what it means to people."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_all(descriptor):
    text = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        text += piece
    return text.decode(errors="replace")


if __name__ == "__main__":
    unittest.main()
