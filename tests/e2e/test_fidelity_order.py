"""What the server computes while it is restored, and what depends on things of which it keeps no record."""

import unittest

from support.restored import RestoredCluster

COMPUTED = """
alter database one set timezone = 'America/New_York'; alter database one set datestyle = 'SQL, DMY';
alter database one set array_nulls = off; alter database one set temp_file_limit = '100kB';
"""
CONTENTS = """
create function day_of(timestamptz) returns date language sql immutable as 'select $1::date';
create function read_as_date(text) returns date language sql immutable as 'select $1::date';
create table sale (at timestamptz, said text, day date generated always as (day_of(at)) stored, meant date generated always as (read_as_date(said)) stored,
                   check (day_of(at) = day_of(at)));
insert into sale (at, said) values ('2026-11-20 23:30:00-05', '03/04/2020'), ('2026-11-20 12:00:00-05', '05/06/2021');
create index sale_by_day on sale (day_of(at));
create materialized view per_day as select at::date as day, count(*), min(at::text) from sale group by 1;
create table listed (v text[]); set array_nulls = on; insert into listed values ('{a,NULL}');

-- a view that reads another through a function, and one that row security keeps from its owner
create materialized view a_slow as select g, pg_sleep(0.05) is not null as s from generate_series(1, 10) g;
create materialized view a_top as select * from a_slow;
create function total() returns bigint language plpgsql stable as $$ begin return (select sum(g) from public.a_top); end $$;
create materialized view z_top as select total() as t; create unique index on z_top (t);
create role part; create table guarded (a int); insert into guarded values (1), (2); alter table guarded enable row level security;
create policy a_part on guarded to part using (a = 1); grant select on guarded to part;
grant usage, create on schema public to part;
set role part; create materialized view seen as select * from guarded; reset role;

-- rows whose columns and checks look into other tables: the larger ones here, which would be loaded first
create table category (id int primary key, name text); insert into category values (1, 'one'), (2, 'two');
create function name_of(i int) returns text language plpgsql immutable as $$ begin return (select name from public.category where id = i); end $$;
create table product (id int, c int, cname text generated always as (name_of(c)) stored); insert into product select g, 1 + g % 2 from generate_series(1, 5000) g;
create function known(i int) returns boolean language plpgsql as $$ begin return exists (select from public.category where id = i); end $$;
create domain known_category as int check (known(value));
create table item (c known_category); insert into item select 1 + g % 2 from generate_series(1, 5000) g;

-- indexes of one table of which one changes it
create table turned (a int not null, b int not null); insert into turned select g, -g from generate_series(1, 20000) g;
create unique index turned_a on turned (a); create index turned_b on turned (b); create index turned_ab on turned (a, b);
alter table turned cluster on turned_b; alter table turned replica identity using index turned_a;
"""


class Order(RestoredCluster):
    @classmethod
    def fill(cls, cluster):
        cluster.create_database("one")
        cluster.sql(COMPUTED)
        cluster.sql(CONTENTS, "one")
        # In the database `postgres`, which is filled in one transaction.
        cluster.sql("""create access method other type table handler heap_tableam_handler; create table aa (x int) using other;
                       create table bb (x int); create materialized view mm as select * from bb""")
        cls.source = cls.computed(cluster)

    @staticmethod
    def computed(cluster):
        fixed = "set timezone = 'UTC'; set datestyle = 'ISO';"
        return [cluster.psql(fixed + query, "one") for query in (
            "select at, said, day, meant from sale order by at", "table per_day order by 1", "table listed", "table z_top", "table seen",
            "select cname, count(*) from product group by 1 order by 1", "select count(*) from item")]  # fmt: skip

    def test_what_is_computed_is_computed_as_on_the_source(self):
        """Fidelity: rows: generated columns, indexes and materialized views are computed under the formats and the time zone of their
        database, and after the tables that their functions read."""
        self.assertEqual(self.source, self.computed(self.cluster))
        self.assertEqual([], self.restore_said.document["databases"][0]["warnings"])

    def test_an_index_finds_what_it_found(self):
        """Fidelity: indexes: on expressions that depend on settings of the database."""
        found = self.cluster.psql("set enable_seqscan = off; select count(*) from sale where day_of(at) = date '2026-11-20'", "one")
        self.assertEqual(b"2", found.strip())

    def test_an_index_that_marks_its_table(self):
        """Fidelity: indexes: CLUSTER ON and REPLICA IDENTITY of a table with several indexes."""
        self.holds(["turned_a|f|t", "turned_ab|f|f", "turned_b|t|f"],
                   "select indexrelid::regclass, indisclustered, indisreplident from pg_index where indrelid = 'turned'::regclass order by 1::text")  # fmt: skip

    def test_where_tables_lie_in_a_system_database(self):
        """Fidelity: postgres and template1: access methods and tablespaces of their tables."""
        self.holds(["aa|other", "bb|heap", "mm|heap"], """select relname, amname from pg_class c join pg_am a on a.oid = relam
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'm') order by 1""", "postgres")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
