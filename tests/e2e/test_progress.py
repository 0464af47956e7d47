"""What a restore says of the time left is held against the time it took, from outside."""

import os
import statistics
import time
import unittest

from support.case import EndToEnd
from support.contents import wide_table
from support.waiting import wait_until

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
INDEXES = "alter table wide add primary key (id); create index on wide (a); create index on wide (c);"

# Databases unlike each other, and unlike those by which the weights were measured (bench/restore_weights.py), some GB of
# rows and indexes each.
ORDERS = """
    create table customer (id bigint primary key, name varchar(60) not null, since date);
    insert into customer select i, 'Customer no. ' || md5(i::text), date '2020-01-01' + i % 2000
      from generate_series(1, 300000) i;
    create table purchase (id bigint, customer bigint, token uuid, at timestamptz, amount numeric(10,2), state varchar(10));
    insert into purchase select i, 1 + i::bigint * 7919 % 300000, md5(i::text)::uuid, timestamptz '2026-01-01 00:00Z' + i * interval '7 s',
        i % 99991 / 100.0, (array['open', 'paid', 'sent', 'returned'])[1 + i % 4]
      from generate_series(1, 6000000) i;
    alter table purchase add primary key (id), add foreign key (customer) references customer;
    create unique index on purchase (token); create index on purchase (customer, at); create index on purchase (state)
    """
DOCUMENTS = """
    create table document (id int primary key, title text, attributes jsonb, body text);
    insert into document select i, 'On ' || md5(i::text),
        jsonb_build_object('author', 'a' || i % 999, 'pages', i % 300, 'tags', jsonb_build_array('t' || i % 50, 'u' || i % 70)),
        (select string_agg(md5((i * 37 + j)::text), ' ') from generate_series(1, 5 + i % 60) j)
      from generate_series(1, 600000) i;
    create index on document using gin (attributes); create index on document (lower(title)); create index on document (title)
    """
SMALL_TABLES = "".join(f"""
    create table place_{i} (id int primary key, name text, country char(2), area float8, seen timestamptz);
    insert into place_{i} select j, 'Place ' || md5((j * {i})::text), chr(65 + j % 26) || 'X', j * 1.7, now()
      from generate_series(1, {2000 + i * 40}) j;
    create index on place_{i} (name); create index on place_{i} (country, area);
    """ for i in range(1, 401))  # fmt: skip
PEOPLE = """
    create table person (id int primary key, family text collate "de-x-icu", given text collate "de-x-icu", mail text collate "C");
    insert into person select i, initcap(translate(left(md5(i::text), 9), '0123456789', 'aeioulnrst')),
        initcap(translate(left(md5((i % 5000)::text), 6), '0123456789', 'aeioulnrst')), md5((-i)::text) || '@example.org'
      from generate_series(1, 8000000) i;
    create index on person (family, given); create unique index on person (mail)
    """


class Progress(EndToEnd):
    settings = {"shared_buffers": "128MB", "max_wal_size": "2GB"}

    def restored(self, sizes, contents=""):
        """Backs up databases of wide rows of these sizes (MiB), restores them into the wiped server, and returns the events."""
        self.init()
        return self.restored_contents({name: wide_table("wide", mebibytes) + INDEXES + contents
                                       for name, mebibytes in sizes.items()})  # fmt: skip

    def restored_contents(self, databases):
        self.cluster.wipe()
        for name, contents in databases.items():
            self.cluster.create_database(name, contents=contents)
        self.tool.run("backup", "cluster", "--json", seconds=1800)
        for name in databases:
            self.cluster.drop_database(name)
        running = self.start("restore", "cluster", "latest", "--confirm", "--json", "--progress", "json")
        seen = []

        def all_seen():
            ended = running.ended
            seen.extend((time.monotonic(), event) for event in running.events()[len(seen):])
            return ended

        wait_until(all_seen, "the restore ends", 3000)
        self.ended(running.finish(), 0)
        self.shown = [(when, event) for when, event in seen if event["event"] == "progress"]
        return [event for when, event in self.shown], running

    def mistakes(self):
        """Of what was said to be left from a tenth of the time on, as shares of what was left; not of the very end."""
        begun, ended = self.shown[0][0], self.shown[-1][0]
        mistakes, lines = [], []
        for when, event in self.shown:
            left = ended - when
            if when - begun < (ended - begun) / 10 or left < max(1, (ended - begun) / 20):
                continue
            # Seconds are said whole, rounded up.
            mistakes.append(max(0, abs(event["left_seconds"] - 0.5 - left) - 0.5) / left)
            lines.append(f"{event['phase']:12} {event['work_percent']:5.1f} % said {event['left_seconds']:5} left {left:6.1f}")
        first = self.shown[0][1]["left_seconds"]
        print("\n".join([f"worst {max(mistakes):.0%} of {ended - begun:.1f} s, {first} s said at first", *lines]), flush=True)
        self.assertGreater(len(lines), 5)
        return mistakes

    def test_a_small_and_a_large_database_are_foretold_from_a_tenth_of_the_time_on(self):
        events, running = self.restored({"small": 20, "large": 2048} if LONG else {"small": 5, "large": 200})
        mistakes = self.mistakes()
        if LONG:
            self.assertLess(max(mistakes), 0.3)
        else:  # beside other tests, a machine is now fast and now slow
            self.assertLess(statistics.median(mistakes), 0.3)
        shares = [event["work_percent"] for event in events]
        self.assertEqual(shares, sorted(shares), "what is done is not undone")
        self.assertGreater(shares[-1], 95)

    @unittest.skipUnless(LONG, "takes two minutes, and the machine for itself")
    def test_databases_of_many_kinds_are_foretold_within_a_factor(self):
        """What an index costs before the first was built is a guess from its definition: 30 % is not to be had for all."""
        kinds = {"orders": ORDERS, "documents": DOCUMENTS, "places": SMALL_TABLES, "people": PEOPLE}
        self.init()
        for kind, contents in kinds.items():
            with self.subTest(kind):
                self.restored_contents({kind: contents})
                self.assertLess(max(self.mistakes()), 1.5)

    def test_bytes_are_those_of_rows_once_and_databases_are_counted_beside(self):
        events, running = self.restored({"small": 1, "large": 20})
        [total] = {event["total_bytes"] for event in events if event["total_bytes"]}
        databases = running.finish().document["databases"]
        self.assertEqual(sum(database["row_bytes"] for database in databases), total)
        self.assertEqual(total, events[-1]["done_bytes"], "also after the proof, which reads them again")
        self.assertEqual(100, events[-1]["percent"])
        last = events[-1]
        self.assertEqual(last["databases_total"], last["databases_done"])

    def test_an_index_that_is_built_shows_how_far_it_is(self):
        # Some six seconds, spread over many blocks.
        events, running = self.restored({"large": 10}, """
            create function slow(a int) returns int language plpgsql immutable as $$
            begin if current_database() <> 'large' and a % 20 = 0 then perform pg_sleep(0.002); end if; return a; end $$;
            create index on wide (slow(id))""")  # fmt: skip
        shown = [event["object"] for event in events if event["phase"] == "indexes"]
        self.assertTrue([text for text in shown if "building index" in text and " %" in text], shown)


if __name__ == "__main__":
    unittest.main()
