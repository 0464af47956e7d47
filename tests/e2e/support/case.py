"""The base of every end-to-end test: a folder, servers, the program, and the assertions people would make."""

import os
import random
import shutil
import signal
import subprocess
import unittest

from support import judge, pictures
from support.clusters import Cluster, StatementFailed, temporary_folder
from support.program import EXIT_CODES, SANITIZER_WORDS, Tool
from support.relays import Pooler, Relay
from support.waiting import wait_until

SEED = int(os.environ.get("DBBACKUP_TEST_SEED") or random.SystemRandom().randrange(10**9))


class EndToEnd(unittest.TestCase):
    """A server for the class (`settings`, `initdb`), wiped before each test, and a fresh `tool` for each test."""

    settings = {}
    initdb = ()
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        print(f"DBBACKUP_TEST_SEED={SEED}", flush=True)
        cls.cluster = Cluster(settings=cls.settings, initdb=cls.initdb)
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        self.random = random.Random(f"{SEED} {self.id()}")
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            if not self.cluster.running:
                self.cluster.start()
            self.cluster.wipe()
        except (AssertionError, StatementFailed):  # an earlier test left it in a state that nothing leads back from
            self.cluster.close()
            type(self).cluster = Cluster(settings=self.settings, initdb=self.initdb)
            self.addClassCleanup(self.cluster.close)
        self.tool = Tool(self.folder, self.cluster)

    # What a test asks for

    def another_cluster(self, **options):
        cluster = Cluster(**options)
        self.addCleanup(cluster.close)
        return cluster

    def relay(self, *servers, **options):
        relay = Relay(*(servers or [self.cluster]), **options)
        self.addCleanup(relay.close)
        return relay

    def pooler(self, **options):
        pooler = Pooler(self.cluster, **options)
        self.addCleanup(pooler.close)
        return pooler

    def session(self, database="postgres", cluster=None, **options):
        session = (cluster or self.cluster).session(database, **options)
        self.addCleanup(session.close)
        return session

    def start(self, *argv, **options):
        running = self.tool.start(*argv, **options)
        self.addCleanup(running.close)
        return running

    def picture(self, cluster=None, databases=None):
        return pictures.Picture(cluster or self.cluster, databases)

    def original(self, cluster=None):
        """The portrait of what is to be backed up, and what `psql` would need to restore it. See assert_faithful."""
        cluster = cluster or self.cluster
        portrait = judge.Portrait(cluster)
        portrait.whole_dump = judge.whole_dump(cluster)
        return portrait

    def small_file_system(self, size):
        """A mounted folder of so much space, unmounted at the end."""
        place = self.folder / "small"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "dbb-e2e", str(place)]
        done = subprocess.run(mount, capture_output=True, check=False)
        if done.returncode:
            self.skipTest("a small file system cannot be mounted here (needs root): " + done.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    def init(self, *argv):
        self.succeeds("init", *argv)

    def back_up(self, *argv, **options):
        """A complete backup; returns its id."""
        outcome = self.succeeds("backup", *(argv or ["cluster"]), "--json", **options)
        return backup_id(outcome)

    # What a test says

    def succeeds(self, *argv, **options):
        return self.ended(self.tool.run(*argv, **options), 0)

    def fails_with(self, code, *argv, **options):
        """The error code, the exit code that belongs to it, and something to do about it. Returns the outcome."""
        return self.failed_with(code, self.tool.run(*argv, "--json", **options))

    def ended(self, outcome, code):
        self.assert_sane(outcome)
        if outcome.code != code:
            self.fail(f"exit code {code} expected:\n{outcome}")
        return outcome

    def failed_with(self, code, outcome):
        self.assert_sane(outcome)
        error = outcome.error
        if error.get("code") != code:
            self.fail(f"{code} expected:\n{outcome}")
        self.assertEqual(EXIT_CODES[code], outcome.code, outcome)
        self.assertTrue(error.get("message"), outcome)
        self.assertTrue([step for step in error.get("solution") or [] if step.strip()], f"no solution:\n{outcome}")
        return outcome

    def assert_sane(self, outcome):
        for words in SANITIZER_WORDS:
            self.assertNotIn(words, outcome.text, f"a sanitizer found something:\n{outcome}")
        self.assertNotIn("terminate called", outcome.text, outcome)
        if outcome.code is not None and outcome.code < 0:
            self.fail(f"ended by {signal.Signals(-outcome.code).name}:\n{outcome}")

    def assert_same(self, before, after):
        differences = before.differences(after)
        if differences:
            self.fail("\n".join(differences))

    def assert_holds(self, expected, database, cluster=None):
        """The database's picture is this one."""
        differences = pictures.diff(f"contents of {database!r}", expected,
                                    pictures.database_picture(cluster or self.cluster, database))  # fmt: skip
        if differences:
            self.fail("\n".join(differences))

    def assert_faithful(self, before, cluster=None):
        """The cluster holds what `before` shows; or differs only where what `pg_dumpall | psql` makes of it differs, too."""
        cluster = cluster or self.cluster
        differences = before.differences(judge.Portrait(cluster))
        if not differences:
            return
        other = self.another_cluster(bindir=cluster.bindir, settings=self.settings, initdb=self.initdb)
        errors = judge.read_by_psql(before.whole_dump, other)
        excess = differences - before.differences(judge.Portrait(other))
        print(f"{len(differences)} lines of the dumps differ, {len(excess)} of them only after our restore", flush=True)
        if excess:
            said = ["`pg_dumpall | psql` said:", *errors[:10]] if errors else []
            self.fail("\n".join(["What only dbbackup does not give back:", *judge.shown(excess), *said]))

    def assert_nothing_left(self, cluster=None, tool=None):
        """No process, temporary file, session, staging database. Sessions may take a moment to end on the server."""
        cluster, tool = cluster or self.cluster, tool or self.tool
        self.assertEqual([], tool.processes_left(), "processes are left")
        self.assertEqual([], tool.temporary_files_left(), "temporary files are left")
        if cluster.running:
            wait_until(lambda: not cluster.sessions_of_dbbackup(),
                       f"sessions end: {cluster.sessions_of_dbbackup()}", seconds=15)  # fmt: skip
            self.assertEqual([], cluster.marked_databases(), "databases of dbbackup are left")

    def assert_repository_sound(self, **options):
        """Every byte of it is read."""
        self.succeeds("check", "--read-data", **options)


def backup_id(outcome):
    return outcome.document["id"]
