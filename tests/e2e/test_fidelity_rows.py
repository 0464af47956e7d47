"""Rows and large objects of the kinds that a copy as text gets wrong, or cannot carry."""

import os
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.restored import RestoredCluster

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))

# Settings of the roles and databases involved change the text of values; the backup and the proof must not see it.
DISTURBING = """
alter role postgres set datestyle = 'SQL, DMY'; alter role postgres set intervalstyle = 'sql_standard';
alter role postgres set extra_float_digits = -10; alter role postgres set timezone = 'Asia/Kathmandu';
alter role postgres set bytea_output = 'escape'; alter role postgres set xmlbinary = 'hex';
alter database one set lc_monetary = 'C'; alter database one set standard_conforming_strings = off;
alter database one set default_transaction_isolation = 'serializable'; alter database one set row_security = off;
alter database one set search_path = 'evil'; alter database one set check_function_bodies = on;
alter role postgres set default_transaction_read_only = on; alter role postgres set statement_timeout = '100ms';
"""
CONTENTS = """
create table floats (f float8, r real, n numeric);
insert into floats values ('-0', 'NaN', 'NaN'), ('Infinity', '-Infinity', 1e-1000), (0.1, 0.1, 0.10), (4.9e-324, 1e-45, 3.0000);
create table times (d date, t timestamptz, i interval, z timetz);
insert into times values ('infinity', '-infinity', '-1 year 2 mons -3 days 04:05:06.789', '23:59:60+14'),
    ('4713-01-01 BC', '0044-03-15 12:00:00.000001+00 BC', '178000000 years', '00:00-12');
create table texts (id int, t text); insert into texts values (1, E'\\\\.'), (2, E'\\\\N'), (3, ''), (4, null), (5, E'a\\tb\\rc\\nd\\\\e\\x0b\\x08'),
    (6, chr(1) || chr(127) || U&'\\+10FFFF');
create table bytes (b bytea); insert into bytes values ('\\x00ff5c0a'), (''), (decode(repeat('00ff5c', 400000), 'hex'));
create table oids (o oid, c regclass, p regprocedure, t regtype); insert into oids values (4711, 'oids', 'lower(text)', 'int');
create table docs (j json, jb jsonb, x xml); insert into docs values ('{"a":1,  "a":2}', '{"b":[1e300,null]}', '<a>é<!-- x --></a>');
create table arrays (a int[], b text[]); insert into arrays values ('[-1:0][2:3]={{1,null},{3,4}}', '{"a,b",NULL,"NULL","\\"q"}'), ('{}', '{}');
create type mood as enum ('z', 'a'); alter type mood add value 'm' before 'a';
create table by_mood (m mood, id int) partition by hash (m);
create table by_mood_0 partition of by_mood for values with (modulus 2, remainder 0);
create table by_mood_1 partition of by_mood for values with (modulus 2, remainder 1);
insert into by_mood select (enum_range(null::mood))[1 + i % 3], i from generate_series(1, 300) i;
create table by_text (k text) partition by hash (k); create table by_text_0 partition of by_text for values with (modulus 2, remainder 0);
create table by_text_1 partition of by_text for values with (modulus 2, remainder 1); insert into by_text select 'k' || i from generate_series(1, 300) i;
create table twins (a int); insert into twins select 1 from generate_series(1, 100);
create table hot (a int primary key, b text) with (fillfactor = 50); insert into hot select i, 'x' from generate_series(1, 100) i; update hot set b = 'y' where a % 2 = 0; delete from hot where a % 3 = 0;
select lo_create(6001); select lo_from_bytea(6002, 'small'); select lo_create(6003); select lo_put(6003, 3000000, 'after a hole');
select lo_from_bytea(6004, decode(repeat('00ff', 500000), 'hex')); comment on large object 6001 is 'empty';
"""


class Rows(RestoredCluster):
    @classmethod
    def fill(cls, cluster):
        cluster.create_database("one", contents=CONTENTS)
        cluster.sql(DISTURBING)

    @classmethod
    def after_backup(cls, cluster):
        cluster.drop_database("one")

    def test_all_of_it_is_as_pg_dump_saw_it(self):
        """Fidelity: rows: every value comes back as it was, whatever settings of roles and databases say about its text: floats
        to the last digit, infinite and ancient times, control characters, arrays with bounds, json as it was written.
        Fidelity: proof: fingerprints do not depend on settings of roles and databases."""
        self.assert_faithful(self.before)

    def test_rows_in_hash_partitions(self):
        """Fidelity: partitions: range, list, hash, nested, default, attached with other columns; rows of trees with a hash of an
        enum find their partition anew."""
        self.holds(["300|3"], "select count(*), count(distinct m) from public.by_mood")
        self.holds(["t"], "select bool_and(found) from (select exists (select from public.by_mood b where b.m = e.m) as found from unnest(enum_range(null::public.mood)) e(m)) x")
        self.holds(["300"], "select count(*) from public.by_text")
        for number in (1, 150, 300):
            self.holds(["1"], f"select count(*) from public.by_text where k = 'k{number}'")

    def test_large_objects(self):
        """Fidelity: large objects: contents, empty ones, holes, owners, privileges by grantor, comments; their numbers stay."""
        self.holds(["6001|0", "6002|5", "6003|3000012", "6004|1000000"],
                   "select oid, length(lo_get(oid)) from pg_largeobject_metadata order by oid")  # fmt: skip


