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


class Progress(EndToEnd):
    settings = {"shared_buffers": "128MB", "max_wal_size": "2GB"}

    def restored(self, sizes, contents=""):
        """Backs up databases of these sizes (MiB of rows), restores them into the wiped server, and returns the events."""
        self.init()
        for name, mebibytes in sizes.items():
            self.cluster.create_database(name, contents=wide_table("wide", mebibytes) + INDEXES + contents)
        self.tool.run("backup", "cluster", "--json", seconds=1800)
        for name in sizes:
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
            mistakes.append(abs(event["left_seconds"] - left) / left)
            lines.append(f"{event['phase']:12} {event['work_percent']:5.1f} % said {event['left_seconds']:5} left {left:6.1f}")
        print("\n".join([f"worst {max(mistakes):.0%} of {ended - begun:.0f} s", *lines]), flush=True)
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
