"""What newer majors of PostgreSQL added, each as far as the server knows it."""

import unittest

from support.clusters import MAJOR
from support.restored import RestoredCluster

CONTENTS = """
create role reader;
create table watched (id int primary key, v text); insert into watched values (1, 'x'), (2, 'y');
create view words as select v from watched;
"""
SINCE_14 = """
create table measured (a int, b text) partition by range (a);
create table measured_1 partition of measured for values from (0) to (10); create table measured_2 partition of measured for values from (10) to (20);
insert into measured values (1, 'one'), (11, 'eleven');
update pg_inherits set inhdetachpending = true where inhrelid = 'measured_2'::regclass;
alter table watched alter v set compression pglz;
"""
SINCE_15 = """
alter view words set (security_invoker = true);
create subscription two connection 'host=/nowhere' publication pub with (connect = false, two_phase = true, disable_on_error = true, binary = true);
create unlogged sequence quick; select setval('quick', 7);
create publication wide for tables in schema public;
create publication narrow for table watched (id) where (id > 1);
"""
SINCE_16 = """
create subscription theirs connection 'host=/nowhere' publication pub
  with (connect = false, origin = none, password_required = false, run_as_owner = true, streaming = parallel);
create collation ruled (provider = icu, locale = 'und', rules = '& V << w <<< W');
"""
SINCE_17 = """
create subscription kept connection 'host=/nowhere' publication pub with (connect = false, failover = true, slot_name = 'kept_slot');
grant maintain on watched to reader;
create collation plain (provider = builtin, locale = 'C.UTF-8');
create function entered() returns event_trigger language plpgsql as $$ begin null; end $$;
create event trigger e_login on login execute function entered();
create table moved (a int) partition by list (a) using heap; create table moved_1 partition of moved for values in (1); insert into moved values (1);
create table identified (id int generated always as identity (start 5), p int) partition by list (p);
create table identified_1 partition of identified for values in (1); insert into identified (p) values (1);
"""
SINCE_18 = """
create extension btree_gist;
create table stays (room int, during daterange, primary key (room, during without overlaps));
create table guests (room int, during daterange, name text, foreign key (room, period during) references stays (room, period during));
insert into stays values (1, '[2026-01-01,2026-02-01)'); insert into guests values (1, '[2026-01-05,2026-01-06)', 'Ann');
create table lax (a int constraint present not null no inherit, b int, constraint positive check (a > 0) not enforced);
insert into lax values (-1, null);
alter table lax add constraint later not null b not valid;
create table computed (a int, twice int generated always as (a * 2), thrice int generated always as (a * 3) stored);
insert into computed values (4);
create subscription streamed connection 'host=/nowhere' publication pub with (connect = false, streaming = off);
create publication computed_too for table computed with (publish_generated_columns = stored);
alter default privileges grant select on large objects to reader;
"""


class Newer(RestoredCluster):
    settings = {"wal_level": "logical"}

    @classmethod
    def fill(cls, cluster):
        contents = CONTENTS
        for major, text in ((14, SINCE_14), (15, SINCE_15), (16, SINCE_16), (17, SINCE_17), (18, SINCE_18)):
            if major <= MAJOR:
                contents += text
        cluster.create_database("one", contents=contents)

    def test_all_of_it_is_as_pg_dump_saw_it(self):
        """Fidelity: views: those that run with the rights of who reads them (security_invoker).
        Fidelity: publications: of all tables in a schema, with row filters and columns, with generated columns (18).
        Fidelity: privileges: MAINTAIN (17), defaults for large objects (18).
        Fidelity: collations and text search: rules of ICU (16), the builtin provider (17)."""
        self.assert_faithful(self.before)

    @unittest.skipUnless(MAJOR >= 14, "since 14")
    def test_a_partition_whose_detachment_was_interrupted_keeps_its_rows(self):
        """Fidelity: partitions: one whose DETACH CONCURRENTLY was interrupted comes back with its rows, as pg_dump describes it."""
        self.holds(["1|one", "11|eleven"], "select * from measured_1 union all select * from measured_2 order by 1")

    @unittest.skipUnless(MAJOR >= 15, "since 15")
    def test_subscriptions_keep_their_options(self):
        """Fidelity: subscriptions: with their options: binary, two_phase, disable_on_error, origin, streaming, run_as_owner, failover."""
        options = ["subbinary", "subdisableonerr", "subenabled"] + (["suborigin"] if MAJOR >= 16 else [])
        expected = ["t|t|f" + ("|any" if MAJOR >= 16 else "")]
        self.holds(expected, f"select {', '.join(options)} from pg_subscription where subname = 'two'")
        if MAJOR >= 16:
            self.holds(["none|f|t"], "select suborigin, subpasswordrequired, subrunasowner from pg_subscription where subname = 'theirs'")

    @unittest.skipUnless(MAJOR >= 18, "since 18")
    def test_temporal_keys_and_constraints_that_are_not_enforced(self):
        """Fidelity: constraints: of 18: WITHOUT OVERLAPS and PERIOD, NOT ENFORCED, NOT NULL by name, not inherited or not valid.
        Fidelity: tables: virtual generated columns (18)."""
        self.holds(["guests_room_during_fkey|t|t", "positive|f|f", "stays_pkey|t|t"], """
            select conname, conenforced, convalidated from pg_constraint
             where conname in ('stays_pkey', 'guests_room_during_fkey', 'positive') order by 1""")  # fmt: skip
        self.holds(["present|t|t", "later|f|f"], """
            select conname, convalidated, connoinherit from pg_constraint where contype = 'n' and conrelid = 'lax'::regclass order by 1 desc""")  # fmt: skip
        self.holds(["4|8|12"], "select * from computed")
        self.holds(["s", "v"], "select attgenerated from pg_attribute where attrelid = 'computed'::regclass and attgenerated <> '' order by 1")


if __name__ == "__main__":
    unittest.main()
