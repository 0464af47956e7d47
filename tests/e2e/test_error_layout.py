"""Whatever goes wrong with a restore, it is told in one layout: heading, where, root cause, numbered steps, page, code."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import unittest
from unittest import mock

from support.case import EndToEnd
from support.clusters import MAJOR, temporary_folder
from support.contents import SMALL, wide_table
from support.installation import installation_with_extension
from support.program import EXIT_CODES, SOURCE
from support.relays import pretend_major
from test_errors import codes_in_source

TITLES = {name: title for name, _, title, _ in codes_in_source()}


class Layout(EndToEnd):
    def prepared(self, contents=SMALL):
        self.init()
        self.cluster.create_database("app", contents=contents)
        return self.back_up()

    def told(self, code, outcome, *, heading=None, cause=None, steps=(), user="postgres"):
        """The block, for people, of a restore that failed with the code. Returns it with single spaces."""
        self.assert_sane(outcome)
        self.assertEqual(EXIT_CODES[code], outcome.code, outcome)
        block = outcome.err[outcome.err.index("[FAIL]"):]
        title = heading or f"Restore Failed: {TITLES[code]}"
        self.assertTrue(block.startswith(f"[FAIL] {title}\n"), block)
        host = self.tool.environment["PGHOST"]
        self.assertRegex(block, r"(?m)^Database: +\S")
        self.assertRegex(block, rf"(?m)^Host: +.*{re.escape(host)}.*5432$")
        self.assertRegex(block, rf"(?m)^User: +{user}$")
        self.assertRegex(block, r"(?m)^Root Cause: \S")
        self.assertRegex(block, r"(?m)^How to Fix:\n  1\. \S")
        [page] = re.findall(r"(?m)^Documentation: (docs/errors/[a-z-]+\.md)$", block)
        self.assertTrue((SOURCE / page).exists(), page)
        self.assertRegex(block, rf"(?m)^Code: {code}( \(SQLSTATE \w{{5}}\))?$")
        text = re.sub(r"\s+", " ", block)
        if cause:
            self.assertRegex(text.split("Root Cause:")[1].split("How to Fix:")[0], cause)
        for step in steps:
            self.assertIn(step, text.split("How to Fix:")[1])
        return text

    def restore(self, *argv, **options):
        return self.tool.run("restore", "database", "app", "--confirm", *argv, **options)

    def test_authentication(self):
        cluster = self.another_cluster(password="right")
        self.prepared()
        self.tool.talk_to(cluster)
        configuration = self.folder / "config.yaml"
        configuration.write_text("jobs: 1\n")
        outcome = self.restore("--config", configuration, env={"PGPASSWORD": "wrong"})
        text = self.told("AUTH_FAILED", outcome, cause="[Pp]assword authentication failed for user \"postgres\"", steps=[
            "Verify the password", "pg_hba.conf", "SELECT rolname FROM pg_roles WHERE rolname='postgres';",
            f"psql -h {cluster.socket} -p 5432 -U postgres -d postgres"])  # fmt: skip
        self.assertIn("[FAIL] Restore Failed: PostgreSQL Authentication Error", text)
        self.assertIn(f"Configuration: {configuration}", text)

    def test_connection_refused(self):
        cluster = self.another_cluster()
        self.prepared()
        self.tool.talk_to(cluster)
        cluster.stop()
        self.told("CONNECTION_REFUSED", self.restore(), cause="No such file or directory|Connection refused",
                  steps=["systemctl status postgresql", "unix_socket_directories"])  # fmt: skip

    def test_no_connection_slot(self):
        self.prepared()
        cluster = self.another_cluster(settings={"max_connections": "6", "superuser_reserved_connections": "0"})
        self.tool.talk_to(cluster)
        sessions = [self.session(cluster=cluster) for _ in range(3)]
        text = self.told("PREFLIGHT_REFUSED", self.restore(), cause="connections: 6 needed", steps=["raise max_connections"])
        self.assertIn("2 free (6 - 0 reserved - 4 in use)", text)
        sessions += [self.session(cluster=cluster) for _ in range(3)]
        self.told("CONNECTION_REFUSED", self.restore(), cause="too many clients already",
                  steps=["FROM pg_stat_activity", "max_connections"])  # fmt: skip

    def test_missing_rights(self):
        self.prepared()
        self.cluster.sql("create role limited login")
        self.told("PREFLIGHT_REFUSED", self.restore("-U", "limited"), user="limited",
                  cause="rights: limited may not create databases", steps=["ALTER ROLE limited CREATEDB"])  # fmt: skip

    def test_a_missing_locale(self):
        folder = temporary_folder()
        self.addCleanup(subprocess.run, ["rm", "-rf", str(folder)], check=True)
        made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")], capture_output=True,
                              check=False)  # fmt: skip
        if made.returncode > 1:
            self.skipTest("localedef cannot make a locale here: " + made.stderr.decode())
        with mock.patch.dict(os.environ, {"LOCPATH": str(folder)}):
            source = self.another_cluster()
        source.create_database("app", "template template0 locale 'de_DE.UTF-8'")
        self.init()
        self.tool.talk_to(source)
        self.back_up("database", "app")
        self.tool.talk_to(self.cluster)
        self.told("PREFLIGHT_REFUSED", self.restore("--from", "latest"), cause="locale: app:? .*de_DE.UTF-8",
                  steps=["Install the locale on the target"])  # fmt: skip

    def test_a_missing_extension(self):
        place = temporary_folder()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        source = self.another_cluster(bindir=installation_with_extension(place))
        source.create_database("app", contents="create extension dbbackup_test_configuration")
        self.init()
        self.tool.talk_to(source)
        self.back_up("database", "app")
        self.tool.talk_to(self.cluster)
        self.told("PREFLIGHT_REFUSED", self.restore("--from", "latest"),
                  cause="extensions: not installed on the target: dbbackup_test_configuration",
                  steps=["Install their packages there", "pg_available_extensions"])  # fmt: skip

    def test_an_older_version(self):
        self.prepared()
        self.tool.environment.update(self.relay(rewrite=pretend_major(MAJOR - 1)).environment)
        self.told("VERSION_DOWNGRADE", self.restore(), cause=f"version: .*{MAJOR}")

    def test_too_few_locks(self):
        few = {"max_locks_per_transaction": "10", "max_connections": "20", "autovacuum_max_workers": "1",
               "max_worker_processes": "2", "max_wal_senders": "1"}  # fmt: skip
        tree = "create table {0} (id int not null) partition by range (id);" + "".join(
            f"create table {{0}}{i} partition of {{0}} for values from ({i}) to ({i + 1});" for i in range(120)) + (
            "alter table {0} add primary key (id);")  # fmt: skip
        self.prepared(tree.format("r") + tree.format("s") + "alter table s add foreign key (id) references r (id)")
        self.tool.talk_to(self.another_cluster(settings=few))
        self.told("PREFLIGHT_REFUSED", self.restore("--from", "latest"), cause="locks: ",
                  steps=["max_locks_per_transaction"])  # fmt: skip

    def test_a_name_that_is_taken(self):
        self.prepared()
        self.cluster.create_database("shop")
        self.told("TARGET_EXISTS", self.restore("--as", "shop"), cause="never touches one that is there",
                  steps=["Choose another name after --as", "--replace"])  # fmt: skip

    def test_a_damaged_backup(self):
        self.prepared(wide_table("wide", 1))
        for path in self.tool.repository_files("packs"):
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:1000])
        self.told("CORRUPTED_BACKUP", self.restore(), cause="backup data: damaged", steps=["dbbackup check --read-data"])

    def test_a_lock_that_is_not_granted(self):
        self.prepared()
        session = self.session()
        session.run("begin; alter database app connection limit 50")
        outcome = self.restore("--lock-timeout", "1", seconds=120)
        code = re.search(r"(?m)^Code: (\w+)", outcome.err)[1]
        self.assertIn(code, ("LOCK_TIMEOUT", "SWAP_FAILED"))
        self.told(code, outcome, cause="lock")
        session.run("rollback")
        # What is complete stays, and the command that is printed gives it its name.
        words = re.search(r"(?m)^To continue: dbbackup (.*)$", outcome.out)[1]
        self.succeeds(*shlex.split(words))
        self.assert_nothing_left()

    def test_a_server_that_shuts_down(self):
        cluster = self.another_cluster()
        self.prepared()
        self.tool.talk_to(cluster)
        running = self.start("restore", "database", "app", "--from", "latest", "--confirm", pause=["rows-done:app"])
        running.wait_for("rows-done:app")
        cluster.stop()
        outcome = running.go("rows-done:app").finish()
        code = re.search(r"(?m)^Code: (\w+)", outcome.err)[1]
        self.assertIn(code, ("CONNECTION_LOST", "CONNECTION_REFUSED"))
        self.told(code, outcome)

    def test_a_disk_of_the_server_that_is_full(self):
        place = self.small_file_system("200m")
        self.prepared(wide_table("wide", 20))
        small = self.another_cluster(place=place, settings={"max_wal_size": "64MB", "min_wal_size": "32MB"})
        self.tool.talk_to(small)
        running = self.start("restore", "database", "app", "--from", "latest", "--confirm", pause=["pre-data-done:app"])
        running.wait_for("pre-data-done:app")
        filler = place / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        outcome = running.go("pre-data-done:app").finish()
        filler.unlink()
        self.told("DISK_FULL", outcome, cause="(?i)no space left|free|full")
        if not small.running:
            small.start()
        # To drop a database takes space, too: what is left is named, and goes when there is some.
        for left in small.user_databases():
            self.assertIn(left, outcome.text)
        self.succeeds("cleanup", "--confirm")
        self.assertEqual([], small.user_databases())


if __name__ == "__main__":
    unittest.main()
