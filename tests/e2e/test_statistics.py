"""What the planner knows of the rows after a restore: computed anew, or carried over from the backup."""

import os
import shutil
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR, temporary_folder
from support.contents import SMALL
from support.program import Tool

from test_versions import programs_of

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))

CONTENTS = """
create schema "Odd S";
create table skewed (id int primary key, kind text, amount numeric);
insert into skewed select i, 'k' || (i * i % 17), (i * 7919) % 1000 from generate_series(1, 20000) i;
create index skewed_part on skewed ((amount % 7)) where amount > 500;
create statistics correlated (dependencies, ndistinct) on kind, amount from skewed;
create table plain (a int, b text); insert into plain select i % 100, 'x' || i % 7 from generate_series(1, 5000) i;
create table "Odd S"."T 1" ("A b" int); insert into "Odd S"."T 1" select i % 3 from generate_series(1, 1000) i;
create table tree (k int, v text) partition by range (k);
create table tree_low partition of tree for values from (0) to (500);
create table tree_high partition of tree for values from (500) to (1000);
insert into tree select i % 1000, 'v' || i % 13 from generate_series(1, 10000) i;
create table parent (a int); create table child (b int) inherits (parent);
insert into parent select generate_series(1, 100); insert into child select i, i % 5 from generate_series(1, 900) i;
create materialized view summed as select kind, count(*) as n from skewed group by kind;
create table never_analyzed (a int); insert into never_analyzed select generate_series(1, 1000);
alter table plain alter a set statistics 7;
analyze skewed, plain, "Odd S"."T 1", tree, tree_low, tree_high, parent, child, summed;
"""
# Changes what ANALYZE would find, and not what was carried over.
PLANNER_KNOWS = """
select schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs,
       histogram_bounds, correlation
  from pg_stats where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2, 3, 4
"""
SIZES = """
select n.nspname, c.relname, c.relpages, c.reltuples from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relkind in ('r', 'p', 'm', 'i') order by 1, 2
"""


class ComputedAnew(EndToEnd):
    def test_every_table_and_root_has_statistics_after_a_restore(self):
        """Fidelity: statistics: computed anew by ANALYZE, in parallel, of tables, materialized views, roots of partitions and parents."""
        self.cluster.create_database("app", contents=CONTENTS)
        self.init()
        self.back_up("database", "app")
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        known = {tuple(row) for row in self.cluster.rows(
            "select distinct tablename, inherited from pg_stats where schemaname !~ '^pg_|^information'", "copy")}  # fmt: skip
        for table in ("skewed", "plain", "T 1", "tree_low", "tree_high", "summed", "never_analyzed"):
            self.assertIn((table, "f"), known)
        for root in ("tree", "parent"):
            self.assertIn((root, "t"), known)
        self.assertEqual("t", self.cluster.value("select stxdndistinct is not null from pg_statistic_ext_data", "copy"))

    @unittest.skipIf(MAJOR >= 18, "where there are no statistics to carry over")
    def test_where_there_are_none_to_carry_over_it_is_said_why(self):
        self.cluster.create_database("app", contents=SMALL)
        self.init()
        backup = self.succeeds("backup", "database", "app", "--statistics", "--json").document
        self.assertIn("statistics-unavailable", str(backup["warnings"]))
        plan = self.succeeds("restore", "database", "app", "--as", "copy", "--statistics", "--json").document
        [line] = [line for line in plan["preflight"] if line["check"] == "statistics: app"]
        self.assertEqual("warning", line["verdict"])
        self.assertIn("18 is the first", line["finding"])
        self.assertFalse(plan["databases"][0]["carry_statistics"])
        self.succeeds("restore", "database", "app", "--as", "copy", "--statistics", "--confirm")
        self.assertNotEqual("0", self.cluster.value("select count(*) from pg_stats where schemaname = 'stock'", "copy"))


@unittest.skipUnless(MAJOR >= 18 or LONG, "takes PostgreSQL 18, which is fetched; set DBBACKUP_TEST_LONG")
class CarriedOver(EndToEnd):
    @classmethod
    def setUpClass(cls):
        pass

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.cluster = self.another_cluster(**({} if MAJOR >= 18 else {"bindir": programs_of(18)}))
        self.tool = Tool(self.folder)
        self.tool.environment["PATH"] = f"{self.cluster.bindir}:{os.environ['PATH']}"
        self.tool.talk_to(self.cluster)
        self.cluster.create_database("app", contents=CONTENTS)
        self.init()

    def knows(self, database):
        return [self.cluster.rows(question, database) for question in (PLANNER_KNOWS, SIZES)]

    def test_what_the_planner_knew_is_what_it_knows_after_a_restore(self):
        """Fidelity: statistics: from 18 on `backup --statistics` and `restore --statistics` carry the planner's statistics over as they
        were, without ANALYZE; what belongs to CREATE STATISTICS is computed anew."""
        # What ANALYZE would find is another thing by now.
        self.cluster.sql("update plain set b = 'all the same'; delete from tree where k < 900; "
                         "create table grown as select generate_series(1, 10) a; analyze grown; "
                         "insert into grown select generate_series(1, 10000)", "app")  # fmt: skip
        self.cluster.sql("alter table plain set (autovacuum_enabled = off); alter table grown set (autovacuum_enabled = off)", "app")
        before = self.knows("app")
        self.back_up("database", "app", "--statistics")
        plan = self.succeeds("restore", "database", "app", "--as", "copy", "--statistics", "--json").document
        [line] = [line for line in plan["preflight"] if line["check"] == "statistics: app"]
        self.assertEqual("ok", line["verdict"])
        result = self.succeeds("restore", "database", "app", "--as", "copy", "--statistics", "--confirm", "--json").document
        self.assertEqual([], result["databases"][0]["warnings"])
        self.assertEqual(before, self.knows("copy"))
        self.assertEqual("t", self.cluster.value("select stxdndistinct is not null from pg_statistic_ext_data", "copy"))
        self.succeeds("restore", "database", "app", "--as", "anew", "--confirm")
        self.assertNotEqual(before, self.knows("anew"))
        self.assertEqual("10010", self.cluster.value("select reltuples from pg_class where relname = 'grown'", "anew"))

    def test_a_whole_cluster_carries_them(self):
        before = self.knows("app")
        self.back_up("cluster", "--statistics")
        self.cluster.sql("drop database app")
        self.succeeds("restore", "cluster", "latest", "--statistics", "--confirm")
        self.assertEqual(before, self.knows("app"))

    def test_without_them_in_the_backup_it_is_said_why(self):
        for options, why in (([], "made without --statistics"), (["--statistics", "--exclude-table-data", "plain"], "left out on purpose")):
            with self.subTest(options=options):
                backup = self.back_up("database", "app", *options)
                plan = self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--statistics", "--json").document
                [line] = [line for line in plan["preflight"] if line["check"] == "statistics: app"]
                self.assertEqual("warning", line["verdict"])
                self.assertIn(why, line["finding"])
        self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--statistics", "--confirm")
        self.assertNotEqual("0", self.cluster.value("select count(*) from pg_stats where tablename = 'never_analyzed'", "copy"))

    def test_a_part_carries_those_of_its_tables(self):
        backup = self.back_up("database", "app", "--table", "tree*", "--statistics")
        self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--statistics", "--confirm")
        of_tree = [[row for row in rows if row[1].startswith("tree")] for rows in self.knows("app")]
        self.assertEqual(of_tree, self.knows("copy"))


if __name__ == "__main__":
    unittest.main()
