"""A restore into a server with few locks: it arrives with less at once, or is refused with the setting that would do."""

import os
import re
import unittest

from support.case import EndToEnd
from support.clusters import StatementFailed
from support.pictures import database_picture

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
MANY = {"max_locks_per_transaction": "4096"}
# 10 is the least that can be set. With so few backends the lock table has room for 10 x (20 + 1 + 1 + 2 + 1).
FEW = {"max_locks_per_transaction": "10", "max_connections": "20", "autovacuum_max_workers": "1",
       "max_worker_processes": "2", "max_wal_senders": "1"}  # fmt: skip
SINGLE_THREADED = "PostgreSQL locks insufficient - AUTO-ENABLING single-threaded mode"


def tree(name, leaves, column="id int not null"):
    return (f"create table {name} ({column}) partition by range (id);"
            + "".join(f"create table {name}{i} partition of {name} for values from ({i}) to ({i + 1});"
                      for i in range(leaves))
            + f"alter table {name} add primary key (id); insert into {name} select generate_series(0, {leaves - 1});")  # fmt: skip


def two_trees(leaves):
    """Foreign keys both ways are in both trees' every partition."""
    return tree("r", leaves) + tree("s", leaves)


KEYS = ("alter table s add constraint sr foreign key (id) references r (id);",
        "alter table r add constraint rs foreign key (id) references s (id);")  # fmt: skip


