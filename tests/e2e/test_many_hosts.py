"""Several hosts and one repository: two back up, one forgets and prunes, one restores, all without pause. Nothing is lost."""

import collections
import hashlib
import os
import random
import signal
import threading
import time
import unittest
from pathlib import Path

from support.backups import digests, reader
from support.case import SEED, EndToEnd
from support.contents import wide_table
from support.power_loss import preloading
from support.program import Tool
from support.waiting import wait_until

SECONDS = 600 if os.environ.get("DBBACKUP_TEST_LONG") else 40
GRACE_SECONDS = 4
# What a backup may end with when a prune on another host found it silent: it is no backup then, and harms none.
HONEST_FAILURES = {"SESSION_SILENT", "PACK_DELETED"}


def rows_digest(lines):
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


class ManyHosts(EndToEnd):
    """Each host has a home of its own and, if it backs up, a cluster of its own."""

    def setUp(self):
        super().setUp()
        self.init("--grace", str(GRACE_SECONDS))
        self.lock = threading.Lock()
        self.truth = {}  # backup id: digest of the rows of `wide`, as the server told them
        self.forgotten = set()
        self.counts = collections.Counter()
        self.problems = []
        self.over = threading.Event()

    def host(self, name, cluster):
        folder = self.folder / name
        folder.mkdir()
        return Tool(folder, cluster, self.tool.repository)

    def note(self, what, outcome):
        with self.lock:
            self.problems.append(f"{what}:\n{outcome}")
        self.over.set()

    # What the hosts do. Each runs in a thread of its own until the time is over.

    def back_up_again_and_again(self, tool, cluster, random):
        while not self.over.is_set():
            some = random.randrange(20)
            cluster.sql(f"update wide set c = c + 1, d = md5(d) where id % 20 = {some}", "app")
            truth = rows_digest(cluster.psql("copy wide to stdout", "app").splitlines())
            outcome = tool.run("backup", "cluster", "--json")
            if outcome.code == 0:
                with self.lock:
                    self.truth[outcome.document["id"]] = truth
                self.counts["backups"] += 1
            elif outcome.document["error"]["code"] in HONEST_FAILURES:
                self.counts["backups that failed honestly"] += 1
            else:
                self.note("a backup failed", outcome)

    def prune_again_and_again(self, tool, random):
        while not self.over.is_set():
            listed = tool.run("list", "--json").document["backups"]
            with self.lock:
                known = [backup["id"] for backup in listed if backup["id"] in self.truth and backup["id"] not in self.forgotten]
                leaving = random.sample(known, max(0, len(known) - 6))
                self.forgotten.update(leaving)
            for backup in leaving:
                outcome = tool.run("forget", backup, "--confirm", "--json")
                if outcome.code != 0:
                    if outcome.document["error"]["code"] != "BACKUP_IS_LAST":
                        self.note("a backup was not forgotten", outcome)
                    with self.lock:
                        self.forgotten.discard(backup)
                else:
                    self.counts["forgotten"] += 1
            outcome = tool.run("prune", "--confirm", "--json")
            if outcome.code != 0:
                self.note("a prune failed", outcome)
            else:
                self.counts["prunes"] += 1
                for name in ("deleted", "compacted"):
                    self.counts[f"packs {name}"] += outcome.document[f"{name}_packs"]

    def restore_again_and_again(self, tool, cluster, random):
        while not self.over.is_set():
            with self.lock:
                known = [backup for backup in self.truth if backup not in self.forgotten]
            if not known:
                self.over.wait(0.2)
                continue
            backup = random.choice(known)
            outcome = tool.run("restore", "database", "app", "--from", backup, "--confirm", "--json")
            if outcome.code == 0:
                found = rows_digest(cluster.psql("copy wide to stdout", "app").splitlines())
                if found != self.truth[backup]:
                    self.note(f"{backup} was restored to something else", outcome)
                self.counts["restores"] += 1
            elif backup in self.forgotten and outcome.document["error"]["code"] == "BACKUP_NOT_FOUND":
                self.counts["restores of what was just forgotten"] += 1
            else:
                self.note(f"the restore of {backup} failed", outcome)

    def rows_stored(self, backup):
        repository = reader().Repository(self.tool.repository)
        for item in repository.items(repository.find(backup)):
            if item.key == b"database/app/table/public/wide":
                return rows_digest(b"".join(piece for part in item.parts for piece in repository.stream(part)).splitlines())
        raise AssertionError(f"{backup} has no table `wide`")

    def test_two_back_up_one_prunes_one_restores(self):
        elsewhere, target = self.another_cluster(), self.another_cluster()
        for cluster in (self.cluster, elsewhere):
            cluster.create_database("app", contents=wide_table("wide", 2))
        hosts = [
            (self.back_up_again_and_again, self.host("one", self.cluster), self.cluster),
            (self.back_up_again_and_again, self.host("other", elsewhere), elsewhere),
            (self.prune_again_and_again, self.host("pruner", None)),
            (self.restore_again_and_again, self.host("restorer", target), target),
        ]

        def guarded(work, number, *arguments):
            try:
                work(*arguments, random.Random(f"{SEED} {number}"))
            except BaseException as problem:
                self.note("a host of the test ended", repr(problem))

        threads = [threading.Thread(target=guarded, args=(work, n, *rest)) for n, (work, *rest) in enumerate(hosts)]
        for thread in threads:
            thread.start()
        self.over.wait(SECONDS)
        self.over.set()
        for thread in threads:
            thread.join()
        print(f"in {SECONDS} s: {dict(self.counts)}", flush=True)
        self.assertEqual([], self.problems, "\n".join(self.problems))
        self.succeeds("check", "--read-data")
        listed = {backup["id"] for backup in self.succeeds("list", "--json").document["backups"]}
        self.assertEqual(set(self.truth) - self.forgotten, listed)
        for backup in sorted(listed):
            self.assertEqual(self.truth[backup], self.rows_stored(backup), backup)
        self.assertGreater(self.counts["backups"], 3)
        self.assertGreater(self.counts["restores"], 1)
        self.assertGreater(self.counts["forgotten"], 0)


