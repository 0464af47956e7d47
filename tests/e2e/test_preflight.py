"""What a restore looks at before the first change: one line a check, complete, with what will be done or what to do."""

import os
import time
import unittest

from support.case import EndToEnd
from support.contents import SMALL, wide_table

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
CHECKS = ("connection", "topology", "rights", "version", "client programs", "backup", "backup data", "locks", "connections",
          "disk: pg_default", "wal", "names", "extensions", "locales", "tablespaces", "roles", "database: app")  # fmt: skip


class Preflight(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)

    def lines(self, *argv, target="app", **options):
        plan = self.succeeds("restore", "database", target, *argv, "--json", **options).document
        self.assertFalse(plan["executed"])
        return {line["check"]: line for line in plan["preflight"]}

    def test_every_check_has_its_line_and_a_verdict(self):
        self.back_up()
        lines = self.lines()
        for check in CHECKS:
            self.assertIn(check, lines)
            self.assertEqual("ok", lines[check]["verdict"], lines[check])
            self.assertTrue(lines[check]["finding"])

    def test_wal_that_a_slot_holds_back_is_said_and_counted(self):
        self.cluster.sql(wide_table("wide", 5), "app")
        self.back_up()
        before = self.lines()["disk: pg_default"]["finding"]
        self.cluster.sql("select pg_create_physical_replication_slot('nobody', true)")
        lines = self.lines()
        self.assertEqual("warning", lines["wal"]["verdict"])
        self.assertIn("nobody", lines["wal"]["finding"])
        self.assertNotEqual(before.split("free")[0], lines["disk: pg_default"]["finding"].split("free")[0])

    def test_a_standby_that_commits_would_wait_for_is_refused(self):
        self.back_up()
        self.cluster.sql("alter system set synchronous_standby_names = 'far'")
        self.cluster.reload()
        try:
            outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--as", "copy", "--confirm")
        finally:
            self.cluster.sql("set synchronous_commit = local; alter system reset synchronous_standby_names")
            self.cluster.reload()
        self.assertIn("synchronous_standby_names", outcome.error["cause"])
        self.assertNotIn("copy", self.cluster.databases())

    def test_limits_of_the_role_are_seen(self):
        self.back_up()
        self.cluster.sql("create role few createdb login connection limit 7; alter role few set temp_file_limit = '1kB'")
        lines = self.lines("--as", "copy", "-j", "4", "-U", "few")
        self.assertEqual("warning", lines["connections"]["verdict"])
        self.assertIn("role few may have 7", lines["connections"]["finding"])
        self.assertEqual("warning", lines["temporary files"]["verdict"])
        self.succeeds("restore", "database", "app", "--as", "copy", "-j", "4", "-U", "few", "--confirm")

    def test_subscriptions_come_back_disabled_and_that_is_said(self):
        self.cluster.sql("create subscription s connection 'dbname=nowhere' publication p with (connect = false)", "app")
        self.addCleanup(self.cluster.sql, "alter subscription s set (slot_name = none); drop subscription s", "app")
        self.back_up()
        line = self.lines("--as", "copy")["subscriptions: app"]
        self.assertEqual("warning", line["verdict"])
        self.assertIn("s", line["finding"])
        self.assertNotIn("subscriptions: app", self.lines("--as", "copy", "--no-subscriptions"))

    @unittest.skipUnless(LONG, "takes minutes; set DBBACKUP_TEST_LONG")
    def test_two_hundred_databases_with_twenty_thousand_tables_are_looked_at_in_seconds(self):
        self.cluster.create_database("many", contents="\n".join(
            f"create table t{i} (a int primary key, b text);" for i in range(100)))
        for i in range(200):
            self.cluster.sql(f"create database db{i} template many strategy file_copy")
        self.back_up(seconds=1800)
        begun = time.monotonic()
        plan = self.succeeds("restore", "cluster", "latest", "--json", seconds=600).document
        took = time.monotonic() - begun
        print(f"preflight of {len(plan['databases'])} databases: {took:.1f} s", flush=True)
        self.assertLess(took, 20, "seconds, also with sanitizers")
        self.assertFalse(plan["refused"], [line for line in plan["preflight"] if line["verdict"] == "refused"])


if __name__ == "__main__":
    unittest.main()
