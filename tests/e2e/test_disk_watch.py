"""A restore onto a disk that fills up is stopped before the server is: a server without room for its log is gone for all."""

import os
import re
import shlex

from support.case import EndToEnd
from support.clusters import give_to_server_user
from support.contents import wide_table
from support.waiting import wait_until

MIB = 1 << 20
RESERVE = 3 * 16 * MIB + 64 * MIB  # three segments of the log, and 64 MiB


def free_on(place):
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize


class DiskWatch(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()

    def small_server(self):
        """A server on a file system of its own, with an old database, and a backup that is larger."""
        place = self.small_file_system("800m")
        source = self.another_cluster()
        source.create_database("app", contents=wide_table("wide", 60) + "create index on wide (a);")
        self.tool.talk_to(source)
        self.back_up("database", "app")
        source.close()
        small = self.another_cluster(place=place, settings={"max_wal_size": "64MB", "min_wal_size": "32MB"})
        self.tool.talk_to(small)
        small.create_database("app", contents="create table old (a int); insert into old values (7)")
        return place, small

    def fill(self, place, leave):
        """Somebody else's file takes the rest."""
        file = place / "somebody-elses"
        with open(file, "wb") as out:
            os.posix_fallocate(out.fileno(), 0, free_on(place) - leave)
        give_to_server_user(file)
        return file

    def test_it_is_stopped_before_the_disk_is_full_and_goes_on_when_there_is_room(self):
        place, small = self.small_server()
        began = small.value("select pg_postmaster_start_time()")
        oid = small.oid_of("app")
        running = self.start("restore", "database", "app", "--confirm", "--json", "--progress", "json", "-j", "1",
                             pause=["pre-data-done:app"]).wait_for("pre-data-done:app")  # fmt: skip
        others = self.fill(place, RESERVE + 40 * MIB)  # room for some of the rows, not for all
        running.go("pre-data-done:app")
        outcome = self.failed_with("DISK_FULL", running.finish())
        self.assertEqual(2, outcome.code)
        self.assertIn("117 MB of it in reserve", outcome.error["cause"])
        self.assertIn(str(place), outcome.error["cause"])
        warned = [event for event in running.events() if event.get("kind") == "disk-space"]
        self.assertRegex(warned[0]["text"], r"^Disk space: \d+% used \([\d.]+ MB free\) - may fail if restore needs > [\d.]+ MB")
        self.assertGreater(int(warned[0]["fields"]["needed_bytes"]), 40 * MIB)
        # The server never noticed, and the old database is there.
        self.assertEqual(began, small.value("select pg_postmaster_start_time()"))
        self.assertNotIn("PANIC", small.log.read_text(errors="replace"))
        self.assertNotIn("No space left", small.log.read_text(errors="replace"))
        self.assertEqual("7", small.value("select a from old", "app"))
        self.assertEqual(oid, small.oid_of("app"))
        self.assert_nothing_left(small)
        wait_until(lambda: free_on(place) > RESERVE, "what was written is given back")

        others.unlink()
        [step] = [step for step in outcome.error["solution"] if "--resume-from-manifest" in step]
        words = shlex.split(re.search(r"dbbackup .*--confirm$", step)[0])
        document = self.succeeds(*words[1:], "--json").document
        self.assertTrue(document["databases"][0]["proven"], document)
        self.assertEqual("314572", small.value("select count(*) from wide", "app"))

    def test_a_disk_with_room_is_not_spoken_of(self):
        place, small = self.small_server()
        self.assertGreater(free_on(place), 400 * MIB)
        running = self.start("restore", "database", "app", "--confirm", "--json", "--progress", "json")
        self.ended(running.finish(), 0)
        self.assertEqual([], [event["text"] for event in running.events() if event.get("kind") == "disk-space"])
        small.close()

    def small_file_system(self, size):
        """Without one this file proves nothing: it says so, instead of being passed over."""
        if os.geteuid() != 0:
            self.fail("these tests mount a small file system, which takes root")
        return super().small_file_system(size)