class Suspended(EndToEnd):
    """A host that is suspended between its last look and its manifest, for longer than the grace."""

    def state_of(self, running):
        return Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def suspended_before(self, point):
        running = self.start("backup", "cluster", "--json",
                             env=preloading("file_operations", OPERATIONS_ROOT=self.tool.repository,
                                            OPERATIONS_STOP_BEFORE=point))  # fmt: skip
        wait_until(lambda: self.state_of(running) == "T" or running.ended, f"it is suspended before {point}", 60)
        self.assertFalse(running.ended, point)
        return running

    def prune_for_a_while(self, visible):
        """Until the silent host is waited for no longer: then packs are deleted, unless its manifest is there already."""
        begun = time.monotonic()

        def done():
            deleted = self.succeeds("prune", "--confirm", "--json").document["deleted_packs"]
            return deleted or (visible and time.monotonic() - begun > 3 * GRACE_SECONDS)

        wait_until(done, "packs are deleted", 60)
        self.assertGreater(time.monotonic() - begun, GRACE_SECONDS * 0.9, "a silent host is waited for")

    def test_who_stood_still_for_more_than_half_the_grace_may_not_commit(self):
        self.init("--grace", str(GRACE_SECONDS))
        self.cluster.create_database("app", contents=wide_table("wide", 1))
        running = self.suspended_before("1 create index/")
        begun = time.monotonic()
        wait_until(lambda: time.monotonic() - begun > GRACE_SECONDS * 0.6, "more than half the grace is over", 60)
        running.send(signal.SIGCONT)
        outcome = running.finish(60)
        self.assertEqual("SESSION_SILENT", outcome.error["code"])
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])
        self.succeeds("check", "--read-data")
        self.back_up()

    def test_it_fails_or_is_complete_and_is_never_good_and_broken(self):
        self.init("--grace", str(GRACE_SECONDS))
        self.cluster.create_database("app", contents=wide_table("wide", 2))
        for point in ("1 create backups/", "1 rename backups/", "1 sync-folder backups"):
            with self.subTest(point):
                self.cluster.sql("update wide set d = md5(d)", "app")
                parent = self.back_up()
                running = self.suspended_before(point)
                self.cluster.sql("update wide set d = md5(d)", "app")
                survivor = self.back_up()
                known = digests(self.tool.repository)
                self.succeeds("forget", parent, "--confirm")
                self.prune_for_a_while(visible=point == "1 sync-folder backups")
                running.send(signal.SIGCONT)
                outcome = running.finish(60)
                if outcome.code != 0:
                    self.assertIn(outcome.error["code"], HONEST_FAILURES, str(outcome))
                self.succeeds("check", "--read-data")
                after = digests(self.tool.repository)
                self.assertEqual(known[survivor], after[survivor])
                if outcome.code == 0:
                    self.assertIn(outcome.document["id"], after)
                print(f"suspended before {point}: {'complete' if outcome.code == 0 else outcome.error['code']}", flush=True)
                self.back_up()


if __name__ == "__main__":
    unittest.main()
