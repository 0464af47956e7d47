"""Restored rows are frozen, so that no vacuum against wraparound has to write them all again."""

import re

from support.case import EndToEnd

# A row a page: larger than a part of a backup (256 MiB), and soon made.
SPARSE = """
create table {name} (id int, filler text) with (fillfactor = 10, autovacuum_enabled = false);
alter table {name} alter filler set storage plain;
insert into {name} select i, repeat('x', 800) from generate_series(1, {rows}) i;
"""


class Frozen(EndToEnd):
    settings = {"log_statement": "all"}

    def test_rows_are_frozen_whether_the_table_was_loaded_in_parts_or_not(self):
        self.cluster.create_database("app", contents=SPARSE.format(name="small", rows=500) + SPARSE.format(name="large", rows=34_000))
        self.init()
        self.back_up("database", "app")
        begun = self.cluster.log.stat().st_size
        self.succeeds("restore", "database", "app", "--as", "copy", "--jobs", "4", "--confirm")
        with open(self.cluster.log, encoding="utf-8", errors="replace") as log:
            log.seek(begun)
            copies = re.findall(r"LOG:  statement: COPY \S*(large|small)\S* .*FROM STDIN", log.read())
        self.assertEqual(1, copies.count("small"))
        self.assertGreater(copies.count("large"), 1, "it was loaded in parts")
        self.cluster.sql("create extension pg_visibility", "copy")
        for name, rows in (("small", 500), ("large", 34_000)):
            with self.subTest(table=name):
                self.assertEqual(str(rows), self.cluster.value(f"select count(*) from {name}", "copy"))
                pages, frozen = self.cluster.rows(
                    f"select count(*), count(*) filter (where all_frozen) from pg_visibility_map('{name}')", "copy")[0]
                self.assertGreaterEqual(int(pages), rows)
                # VACUUM freezes the rows of a page whose transaction is not on disk yet, but cannot mark the page: some dozens.
                self.assertGreaterEqual(int(frozen), int(pages) * 0.99 if name == "large" else int(pages))
                self.assertEqual("0", self.cluster.value(f"select count(*) from pg_check_frozen('{name}')", "copy"))
        newest = "select max(age(relfrozenxid)) < (select min(age(xmin)) from large) from pg_class where oid = 'large'::regclass"
        self.assertEqual("t", self.cluster.value(newest, "copy"), "nothing in it is younger than what is frozen")
