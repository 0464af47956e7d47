"""Objects of a database whose restore goes wrong easily: one assertion each of what came back, and all of it by pg_dump."""

import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.restored import RestoredCluster

CONTENTS = """
create role reader;

-- triggers and rules
create table watched (id int primary key, v text); insert into watched values (1, 'x');
create function noted() returns trigger language plpgsql as $$ begin raise exception 'fired by the restore'; end $$;
create trigger t_on after insert on watched for each row execute function noted();
create trigger t_off after insert on watched for each row execute function noted(); alter table watched disable trigger t_off;
create trigger t_replica after insert on watched for each row execute function noted(); alter table watched enable replica trigger t_replica;
create trigger t_always after insert on watched for each row execute function noted(); alter table watched enable always trigger t_always;
create table parted (a int) partition by range (a); create table parted_1 partition of parted for values from (0) to (10);
create trigger t_parted after insert on parted for each row execute function noted(); alter table parted_1 disable trigger t_parted;
create rule r_off as on delete to watched do instead nothing; alter table watched disable rule r_off;
create function seen() returns event_trigger language plpgsql as $$ begin raise exception 'seen %', tg_tag; end $$;

-- sequences
create table counted (id int generated always as identity (start 10 increment 5), s serial, b bigserial);
insert into counted default values; insert into counted default values;
create sequence loose start 7; select setval('loose', 70, false);
create sequence owned owned by counted.id;
alter sequence counted_s_seq owned by none; alter sequence counted_s_seq owned by counted.s;

-- materialised views: each over the one before, created in an order that is not that of their names
create materialized view z_first as select 1 as n; create materialized view y_second as select n + 1 as n from z_first;
create view x_between as select * from y_second; create materialized view a_third as select n + 1 as n from x_between;
create materialized view unpopulated as select n from a_third with no data; create unique index on a_third (n);

-- tables of odd forms
create table no_columns (); insert into no_columns default values; insert into no_columns default values;
create table dropped (a int, b text, c int); insert into dropped values (1, 'x', 2); alter table dropped drop column a;
create unlogged table unlogged_one (a int); insert into unlogged_one values (1);
create table kept (a text, e int); alter table kept add constraint named check (a <> '') not valid; alter table kept alter a set statistics 55;
create index bad on kept (a);
create table with_generated (a int, g int generated always as (a * 2) stored); insert into with_generated values (4);

-- constraints
create table p (id int primary key); create table c (id int primary key, p int references p deferrable initially deferred);
alter table p add column c int; alter table p add constraint circle foreign key (c) references c not valid;
begin; insert into c values (1, 1); insert into p values (1, 1); commit;
create table booked (during int4range, exclude using gist (during with &&) deferrable); insert into booked values ('[1,2)');
create table violated (id int, p int);
insert into violated values (1, 999); alter table violated add constraint violated_fk foreign key (p) references p not valid;

-- foreign data, publications, subscriptions
create foreign data wrapper nothing; create server far foreign data wrapper nothing options (host 'x');
create user mapping for reader server far options (password 'secret');
create foreign table far_away (a int options (x 'y') not null) server far;
create publication pub for table watched with (publish = 'insert');
create subscription sub connection 'host=/nowhere' publication pub with (connect = false, slot_name = 'kept_slot', enabled = false);

-- statistics, comments, text search
create statistics together (dependencies) on id, v from watched; alter statistics together set statistics 33;
comment on column watched.v is 'words'; comment on constraint watched_pkey on watched is 'key';

create event trigger e_off on ddl_command_end execute function seen(); alter event trigger e_off disable;
create event trigger e_on on sql_drop when tag in ('DROP AGGREGATE') execute function seen();
create event trigger e_always on ddl_command_start when tag in ('CREATE CONVERSION') execute function seen();
alter event trigger e_always enable always;
"""


