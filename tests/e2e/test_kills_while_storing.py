"""SIGKILL before every kind of file operation on the repository, each hit, and at random moments: the repository is sound,
earlier backups are whole, and the next run succeeds."""

import collections
import re
import signal
import subprocess
import time
import unittest

from support.backups import digests
from support.case import EndToEnd
from support.power_loss import preloading, read_record
from support.storing import BACKUP, LONG, PRUNE, two_tables
from support.waiting import wait_until

HITS = None if LONG else 1  # of each point; None: all there are
ROUNDS = 150 if LONG else 4  # of kills at random moments, for each operation


class KilledWhileStoring(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=two_tables(20000))
        self.kills = collections.Counter()

    def change_rows(self):
        """A quarter of the table: far more than what a prune may leave unused."""
        self.cluster.sql("update rows set t = md5(t) where id <= 5000", "app")

    def points_of(self, *argv):
        """The kinds of operations of a run, with the kind of object, and how often each comes."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self.succeeds(*argv, env=preloading("file_operations", OPERATIONS_ROOT=self.tool.repository, OPERATIONS_LOG=log))
        points, names = collections.Counter(), {}
        for operation in read_record(log):
            path = operation.to or operation.path or names.get(operation.file, "")
            names[operation.file] = path
            kind = re.match(r"(state/\w+/?|\w+/?|\.)?", path)[0]
            points[operation.what, kind] += 1
        return points

    def killed_before(self, what, kind, hit, *argv):
        """Runs it; it is killed, unless it does not come to this point so often this time."""
        environment = preloading("file_operations", OPERATIONS_ROOT=self.tool.repository,
                                 OPERATIONS_KILL_BEFORE=f"{hit} {what} {kind}")  # fmt: skip
        outcome = self.tool.run(*argv, env=environment)
        self.assertIn(outcome.code, (0, -signal.SIGKILL), str(outcome))
        self.kills[outcome.code != 0] += 1
        wait_until(lambda: not self.tool.processes_left(), "children end", 10)

    def assert_sound(self, before):
        """Check finds nothing, what was there is there; returns what there is now."""
        self.succeeds("check", "--read-data")
        now = digests(self.tool.repository)
        self.assertLessEqual(before.items(), now.items())
        return now

    def kill_at_every_point(self, points, *argv, change):
        for (what, kind), count in points.items():
            for hit in range(1, (count if HITS is None else min(count, HITS)) + 1):
                with self.subTest(f"{hit} {what} {kind}"):
                    change()
                    known = digests(self.tool.repository)
                    self.killed_before(what, kind, hit, *argv)
                    known = self.assert_sound(known)
        print(f"{self.id().split('.')[-1]}: {len(points)} points, {self.kills[True]} kills, {self.kills[False]} not reached",
              flush=True)  # fmt: skip
        self.assertGreater(self.kills[True], len(points) / 2)
        return known

    def test_a_backup_killed_at_every_point(self):
        points = self.points_of(*BACKUP)
        for point in (("rename", "packs/"), ("rename", "index/"), ("rename", "backups/"), ("sync-folder", "backups")):
            self.assertIn(point, points)
        known = self.kill_at_every_point(points, *BACKUP, change=self.change_rows)
        self.back_up()
        self.assert_sound(known)

    def oldest_forgotten(self):
        """One more backup, and the oldest one forgotten: a prune finds packs to delete and packs to write anew."""
        self.change_rows()
        self.back_up()
        oldest = self.succeeds("list", "--json").document["backups"][-1]["id"]
        self.succeeds("forget", oldest, "--confirm")

    def test_a_prune_killed_at_every_point(self):
        for _ in range(3):
            self.change_rows()
            self.back_up()
        self.oldest_forgotten()
        points = self.points_of(*PRUNE)
        for point in (("unlink", "packs/"), ("unlink", "index/"), ("rename", "state/condemned/")):
            self.assertIn(point, points)
        if not LONG:
            points = {point: points[point] for point in self.random.sample(sorted(points), 12)}
        self.kill_at_every_point(points, *PRUNE, change=self.oldest_forgotten)
        self.back_up()
        self.succeeds(*PRUNE)
        self.succeeds("check", "--read-data")

    def kill_at_random_moments(self, prepare):
        """`prepare` makes something to do; returns what does it, and the backups that it may take away."""
        argv, _ = prepare()
        begun = time.monotonic()
        self.succeeds(*argv)
        whole = time.monotonic() - begun
        for round_number in range(ROUNDS):
            with self.subTest(round_number):
                argv, may_go = prepare()
                before = digests(self.tool.repository)
                running = self.start(*argv)
                try:
                    running._process.wait(self.random.uniform(0, whole))
                except subprocess.TimeoutExpired:
                    running.send(signal.SIGKILL)
                self.kills[running.finish(30).code != 0] += 1
                self.assert_sound({id: digest for id, digest in before.items() if id not in may_go})
        print(f"{self.id().split('.')[-1]}: {self.kills[True]} kills, {self.kills[False]} came too late", flush=True)
        known = digests(self.tool.repository)
        known[self.back_up()] = None
        self.succeeds(*PRUNE)
        self.succeeds("check", "--read-data")
        self.assertEqual(known.keys(), digests(self.tool.repository).keys())

    def test_backups_killed_at_random_moments(self):
        def prepare():
            self.change_rows()
            return BACKUP, ()

        self.kill_at_random_moments(prepare)

    def test_prunes_killed_at_random_moments(self):
        def prepare():
            self.oldest_forgotten()
            return PRUNE, ()

        self.back_up()
        self.back_up()
        self.kill_at_random_moments(prepare)

    def test_forgetting_killed_at_random_moments(self):
        def prepare():
            self.change_rows()
            self.back_up()
            oldest = self.succeeds("list", "--json").document["backups"][-1]["id"]
            return ("forget", oldest, "--confirm"), (oldest,)

        self.back_up()
        self.kill_at_random_moments(prepare)


if __name__ == "__main__":
    unittest.main()
