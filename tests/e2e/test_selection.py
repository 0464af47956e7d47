"""Backups of a part: what pg_dump takes with the same options is what is in them, and a part never passes for the whole."""

import os
import re
import subprocess
import unittest

from support.case import EndToEnd
from support.contents import IS_NEWER, SMALL, SOMETHING_NEWER
from support.pictures import canonical, diff, database_picture

ODD = """
create schema "Odd Schema"; create schema logs; create schema extra;
create table "Odd Schema"."Order" (id int primary key, "a$b" text);
insert into "Odd Schema"."Order" values (1, 'x');
create table "Odd Schema"."or""der" as select 1 as a;
create table "Odd Schema"."dotted.name" as select 2 as a;
create table logs.log_2025 as select i from generate_series(1, 10) i;
create table logs.log_2026 as select i from generate_series(1, 20) i;
create table logs."LOG" as select 3 as a;
create table logs.logic as select 4 as a;
create table extra.a$b as select 5 as a;
create table extra.arr as select 6 as a;
create table extra.part (k int, v int) partition by list (k);
create table extra.part_1 partition of extra.part for values in (1);
create table extra.part_2 partition of extra.part for values in (2);
insert into extra.part values (1, 1), (2, 2);
create table hidden (a int); insert into hidden values (1);
create table public.log_2025 as select 1 as a;
create view logs.log_view as select * from logs.log_2025;
"""
# Each of these is given to pg_dump and to dbbackup.
SELECTIONS = [
    ["--table", "log_2025"],
    ["--table", "logs.log_*"],
    ["--table", "logs.log_202?"],
    ["--table", "LOGS.LOG_2025"],
    ["--table", 'logs."LOG"'],
    ["--table", '"Odd Schema".*'],
    ["--table", '"Odd Schema"."Order"', "--table", "extra.a*"],
    ["--table", '*."or""der"'],
    ["--table", '*."dotted.name"'],
    ["--table", "extra.a$b"],
    ["--table", "extra.part"],
    ["--table", "extra.part_(1|2)"],
    ["--table", "logs.log_(2025|2026)", "--exclude-table", "logs.*26"],
    ["--table", "stock.sale"],
    ["--table", "stock.*", "--schema", "logs"],
    ["--schema", "logs"],
    ["--schema", "l*", "--schema", '"O"*'],
    ["--schema", '"Odd Schema"', "--exclude-table", '*."Order"'],
    ["--exclude-schema", "l*"],
    ["--exclude-schema", "*", "--table", "stock.item"],
    ["--exclude-table", "*"],
    ["--exclude-table", "*.*2*"],
    ["--exclude-table-data", "logs.*"],
    ["--exclude-table-data", "extra.part"],
    ["--exclude-table-data", "extra.part_1", "--schema", "extra"],
    ["--exclude-table", "nothing_like_it*"],
    ["--schema-only"],
]


