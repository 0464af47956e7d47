"""One row changed, deleted or doubled after loading: the proof fails, names the table, and the old database stays."""

import unittest

from support.case import EndToEnd
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture

STEP = "before-proof:app"

# What is done to the staging database -> the table that must be named.
SABOTAGE = {
    "one row changed": ("update stock.item set price = price + 0.01 where id = 1000", "stock.item"),
    "one row deleted": ("delete from stock.sale where id = 4711", "stock.sale"),
    "one row doubled": ("insert into heap select * from heap where ctid = '(0,1)'", "heap"),
    "equal rows doubled twice, which a XOR would not see": (
        "insert into heap select 1, 'same' from generate_series(1, 2)", "heap"),
    "one row replaced by a copy of another": ("update heap set a = 3, b = 'row 3' where a = 2", "heap"),
    "one row of a partition changed": ("update log_line set line = 'forged' where at = '2026-01-05'", "log_line"),
    "a row moved to another partition": ("update log_line set at = '2026-12-31' where at = '2025-07-01'", "log_line"),
    "a null made an empty text": ("update with_null set b = '' where a = 1", "with_null"),
    "a row in a table that was empty": ("insert into empty_one values (1)", "empty_one"),
    "a table emptied": ("truncate heap", "heap"),
    "a byte of a large object": ("select lo_put(4242, 100, '\\xee')", "large object"),
    "a large object more": ("select lo_from_bytea(0, 'smuggled')", "large object"),
}  # fmt: skip


class Sabotaged(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL + """
            create table heap (a int, b text);
            insert into heap select i, 'row ' || i from generate_series(2, 50) i; insert into heap select 1, 'same' from generate_series(1, 4);
            create table with_null (a int, b text); insert into with_null values (1, null), (2, '');
            create table empty_one (a int);""")  # fmt: skip
        self.original = database_picture(self.cluster, "app")
        self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        self.old = database_picture(self.cluster, "app")
        self.oid = self.cluster.oid_of("app")

    def sabotaged(self, statement, *options):
        running = self.start("restore", "database", "app", "--confirm", "--json", *options, pause=[STEP]).wait_for(STEP)
        self.cluster.sql("set session_replication_role = replica; " + statement, self.cluster.staging_database())
        return running.go(STEP).finish()

    def assert_old_one_there(self):
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        self.assert_holds(self.old, "app")
        self.assert_nothing_left()

    def test_every_change_of_one_row_is_found_and_its_table_named(self):
        for what, (statement, table) in SABOTAGE.items():
            with self.subTest(what):
                outcome = self.failed_with("PROOF_FAILED", self.sabotaged(statement))
                if table:
                    self.assertIn(table, " ".join(str(part) for part in outcome.error.values()), outcome)
                self.assert_old_one_there()
        # It was the sabotage, not the backup.
        self.succeeds("restore", "database", "app", "--confirm")
        self.assert_holds(self.original, "app")

    def test_the_error_for_people_names_the_table_and_what_to_do(self):
        running = self.start("restore", "database", "app", "--confirm", pause=[STEP]).wait_for(STEP)
        self.cluster.sql("delete from heap where a = 7", self.cluster.staging_database())
        outcome = self.ended(running.go(STEP).finish(), 3)
        for words in ("[FAIL]", "Restored Rows Differ", "heap", "How to Fix", "PROOF_FAILED"):
            self.assertIn(words, outcome.err)
        self.assert_old_one_there()

    def test_without_a_proof_the_old_database_is_kept(self):
        outcome = self.ended(self.tool.run("restore", "database", "app", "--confirm", "--no-proof", "--json"), 0)
        kept = self.cluster.database_of(self.oid)
        self.assertIsNotNone(kept)
        self.assertNotEqual("app", kept)
        self.assertIn(kept, outcome.text)
        [database] = outcome.document["databases"]
        self.assertFalse(database["proven"])
        self.assert_holds(self.old, kept)
        self.assert_holds(self.original, "app")

    def test_after_a_proof_the_old_database_is_dropped(self):
        outcome = self.succeeds("restore", "database", "app", "--confirm", "--json")
        [database] = outcome.document["databases"]
        self.assertTrue(database["proven"])
        self.assertIsNone(self.cluster.database_of(self.oid))

    def test_nobody_else_can_connect_to_the_staging_database(self):
        self.cluster.sql("create role curious login")
        running = self.start("restore", "database", "app", "--confirm", pause=[STEP]).wait_for(STEP)
        staging = self.cluster.staging_database()
        with self.assertRaisesRegex(Exception, "permission denied for database|too many connections for database"):
            self.cluster.sql("select 1", staging, role="curious")
        self.ended(running.go(STEP).finish(), 0)
        self.assertEqual("1", self.cluster.sql("select 1", "app", role="curious"))


if __name__ == "__main__":
    unittest.main()
