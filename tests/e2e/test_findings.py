"""What a backup and a preflight say of things that will not come back, or that stand in the way."""

import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.installation import installation_with_extension


class InvalidIndexes(EndToEnd):
    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL)
        self.cluster.sql("create table twice (a int); insert into twice values (1), (1)", "app")
        with self.assertRaises(Exception):
            self.cluster.sql("create unique index concurrently twice_key on twice (a)", "app")
        self.assertEqual("f", self.cluster.value("select indisvalid from pg_index where indexrelid = 'twice_key'::regclass", "app"))
        # Whose parts are not all attached comes back as it was.
        self.cluster.sql("create table p (a int) partition by list (a); create table p1 partition of p for values in (1); "
                         "create index p_a on only p (a)", "app")  # fmt: skip
        self.init()

    def test_they_are_named_by_the_backup_and_the_preflight(self):
        """Fidelity: invalid indexes: that of a partitioned table, some of whose parts lack theirs, comes back as it was."""
        said = self.succeeds("backup", "database", "app", "--json").document
        [warning] = [warning for warning in said["warnings"] if warning["kind"] == "index-invalid"]
        self.assertIn("public.twice_key of twice, unique", warning["text"])
        self.assertTrue(said["complete"])
        self.assertEqual(["public.twice_key of twice, unique"], said["databases"][0]["invalid_indexes"])
        plan = self.succeeds("restore", "database", "app", "--as", "copy", "--json").document
        [line] = [line for line in plan["preflight"] if line["check"] == "indexes: app"]
        self.assertEqual("warning", line["verdict"])
        self.assertIn("twice_key", line["finding"])
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assertIsNone(self.cluster.value("select to_regclass('twice_key')", "copy"))
        self.assertEqual("f", self.cluster.value("select indisvalid from pg_index where indexrelid = 'p_a'::regclass", "copy"))

    def test_of_a_part_only_its_own_are_named(self):
        said = self.succeeds("backup", "database", "app", "--table", "stock.item", "--json").document
        self.assertEqual([], said["databases"][0]["invalid_indexes"])

    def test_without_any_nothing_is_said(self):
        self.cluster.sql("drop table twice", "app")
        self.back_up("database", "app")
        plan = self.succeeds("restore", "database", "app", "--as", "copy", "--json").document
        self.assertEqual([], [line for line in plan["preflight"] if line["check"].startswith("indexes")])


class BrokenControlFiles(EndToEnd):
    """A control file that cannot be read fails PostgreSQL's views over all extensions."""

    @classmethod
    def setUpClass(cls):
        pass

    def setUp(self):
        self.cluster = self.another_cluster()
        super().setUp()
        self.target = self.another_cluster(bindir=installation_with_extension(self.folder))
        self.extensions = self.folder / "installation"
        [control] = self.extensions.rglob("pg_cron.control")
        self.directory = control.parent
        self.cluster.create_database("app", contents=SMALL + "create extension pg_trgm;")
        self.init()
        self.back_up("database", "app")
        self.tool.talk_to(self.target)

    def break_control_file(self, name):
        path = self.directory / f"{name}.control"
        path.unlink(missing_ok=True)
        path.write_text("comment = 'broken\nno_such_thing = 1\n")

    def lines(self):
        plan = self.tool.run("restore", "database", "app", "--json").document
        return {line["check"]: line for line in plan["preflight"] if line["check"].startswith("extension")}

    def test_one_that_is_not_needed_is_named_and_does_no_harm(self):
        self.break_control_file("unaccent")
        line = self.lines()["extension: unaccent"]
        self.assertEqual("warning", line["verdict"])
        self.assertIn("unaccent.control", line["finding"])
        self.succeeds("restore", "database", "app", "--confirm")
        self.assertEqual("1", self.target.value("select count(*) from pg_extension where extname = 'pg_trgm'", "app"))

    def test_one_that_is_needed_is_refused(self):
        """Refused: extensions: one whose control file the target cannot read, by its name, before anything changes; one that is not
        needed does no harm."""
        self.break_control_file("pg_trgm")
        line = self.lines()["extension: pg_trgm"]
        self.assertEqual("refused", line["verdict"])
        self.assertIn("pg_trgm.control", line["finding"])
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--confirm")
        self.assertIn("pg_trgm", outcome.text)
        self.assertNotIn("app", self.target.databases())

    def test_one_that_is_missing_beside_a_broken_one_is_missing(self):
        self.break_control_file("unaccent")
        (self.directory / "pg_trgm.control").unlink()
        self.assertIn("not installed on the target: pg_trgm", self.lines()["extensions"]["finding"])


if __name__ == "__main__":
    unittest.main()