class LockBudget(EndToEnd):
    settings = MANY

    def setUp(self):
        super().setUp()
        self.init()

    def few_locks(self, **settings):
        target = self.another_cluster(settings={**FEW, **settings})
        self.tool.talk_to(target)
        return target

    def raise_locks(self, cluster, setting):
        cluster.configure(max_locks_per_transaction=setting)
        cluster.stop()
        cluster.start()

    def test_large_objects_and_tables_of_eight_databases_at_once_arrive_with_the_fewest_locks(self):
        objects, tables, leaves = (20_000, 5_000, 110) if LONG else (2_000, 504, 110)
        names = [f"db{i}" for i in range(8)]
        for name in names:
            contents = f"select lo_from_bytea(i, decode('00ff', 'hex')) from generate_series(10001, 10000 + {objects // 8}) i;"
            contents += "".join(f"create table t{i} (a int primary key, b text); insert into t{i} values ({i}, '{name}');"
                                for i in range(tables // 8))  # fmt: skip
            if name in ("db0", "db1"):
                contents += tree("r", leaves)
            self.cluster.create_database(name, contents=contents)
        before = {name: database_picture(self.cluster, name) for name in names}
        backup = self.back_up()

        target = self.few_locks(max_connections="40")
        outcome = self.succeeds("restore", "cluster", backup, "-j", "2", "--parallel-dbs", "8", "--confirm", "--json",
                                seconds=1500)  # fmt: skip
        plan = outcome.document["plan"]
        self.assertEqual([1, 1], [plan["workers"], plan["parallel_databases"]])
        locks = plan["locks"]
        self.assertEqual([16, 8, 2], [locks["workers_asked"], locks["parallel_databases_asked"], locks["jobs_asked"]])
        self.assertEqual([1, 10, "forcing sequential restore"],
                         [locks["workers"], locks["current_locks"], locks["auto_action"]])  # fmt: skip
        self.assertEqual(["conservative", locks["optimal_locks"]], [locks["strategy"], locks["recommended_lock_boost"]])
        self.assertGreater(locks["need_asked"], locks["available"])
        self.assertLessEqual(locks["need"], locks["available"])
        self.assertEqual(locks["available"] - locks["need"], locks["headroom"])
        self.assertEqual(locks["headroom"] * 100 // locks["available"], locks["headroom_percent"])
        [line] = [line for line in plan["preflight"] if line["check"] == "locks"]
        self.assertEqual("warning", line["verdict"])
        self.assertIn(SINGLE_THREADED, line["remedy"])
        [warning] = [one for one in outcome.document["warnings"] if one["kind"] == "locks-insufficient"]
        self.assertEqual(SINGLE_THREADED, warning["text"])
        self.assertEqual("forcing sequential restore", warning["fields"]["auto_action"])
        self.assertEqual(str(locks["optimal_locks"]), warning["fields"]["optimal_locks"])

        self.raise_locks(target, 4096)  # for the judge: pg_dump locks every table
        for name in names:
            self.assert_holds(before[name], name, target)
        self.assert_nothing_left(target)

    def test_what_suffices_for_all_at_once_is_named_and_does(self):
        for name in ("db0", "db1"):
            self.cluster.create_database(name, contents=tree("r", 110))
        backup = self.back_up()
        target = self.few_locks()
        argv = ("locks", backup, "-j", "2", "--parallel-dbs", "2", "--json")
        few = self.succeeds(*argv).document
        self.assertEqual("lowering parallelism" if few["workers"] > 1 else "forcing sequential restore", few["auto_action"])
        self.raise_locks(target, few["optimal_locks"])
        enough = self.succeeds(*argv).document
        self.assertEqual(["none", "parallel", 0], [enough[field] for field in ("auto_action", "strategy", "recommended_lock_boost")])
        self.assertEqual(4, enough["workers"])
        self.raise_locks(target, few["optimal_locks"] - 2)
        self.assertNotEqual("none", self.succeeds(*argv).document["auto_action"])

    def test_a_tree_of_partitions_is_refused_arrives_with_the_setting_named_and_would_fail_at_two_fifths_of_it(self):
        leaves = 1000 if LONG else 150
        self.cluster.create_database("tree", contents=two_trees(leaves))
        self.cluster.sql(KEYS[0], "tree")
        self.cluster.sql(KEYS[1], "tree")
        backup = self.back_up("database", "tree")
        target = self.few_locks()
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "tree", "--from", backup, "--confirm")
        self.assertEqual([], target.user_databases())
        [named] = {int(number) for step in outcome.error["solution"]
                   for number in re.findall(r"Set max_locks_per_transaction = (\d+)", step)}  # fmt: skip
        self.assertEqual(named, outcome.document["locks"]["minimal_locks"])
        self.assertFalse(outcome.document["locks"]["fits"])
        self.assertIn("foreign key", outcome.document["locks"]["hungriest"][0]["statement"])

        # The statement itself, without dbbackup: the number is not padded.
        self.raise_locks(target, max(named * 4 // 10, 10))
        target.create_database("by_hand")
        target.sql(two_trees(leaves), "by_hand")
        with self.assertRaisesRegex(StatementFailed, "out of shared memory"):
            target.sql(KEYS[0], "by_hand")
        target.drop_database("by_hand")

        self.raise_locks(target, named)
        self.succeeds("restore", "database", "tree", "--from", backup, "--confirm", seconds=900)
        self.raise_locks(target, 4096)
        self.assert_holds(database_picture(self.cluster, "tree"), "tree", target)
        self.assert_nothing_left(target)

    def test_locks_shows_the_calculation_and_changes_nothing(self):
        self.cluster.create_database("app", contents=tree("r", 30))
        backup = self.back_up()
        target = self.few_locks()
        document = self.succeeds("locks", backup, "-j", "2", "--json").document
        plan = self.succeeds("restore", "cluster", backup, "-j", "2", "--json").document["locks"]
        for field in set(plan) - {"in_use", "available", "headroom", "headroom_percent"}:
            self.assertEqual(plan[field], document[field], field)
        self.assertEqual("ANALYZE public.r", document["hungriest"][0]["statement"])
        self.assertEqual(62, document["hungriest"][0]["locks"])
        text = self.succeeds("locks", backup).out
        for words in ("max_locks_per_transaction 10 x (max_connections 20 + max_prepared_transactions 0)",
                      "beside the plain setting", "headroom", "Verdict:"):  # fmt: skip
            self.assertIn(words, re.sub(r"\s+", " ", text))
        self.assertEqual([], target.user_databases())

    def test_a_server_can_be_described_instead_of_asked(self):
        self.cluster.create_database("app", contents=tree("r", 30))
        backup = self.back_up()
        nowhere = {"PGHOST": str(self.folder)}
        document = self.succeeds("locks", backup, "-j", "1", "--max-locks", "10", "--max-connections", "5", "--max-prepared",
                                 "3", "--json", env=nowhere).document  # fmt: skip
        self.assertEqual([80, 80, 70], [document[field] for field in ("capacity_documented", "available", "need")])
        outcome = self.tool.run("locks", backup, "-j", "1", "--max-locks", "10", "--max-connections", "5", "--json", env=nowhere)
        self.assertEqual(5, outcome.code)
        self.assertEqual([False, 14], [outcome.document[field] for field in ("fits", "minimal_locks")])

    def test_the_known_examples_come_out_of_plain_arithmetic(self):
        """What the fallback was explained with: 2 x 4 workers of 8,000 locks, and one of 1,000, against 4,096."""
        nowhere = {"PGHOST": str(self.folder)}
        against = ("--max-locks", "4096", "--max-connections", "1", "--json")
        before = self.tool.run("locks", "--parallel-dbs", "2", "-j", "4", "--locks-per-worker", "8000", *against,
                               env=nowhere).document  # fmt: skip
        self.assertEqual([8, 64000, 4096, False],
                         [before[field] for field in ("workers_asked", "need_asked", "available", "sufficient")])  # fmt: skip
        after = self.succeeds("locks", "--parallel-dbs", "1", "-j", "1", "--locks-per-worker", "1000", *against,
                              env=nowhere).document  # fmt: skip
        self.assertEqual([1000, 3096, 75, True],
                         [after[field] for field in ("need", "headroom", "headroom_percent", "sufficient")])  # fmt: skip
        text = self.tool.run("locks", "--parallel-dbs", "2", "-j", "4", "--locks-per-worker", "8000", "--max-locks", "4096",
                             env=nowhere).out  # fmt: skip
        self.assertRegex(text, r"4,096 +headroom -59,904 \(-1462 %\): insufficient by the setting alone")
        self.assertRegex(text, r"409,600 +max_locks_per_transaction 4096 x")
        self.fails_with("USAGE", "locks", "-j", "1")


if __name__ == "__main__":
    unittest.main()