class Part(EndToEnd):
    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL + ODD)
        self.cluster.sql("alter database app set search_path = logs, public")
        self.init()

    def pg_dump(self, *options):
        environment = self.cluster.environment("app")
        environment["PATH"] = os.environ["PATH"]
        done = subprocess.run([str(self.cluster.bindir / "pg_dump"), *options], env=environment,
                              capture_output=True, check=True)  # fmt: skip
        return done.stdout

    def tables_of(self, backup):
        items = self.succeeds("show", backup, "--items", "--json").document["items"]
        return {(item["attributes"]["schema"], item["attributes"]["name"]) for item in items if item["kind"] == "table"}

    def tables_in_dump(self, *options):
        if "--schema-only" in options:
            return set()
        text = self.pg_dump("--data-only", *options).decode()
        copies = re.findall(r"^COPY (.*?) (?:\(.*\) )?FROM stdin;$", text, re.MULTILINE)
        return {tuple(part.strip('"').replace('""', '"') for part in re.fullmatch(
            r'("(?:[^"]|"")+"|[^.]+)\.(.*)', copy).groups()) for copy in copies}  # fmt: skip

    def test_the_tables_of_a_part_are_those_pg_dump_takes_with_the_same_options(self):
        for options in SELECTIONS:
            with self.subTest(options=options):
                backup = self.back_up("database", "app", *options)
                self.assertEqual(self.tables_in_dump(*options), self.tables_of(backup))

    def test_what_is_restored_is_what_pg_dump_would_have_dumped(self):
        for place, options in enumerate([["--exclude-table-data", "logs.*", "--exclude-table-data", "stock.sale"],
                                         ["--exclude-schema", "logs", "--exclude-table", '"Odd Schema".*'],
                                         ["--schema-only"]]):  # fmt: skip
            with self.subTest(options=options):
                expected = canonical(self.pg_dump(*options))
                backup = self.back_up("database", "app", *options)
                copy = f"copy_{place}"
                self.succeeds("restore", "database", "app", "--from", backup, "--as", copy, "--confirm")
                # Of a table without rows, pg_dump of the copy says that it has none.
                kept = [options[i:i + 2] for i in range(len(options)) if options[i] == "--exclude-table-data"]
                kept += [["--schema-only"]] if "--schema-only" in options else []
                actual = canonical(self.pg_dump_of(copy, *[word for pair in kept for word in pair]))
                self.assertEqual([], diff("the part", expected, actual))

    def pg_dump_of(self, database, *options):
        environment = self.cluster.environment(database)
        environment["PATH"] = os.environ["PATH"]
        return subprocess.run([str(self.cluster.bindir / "pg_dump"), *options], env=environment,
                              capture_output=True, check=True).stdout  # fmt: skip

    def test_what_was_left_out_is_in_the_document_and_in_show_and_list(self):
        outcome = self.succeeds("backup", "database", "app", "--exclude-table-data", "logs.*", "--exclude-table",
                                "hidden", "--exclude-table", "public.hidden", "--json")  # fmt: skip
        document = outcome.document
        self.assertTrue(document["complete"], "what was asked to be left out is no lack")
        self.assertTrue(document["part"])
        selection = document["databases"][0]["selection"]
        self.assertEqual(["logs.*"], selection["exclude_table_data"])
        self.assertEqual(1, selection["tables_omitted"])
        self.assertEqual(4, selection["tables_without_rows"])
        self.assertIn("table public.hidden", selection["omitted"])
        self.assertIn("rows of table logs.log_2025", selection["omitted"])
        text = self.succeeds("show", document["id"]).out
        self.assertIn("Left out on purpose", text)
        self.assertIn("rows of table logs.log_2025", text)
        self.assertIn("a part", self.succeeds("list").out)
        [listed] = self.succeeds("list", "--json").document["backups"]
        self.assertTrue(listed["part"])

    def test_a_part_does_not_replace_the_whole_unless_told_to(self):
        backup = self.back_up("database", "app", "--exclude-table", "public.hidden")
        self.cluster.sql(SOMETHING_NEWER, "app")
        whole = database_picture(self.cluster, "app")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--from", backup, "--confirm")
        self.assertIn("--replace-with-part", outcome.text)
        self.assert_holds(whole, "app")
        self.succeeds("restore", "database", "app", "--from", backup, "--replace-with-part", "--confirm")
        self.assertEqual("0", self.cluster.value(IS_NEWER, "app"))
        self.assertEqual("f", self.cluster.value("select to_regclass('public.hidden') is not null", "app"))

    def test_the_newest_backup_of_a_database_is_the_newest_of_all_of_it(self):
        self.back_up("database", "app", "--schema-only")
        outcome = self.fails_with("DATABASE_NOT_FOUND", "restore", "database", "app", "--confirm")
        self.assertIn("--from", outcome.text)
        whole = self.back_up("database", "app")
        part = self.back_up("database", "app", "--schema-only")
        self.assertLess(whole, part)
        plan = self.succeeds("restore", "database", "app", "--json").document
        self.assertEqual(whole, plan["backup"])

    def test_forgetting_old_backups_does_not_let_a_part_stand_in_for_the_whole(self):
        whole = self.back_up("database", "app")
        part = self.back_up("database", "app", "--schema-only")
        entries = {e["id"]: e for e in self.succeeds("forget", "--keep-last", "1", "--json").document["backups"]}
        self.assertFalse(entries[whole]["forget"])
        self.assertFalse(entries[part]["forget"])
        self.assertNotEqual(entries[whole]["group"], entries[part]["group"])

    def test_a_pattern_that_matches_nothing_or_is_none_is_refused(self):
        for pattern in ("no_such_table", "logs.", "other.logs.log_2025", "a.b.c.d", "logs.(", "app.hidden"):
            outcome = self.fails_with("USAGE", "backup", "database", "app", "--table", pattern)
            self.assertIn(pattern, outcome.error["message"])
        self.fails_with("USAGE", "backup", "database", "app", "--schema", "nowhere")
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])
        self.assertIn("Did you mean --exclude-table-data", self.fails_with(
            "USAGE", "backup", "database", "app", "--exclude-table-dta", "x").text)  # fmt: skip

    def test_databases_are_left_out_of_a_cluster_by_pattern(self):
        for name in ("test_1", "test_2", "Test"):
            self.cluster.create_database(name)
        outcome = self.succeeds("backup", "cluster", "--exclude-database", "test_?", "--exclude-database", '"Test"',
                                "--exclude-database", "none*", "--json")  # fmt: skip
        document = outcome.document
        self.assertTrue(document["complete"])
        self.assertEqual({"Test", "test_1", "test_2"}, set(document["excluded_databases"]))
        self.assertEqual({"app", "postgres", "template1"}, {d["name"] for d in document["databases"]})
        self.assertIn("none*", str(document["warnings"]))
        self.assertIn("test_1", self.succeeds("show", "latest").out)
        oid = self.cluster.oid_of("test_1")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual(oid, self.cluster.oid_of("test_1"), "what is not in the backup is not touched")
        self.fails_with("USAGE", "backup", "cluster", "--exclude-database", "*")


if __name__ == "__main__":
    unittest.main()