class HashOfEnums(EndToEnd):
    def test_rows_whose_hash_has_an_enum_inside_find_their_partition_anew(self):
        """Fidelity: partitions: rows of trees with a hash of arrays, composites, ranges or domains of enums, or of names of
        objects (regclass), find their partition anew."""
        keys = {"array": "many", "range": "moods", "name": "regclass"}
        values = {"array": "array[m, m]::many", "range": "moods(m, null)", "name": "'item'::regclass"}
        if MAJOR >= 14:
            keys.update({"row": "few", "rows": "few[]", "multirange": "moods_multirange"})
            values.update({"row": "(m, i)::few", "rows": "array[(m, i)::few]", "multirange": "moods_multirange(moods(m, m, '[]'))"})
        self.cluster.create_database("one", contents="""
            create table item (a int); create type mood as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
            create domain many as mood[]; create type few as (m mood, n int); create type moods as range (subtype = mood);
            """)  # fmt: skip
        for name, kind in keys.items():
            self.cluster.sql(f"create table by_{name} (k {kind}, id int) partition by hash (k);" + "".join(
                f"create table by_{name}_{i} partition of by_{name} for values with (modulus 5, remainder {i});" for i in range(5))
                + f"insert into by_{name} select {values[name]}, i from unnest(enum_range(null::mood)) with ordinality x(m, i)", "one")  # fmt: skip
        self.init()
        self.back_up()
        self.succeeds("restore", "database", "one", "--as", "two", "--confirm")
        for name in keys:
            rows = f"select k, id from by_{name} order by id"
            self.assertEqual(self.cluster.rows(rows, "one"), self.cluster.rows(rows, "two"))
        moved = 0
        for name in keys:
            where = f"select tableoid::regclass, id from by_{name} order by id"
            moved += self.cluster.rows(where, "one") != self.cluster.rows(where, "two")
        self.assertGreater(moved, 0, "or this test shows nothing")


@unittest.skipUnless(LONG, "takes minutes and gigabytes; set DBBACKUP_TEST_LONG")
class TooMuch(EndToEnd):
    settings = {"max_locks_per_transaction": "64", "shared_buffers": "256MB"}

    def test_a_row_whose_text_is_longer_than_a_gigabyte(self):
        """Fidelity: rows of more than 1 GiB as text: PostgreSQL cannot write them as text (a bytea of 512 MiB is enough); the rows of
        such a table are stored, restored and proven in COPY's binary format."""
        self.cluster.create_database("one", contents="""
            create table fine (a int); insert into fine values (1);
            create table huge (id int, b bytea, t text); alter table huge alter b set storage external;
            insert into huge values (1, 'x', 'small'), (3, null, '');
            insert into huge select 2, half || half, null from (select decode(repeat('01', 300 * 1000 * 1000), 'hex') as half) h;""")  # fmt: skip
        self.init()
        self.succeeds("backup", "cluster", seconds=900)
        outcome = self.succeeds("restore", "database", "one", "--as", "two", "--confirm", "--json", seconds=900)
        self.assertTrue(outcome.document["databases"][0]["proven"])
        rows = "select id, length(b), md5(b), t from huge order by id"
        self.assertEqual(self.cluster.rows(rows, "one"), self.cluster.rows(rows, "two"))
        self.succeeds("check", "--read-data", seconds=900)

    def test_a_row_that_is_too_long_in_binary_as_well(self):
        """Limit: rows of more than 1 GiB as text: a row of more than 1 GiB in binary format cannot be read by any client. The rows of
        such a table are left out and named, and the backup is marked incomplete (exit code 4)."""
        self.cluster.create_database("one", contents="""
            create table huge (a bytea, b bytea); alter table huge alter a set storage external, alter b set storage external;
            insert into huge select half || half from (select decode(repeat('01', 300 * 1000 * 1000), 'hex') as half) h;
            update huge set b = a;""")  # fmt: skip
        self.init()
        said = self.tool.run("backup", "cluster", "--json", seconds=900)
        self.ended(said, 4)
        self.assertIn("rows of table public.huge", said.text)

    def test_a_hundred_thousand_large_objects_come_back_with_owners_and_rights(self):
        """Fidelity: large objects: a hundred thousand of them, with few locks to take."""
        self.cluster.sql("create role a; create role b")
        self.cluster.create_database("one")
        for first in range(1, 100001, 5000):  # in one transaction, their locks would be too many
            self.cluster.sql(f"""
                do $$ begin for i in {first}..{first + 4999} loop
                    perform lo_from_bytea(100000 + i, convert_to('object ' || i, 'UTF8'));
                    if i % 2 = 0 then execute format('alter large object %s owner to a', 100000 + i); end if;
                    if i % 3 = 0 then execute format('grant select on large object %s to b', 100000 + i); end if;
                end loop; end $$""", "one")  # fmt: skip
        fingerprint = """select count(*), md5(string_agg(m.oid::text || lomowner::regrole || coalesce(lomacl::text, '') || encode(lo_get(m.oid), 'hex'), ',' order by m.oid))
            from pg_largeobject_metadata m"""
        before = self.cluster.rows(fingerprint, "one")
        self.assertEqual("100000", before[0][0])
        self.init()
        self.back_up(seconds=900)
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=900)
        self.assertEqual(before, self.cluster.rows(fingerprint, "one"))


if __name__ == "__main__":
    unittest.main()