class Objects(RestoredCluster):
    settings = {"wal_level": "logical"}

    @classmethod
    def fill(cls, cluster):
        cluster.create_database("one", contents=CONTENTS)
        cluster.sql("update pg_index set indisvalid = false where indexrelid = 'bad'::regclass", "one")
        cluster.sql("update pg_subscription set subenabled = true where subname = 'sub'", "one")
        if MAJOR >= 15:
            cluster.sql("create table nulls (a int unique nulls not distinct)", "one")

    def test_all_of_it_is_as_pg_dump_saw_it(self):
        """Limit: invalid indexes: what CREATE INDEX CONCURRENTLY left broken is in no dump, and is not restored; backup and preflight
        name it."""
        self.assert_faithful(self.before)
        self.holds(["0"], "select count(*) from pg_class where relname = 'bad'")

    def test_triggers_keep_their_states_and_do_not_fire(self):
        """Fidelity: triggers: with their states (disabled, replica, always), also where a partition's differs; none fires
        while rows are loaded.
        Fidelity: rules: with their states."""
        self.holds(["watched|t_always|A", "watched|t_off|D", "watched|t_on|O", "watched|t_replica|R"],
                   "select tgrelid::regclass, tgname, tgenabled from pg_trigger where tgrelid = 'watched'::regclass and not tgisinternal order by 2")  # fmt: skip
        self.holds(["parted|O", "parted_1|D"], "select tgrelid::regclass, tgenabled from pg_trigger where tgname = 't_parted' order by tgrelid::regclass::text")
        self.holds(["D"], "select ev_enabled from pg_rewrite where rulename = 'r_off'")

    def test_event_triggers_come_last_with_their_states(self):
        """Fidelity: event triggers: with their states and tags, created when everything else is there, so that none sees the restore."""
        self.holds(["e_always|A", "e_off|D", "e_on|O"], "select evtname, evtenabled from pg_event_trigger order by 1")

    def test_sequences_go_on_where_they_were(self):
        """Fidelity: sequences: value, whether it was used, options, owner; identity columns with their options and values."""
        self.holds(["70|f"], "select last_value, is_called from loose")
        self.holds(["20|3|3"], "insert into counted default values returning *")
        self.holds(["counted.b", "counted.id", "counted.id", "counted.s"], """
            select refobjid::regclass || '.' || attname from pg_depend join pg_attribute on attrelid = refobjid and attnum = refobjsubid
             where classid = 'pg_class'::regclass and refobjid = 'counted'::regclass and deptype in ('a', 'i')
               and objid in (select oid from pg_class where relkind = 'S') order by 1""")  # fmt: skip

    def test_materialised_views_are_refreshed_in_their_order(self):
        """Fidelity: materialized views: refreshed after those they read; unpopulated ones stay so; with their indexes."""
        self.holds(["3"], "select n from a_third")
        self.holds(["f"], "select relispopulated from pg_class where relname = 'unpopulated'")

    def test_tables_of_odd_forms(self):
        """Fidelity: tables: also without columns, with dropped columns, unlogged (with their rows), with generated columns
        (computed anew), with storage options and statistics targets."""
        self.holds(["2"], "select count(*) from no_columns")
        self.holds(["x|2"], "select * from dropped")
        self.holds(["u|1"], "select relpersistence, a from pg_class, unlogged_one where relname = 'unlogged_one'")
        self.holds(["4|8"], "select * from with_generated")
        self.holds(["55"], "select attstattarget from pg_attribute where attrelid = 'kept'::regclass and attname = 'a'")

    def test_constraints_of_odd_forms(self):
        """Fidelity: constraints: not valid (and violated), deferrable, exclusion, circles of foreign keys, NULLS NOT DISTINCT."""
        self.holds(["booked|x|t", "c|f|t", "kept|c|f", "p|f|f", "violated|f|f"], """
            select conrelid::regclass, contype, case contype when 'x' then condeferrable else convalidated end from pg_constraint
             where contype in ('f', 'x', 'c') and conrelid in ('booked'::regclass, 'c'::regclass, 'kept'::regclass, 'p'::regclass,
                   'violated'::regclass) order by conrelid::regclass::text""")  # fmt: skip
        self.holds(["1|999"], "select * from violated")
        if MAJOR >= 15:
            self.holds(["t"], "select indnullsnotdistinct from pg_index where indrelid = 'nulls'::regclass")

    def test_foreign_data_is_described_not_copied(self):
        """Fidelity: foreign tables: with servers, options and user mappings (their passwords are in the backup).
        Limit: foreign tables: the rows stay where they are; they are in no backup."""
        self.holds(["{password=secret}"], "select umoptions from pg_user_mappings")
        self.holds(["f|{x=y}"], "select c.relkind, attfdwoptions from pg_attribute join pg_class c on c.oid = attrelid where relname = 'far_away' and attname = 'a'")

    def test_subscriptions_come_back_disabled(self):
        """Fidelity: publications: with tables, schemas, row filters, columns and options.
        Fidelity: subscriptions: with connection string, publications and slot name, disabled and not connected.
        Limit: subscriptions: they are not enabled, because a copy would take the changes that are meant for the original."""
        self.holds(["sub|f|kept_slot|host=/nowhere"], "select subname, subenabled, subslotname, subconninfo from pg_subscription")
        self.holds(["pub|t|f"], "select pubname, pubinsert, pubdelete from pg_publication")

    def test_statistics_objects_and_comments(self):
        """Fidelity: statistics objects: with their targets; the planner's statistics are computed anew by ANALYZE.
        Fidelity: comments: on every kind of object that can have one."""
        self.holds(["together|33"], "select stxname, stxstattarget from pg_statistic_ext")
        self.holds(["words"], "select col_description('watched'::regclass, 2)")
        self.holds(["t"], "select count(*) > 0 from pg_stats where tablename = 'watched'")


class NeedsASearchPath(EndToEnd):
    def test_what_works_only_with_a_search_path_fails_and_is_named(self):
        """Refused: functions: one that needs a certain search_path and is used by an index, a check or a generated column cannot be run while
        it is restored, as with pg_restore: the restore names it and leaves the old database. Give it SET search_path."""
        self.cluster.create_database("one", contents="""
            create function inner_one(text) returns text language sql immutable as 'select $1';
            create function plain(text) returns text language sql immutable as 'select inner_one($1)';
            create table words (w text check (plain(w) <> '')); insert into words values ('a');""")  # fmt: skip
        self.init()
        self.back_up()
        oid = self.cluster.oid_of("one")
        outcome = self.fails_with("SERVER_ERROR", "restore", "database", "one", "--confirm")
        self.assertIn("words", outcome.text)
        self.assertIn("inner_one", outcome.text)
        self.assertEqual(oid, self.cluster.oid_of("one"))
        self.assert_nothing_left()
        self.cluster.sql("alter function plain(text) set search_path = public", "one")
        self.back_up()
        self.succeeds("restore", "database", "one", "--confirm")


if __name__ == "__main__":
    unittest.main()
