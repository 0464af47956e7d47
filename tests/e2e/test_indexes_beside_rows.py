"""Indexes and keys of a table are built while others load: those that need no more than the rows of their own table."""

import re
import signal
import unittest

from support.case import EndToEnd
from support.pictures import database_picture
from support.waiting import wait_until

# Rows of `held` are loaded as soon as a test lets go of the lock. It is the largest, and begun first.
CONTENTS = """
create function plus(a int) returns int language sql immutable as 'select $1 + 1';
create table held (a int check (pg_advisory_xact_lock_shared(20, a) is not null), filler text);
insert into held select 7, repeat(md5(g::text), 30) from generate_series(1, 3000) g;
create index held_a on held (a);
create table small (id int primary key, a int unique, b text not null, c int);
insert into small select g, -g, g::text, g % 10 from generate_series(1, 2000) g;
create index small_lower on small (lower(b)) where c < 5;
create index small_plus on small (plus(c));
create index small_where_plus on small (c) where plus(c) > 3;
create index small_clustered on small (b); alter table small cluster on small_clustered;
create table child (a int references small (a), c int default 5, exclude using btree (a with =));
insert into child select -g from generate_series(1, 1000) g;
create index child_a on child (a, c); alter table child add foreign key (c) references small;
create table parted (a int not null, b text) partition by list (a);
create table parted_1 partition of parted for values in (1); create table parted_2 partition of parted for values in (2);
insert into parted select 1 + g % 2, g::text from generate_series(1, 1000) g;
create index parted_b on parted (b); alter table parted add primary key (a, b);
"""
# Those of partitions wait for those of their parents, which every load into a partition locks.
AT_ONCE = {"small_pkey", "small_a_key", "small_lower", "small_clustered", "child_a"}
INDEXES = "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace"


class IndexesBesideRows(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=CONTENTS)
        self.original = database_picture(self.cluster, "app")
        self.back_up()

    def hold_a_load(self, *argv):
        """A restore in the midst of the rows of `held`; and the session that lets it go on when it ends."""
        running = self.start("restore", "database", "app", *argv, "--confirm", "--json", "--progress", "json",
                             pause=["pre-data-done"]).wait_for("pre-data-done")  # fmt: skip
        self.staging = self.cluster.staging_database()
        holder = self.session(self.staging)
        holder.run("select pg_advisory_lock(20, 7)")
        running.go("pre-data-done")
        return running, holder

    def indexes(self):
        return {row[0] for row in self.cluster.rows(INDEXES, self.staging)}

    def sessions(self, condition="true"):
        return int(self.cluster.value(f"""select count(*) from pg_stat_activity
            where datname = '{self.staging}' and application_name ~ '^dbbackup.*(rows|schema)$' and {condition}"""))

    def active(self):
        return self.sessions("state = 'active'")

    def assert_restored(self, outcome):
        self.ended(outcome, 0)
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()

    def test_what_needs_one_table_is_built_while_another_loads_and_the_rest_waits(self):
        for jobs in (2, 4):
            with self.subTest(jobs=jobs):
                running, holder = self.hold_a_load("--jobs", jobs)
                wait_until(lambda: self.indexes() >= AT_ONCE, "indexes beside the load", 60)
                wait_until(lambda: self.active() == 1, "only the load is left", 30)
                self.assertLessEqual(self.sessions(), jobs)
                self.assertEqual(AT_ONCE, self.indexes())
                self.assertEqual("0", self.cluster.value("select count(*) from pg_constraint where contype = 'f'", self.staging))
                holder.close()
                outcome = running.finish()
                self.assert_restored(outcome)
                shown = [event["phase"] for event in running.events() if event.get("phase") in ("rows", "indexes")]
                self.assertIn("indexes", shown)

    def test_one_worker_loads_everything_first(self):
        running, holder = self.hold_a_load("--jobs", "1")
        wait_until(lambda: self.sessions("wait_event = 'advisory'") == 1, "the load", 60)
        self.assertEqual(set(), self.indexes())
        holder.close()
        self.assert_restored(running.finish())

    def test_a_restore_killed_meanwhile_builds_nothing_twice(self):
        running, holder = self.hold_a_load("--jobs", "2")
        wait_until(lambda: self.indexes() >= AT_ONCE, "indexes beside the load", 60)
        running.send(signal.SIGKILL)
        running.finish(30)
        holder.close()
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
        before = self.cluster.log.stat().st_size
        [manifest] = (self.tool.home / ".local/state/dbbackup").glob("restore-manifest-*.json")
        self.cluster.sql("alter system set log_statement = 'all'")
        self.addCleanup(self.cluster.sql, "alter system reset log_statement")
        self.cluster.reload()
        self.assert_restored(self.succeeds("restore", "database", "--resume-from-manifest", manifest, "--confirm", "--json"))
        with open(self.cluster.log, encoding="utf-8", errors="replace") as log:
            log.seek(before)
            text = log.read()
        self.assertIn("small_plus", text)
        self.assertEqual([], re.findall(r"CREATE INDEX (?:small_lower|small_clustered|child_a) ", text))
        self.assertEqual(['"public"."held"'], re.findall(r"LOG:  statement: COPY (\S+) .*FROM STDIN", text))

    def test_an_index_that_fails_meanwhile_ends_the_load_and_is_named_with_its_phase(self):
        # A unique index that is not: as what broke while it was not looked after.
        ready = "update pg_index set indisready = {} where indexrelid = 'twice_a'::regclass"
        for statement in ("create table twice (a int); create unique index twice_a on twice (a)", ready.format("false"),
                          "insert into twice values (1), (1)", ready.format("true")):  # fmt: skip
            self.cluster.sql(statement, "app")
        self.back_up()
        running, holder = self.hold_a_load("--jobs", "2")
        outcome = running.finish(60)
        holder.close()
        [app] = outcome.document["databases"]
        self.assertEqual("post-data", app["failure"]["phase"])
        self.assertIn("twice_a", app["failure"]["object"])
        self.assertIn("CREATE UNIQUE INDEX twice_a", app["failure"]["statement"])
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
