"""--save-debug-log: everything for a report, and no secret; and what there is of temporary files."""

import os
import signal
import stat
import unittest

from support.case import EndToEnd
from support.clusters import Cluster
from support.contents import SMALL

PASSWORDS = ("Sup3rSecret", "Role$ecret9", "Mapp1ngSecret", "Passphr4seSecret")


class DebugLog(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(password=PASSWORDS[0])
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        super().setUp()
        self.log = self.folder / "report.log"
        self.environment = {"DBBACKUP_PASSPHRASE": PASSWORDS[3]}
        self.succeeds("init", "--encryption", "passphrase", env=self.environment)

    def text(self):
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.log).st_mode))
        text = self.log.read_text()
        for secret in PASSWORDS:
            self.assertNotIn(secret, text)
        self.assertNotIn("SCRAM-SHA-256$", text)
        return text

    def with_secrets(self):
        self.cluster.sql(f"create role limited login password '{PASSWORDS[1]}'")
        self.cluster.create_database("app", contents=SMALL + f"""
            create foreign data wrapper w; create server s foreign data wrapper w;
            create user mapping for limited server s options (password '{PASSWORDS[2]}');
            create subscription sub connection 'host=nowhere password={PASSWORDS[2]}'
                publication p with (connect = false);
            alter subscription sub set (slot_name = none);""")  # fmt: skip
        self.back_up(env=self.environment)

    def test_a_restore_that_goes_well_is_told_without_a_secret(self):
        self.with_secrets()
        uri = f"postgresql://postgres:{PASSWORDS[0]}@/postgres?host={self.cluster.socket}"
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm", "--save-debug-log", self.log, "-d", uri,
                      env={**self.environment, "PGPASSWORD": None})  # fmt: skip
        text = self.text()
        for words in ("dbbackup ", "argument: --confirm", "PostgreSQL", "max_connections = 40", "client programs",
                      "max_locks_per_transaction", "Profile:", "environment: DBBACKUP_PASSPHRASE is set",
                      "[database-done]", "progress ", '"proven": true', "exit code 0"):  # fmt: skip
            self.assertIn(words, text)

    def test_a_failure_is_in_it_with_the_statement(self):
        self.with_secrets()
        self.cluster.sql("""create function boom(a int) returns int language plpgsql immutable as
            'begin if current_database() <> ''app'' then raise exception ''password=Sup3rSecret is wrong''; end if; return a; end';
            create index on stock.item (boom(id));""", "app")  # fmt: skip
        self.back_up("database", "app", env=self.environment)
        outcome = self.tool.run("restore", "database", "app", "--as", "copy", "--confirm", "--save-debug-log", self.log,
                                env=self.environment)  # fmt: skip
        self.assertEqual(6, outcome.code, outcome)
        text = self.text()
        for words in ("Statement:", "CREATE INDEX item_boom_idx", "P0001", "exit code 6", "== "):
            self.assertIn(words, text)

    def test_a_wrong_password_and_a_cancelled_run_leave_a_log_too(self):
        self.with_secrets()
        outcome = self.tool.run("restore", "cluster", "latest", "--save-debug-log", self.log,
                                env={**self.environment, "PGPASSWORD": PASSWORDS[1]})  # fmt: skip
        self.assertEqual(1, outcome.code, outcome)
        self.assertIn("AUTH_FAILED", self.text())
        self.log.unlink()
        running = self.start("restore", "database", "app", "--as", "copy", "--confirm", "--save-debug-log", self.log,
                             pause=["rows-done:copy"], env=self.environment).wait_for("rows-done:copy")  # fmt: skip
        running.send(signal.SIGINT)
        self.assertEqual(130, running.finish().code)
        self.assertIn("CANCELLED", self.text())
        self.assertIn("exit code 130", self.text())

    def test_a_run_that_is_killed_leaves_what_was_known(self):
        self.with_secrets()
        running = self.start("backup", "cluster", "--save-debug-log", self.log, pause=["rows-done:app"],
                             env=self.environment).wait_for("rows-done:app")  # fmt: skip
        running.send(signal.SIGKILL).finish()
        self.assertIn("argument: --save-debug-log", self.text())

    def test_a_file_that_exists_is_not_overwritten(self):
        self.log.write_text("mine")
        self.fails_with("USAGE", "list", "--save-debug-log", self.log, env=self.environment)
        self.assertEqual("mine", self.log.read_text())
        self.log.unlink()
        self.log.symlink_to("/dev/null")
        self.fails_with("USAGE", "list", "--save-debug-log", self.log, env=self.environment)

    def test_there_are_no_temporary_directories_to_keep_and_that_is_said(self):
        self.with_secrets()
        running = self.start("restore", "database", "app", "--as", "copy", "--keep-temp", "--confirm",
                             pause=["rows-done:copy"], env=self.environment).wait_for("rows-done:copy")  # fmt: skip
        self.assertEqual([], self.tool.temporary_files_left())
        outcome = running.go("rows-done:copy").finish()
        self.assertEqual(0, outcome.code, outcome)
        self.assertIn("no temporary directory", outcome.err)


if __name__ == "__main__":
    unittest.main()
