"""The judge of fidelity sees what it must see, and lets pass only what `pg_dumpall | psql` changes as well."""

import unittest

from support.case import EndToEnd
from support.judge import Portrait, read_by_psql

CONTENTS = """
create role reader; create role writer;
create type mood as enum ('sad', 'ok');
create table t (id int primary key, v text default 'x', m mood);
insert into t values (1, 'one', 'ok'), (2, 'two', 'sad');
create index t_v on t (v);
create view v as select * from t;
create function f() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger tr after insert on t for each row execute function f();
create policy po on t using (true);
grant select on t to reader;
comment on table t is 'words';
create sequence s;
select lo_from_bytea(4711, 'large');
alter default privileges for role writer grant select on tables to reader;
alter database one set work_mem = '3MB';
"""

# One change each, of the kinds that a restore can get wrong.
CHANGES = """
update t set v = 'other' where id = 1
insert into t values (3, null, null)
alter table t alter v set default 'y'
alter table t alter v set statistics 7
alter type mood add value 'glad'
drop index t_v
create or replace view v as select id, v, m from t where true
alter table t disable trigger tr
alter table t enable row level security
alter policy po on t to reader
grant update on t to reader
grant select (id) on t to writer
comment on table t is 'Words'
alter sequence s cache 2
select nextval('s')
select lo_put(4711, 0, 'L')
grant select on large object 4711 to reader
alter default privileges for role writer revoke select on tables from reader
alter database one set work_mem = '4MB'
alter role writer in database one set work_mem = '4MB'
alter database one connection limit 5
grant create on database one to reader
comment on database one is 'one'
alter role reader login
grant reader to writer
alter role reader set work_mem = '5MB'
"""


class Judge(EndToEnd):
    def test_every_single_change_is_seen(self):
        self.cluster.create_database("one", contents=CONTENTS)
        portrait = Portrait(self.cluster, databases=["one"])
        self.assertEqual(set(), portrait.differences(Portrait(self.cluster, databases=["one"])))
        for change in CHANGES.strip().split("\n"):
            with self.subTest(change):
                self.cluster.sql(change, "one")
                changed = Portrait(self.cluster, databases=["one"])
                self.assertNotEqual(set(), portrait.differences(changed))
                portrait = changed

    def test_what_no_dump_keeps_is_told_apart_from_what_only_we_lose(self):
        """Limit: inheritance: a child that got a column of its own before an inherited one has them in another order afterwards, as
        after any restore by what pg_dump writes."""
        # pg_dump gives a child its inherited columns first, whenever they came; so does whoever restores by it.
        self.cluster.create_database("one", contents="""
            create table parent (a int); create table child (b int) inherits (parent); alter table parent add column late int;
            insert into child values (1, 2, 3);""")  # fmt: skip
        before = self.original()
        other = self.another_cluster()
        read_by_psql(before.whole_dump, other)
        self.assertNotEqual(set(), before.differences(Portrait(other)), "the order of columns differs")
        self.assert_faithful(before, other)
        other.sql("comment on table child is 'lost'", "one")
        with self.assertRaisesRegex(self.failureException, "lost"):
            self.assert_faithful(before, other)

    def test_the_order_in_which_objects_were_made_is_no_difference(self):
        one = "create function {}() returns int language sql as 'select 1'; create aggregate {}(int) (sfunc = int4pl, stype = int)"
        self.cluster.create_database("one", contents=";".join(one.format(f"f{i}", f"a{i}") for i in (1, 2, 3)))
        before = self.original()
        self.cluster.drop_database("one")
        self.cluster.create_database("one", contents=";".join(one.format(f"f{i}", f"a{i}") for i in (3, 1, 2)))
        self.assertEqual(set(), before.differences(Portrait(self.cluster)))


if __name__ == "__main__":
    unittest.main()
