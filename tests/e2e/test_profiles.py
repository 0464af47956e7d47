"""How much of a machine a restore takes: profiles, --jobs, --parallel-dbs; and that nothing of the server is changed for it."""

import os
import re
import signal
import unittest

from support.case import EndToEnd
from support.contents import SLOW_ELSEWHERE, SMALL
from support.waiting import wait_until

# Says in the server's log how much memory an index build may take.
TELL_MEMORY = """
create function tell(a int) returns int language plpgsql immutable as $$
begin raise warning 'index memory %', current_setting('maintenance_work_mem'); return a; end $$;
create table told (a int); insert into told values (1); create index on told (tell(a));
"""


class Profiles(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()

    def plan(self, *argv, **options):
        return self.succeeds("restore", "cluster", "latest", *argv, "--json", **options).document

    def work(self, *argv, **options):
        plan = self.plan(*argv, **options)
        return [plan["workers"], plan["parallel_databases"]]

    def test_each_profile_stands_for_numbers_that_the_plan_shows(self):
        for name in "abcd":
            self.cluster.create_database(name)
        self.back_up()
        processors = len(os.sched_getaffinity(0))
        for names, expected in ((("low", "conservative"), [1, 1]),
                                (("balanced", None), [processors, 1]),
                                (("high", "aggressive"), [processors, 2]),
                                (("ultra", "max"), [2 * processors, 4])):  # fmt: skip
            for name in names:
                with self.subTest(name=name):
                    argv = ["--profile", name] if name else []
                    self.assertEqual(expected, self.work(*argv))
                    plan = self.plan(*argv)
                    self.assertEqual(names[0], plan["profile"])
                    self.assertIn(f"for {processors} processor", plan["profile_numbers"])
                    self.assertIn(f"maintenance_work_mem {plan['maintenance_work_mem_mib']} MiB", plan["profile_numbers"])
        self.assertIn("Profile: low: 1 worker for", self.succeeds("restore", "cluster", "latest", "--profile", "low").out)
        outcome = self.fails_with("USAGE", "restore", "cluster", "latest", "--profile", "fast")
        self.assertIn("balanced", " ".join(outcome.error["solution"]))

    def test_what_is_explicit_wins_over_the_profile_and_the_profile_over_the_configuration(self):
        for name in "abc":
            self.cluster.create_database(name)
        self.back_up()
        self.assertEqual([3, 1], self.work("--profile", "low", "-j", "3"))
        self.assertEqual([1, 3], self.work("--profile", "low", "--parallel-dbs", "3"))
        configuration = self.folder / "config.yaml"
        configuration.write_text("jobs: 5\nparallel_databases: 2\n")
        configured = ("--config", configuration)
        self.assertEqual([5, 2], self.work(*configured))
        self.assertEqual([1, 1], self.work(*configured, "--profile", "low"))
        self.assertEqual([4, 2], self.work(*configured, "-j", "4"))

    def test_never_more_databases_at_once_than_there_are(self):
        self.cluster.create_database("app")
        self.back_up()
        self.assertEqual([2, 1], self.work("-j", "2", "--parallel-dbs", "8"))

    def test_the_time_expected_is_said_with_the_assumption(self):
        self.cluster.create_database("app", contents=SMALL)
        self.back_up()
        self.assertRegex(self.succeeds("restore", "cluster", "latest").out, r"Expected: about \d+ s, at .*/s \(assuming")
        plan = self.plan("--dry-run", "--confirm")
        self.assertFalse(plan["executed"])
        self.assertGreater(plan["expected_seconds"], 0)
        self.assertIn("MB/s", plan["expected_assumption"])

    def test_so_many_jobs_build_indexes_at_once(self):
        self.cluster.create_database("app", contents=SLOW_ELSEWHERE + "".join(
            f"create table t{i} (a int); insert into t{i} values (1); create index on t{i} (slow(a));" for i in range(5)))
        self.back_up()
        building = "select count(*) from pg_stat_activity where state = 'active' and query ~ '^CREATE INDEX'"
        for jobs in (1, 3):
            with self.subTest(jobs=jobs):
                running = self.start("restore", "database", "app", "--as", "copy", "-j", jobs, "--confirm")
                wait_until(lambda: running.ended or int(self.cluster.value(building)) >= jobs, "index builds", seconds=90)
                self.assertFalse(running.ended, "it ended before it built indexes")
                self.assertEqual(jobs, int(self.cluster.value(building)))
                running.send(signal.SIGINT).finish()
                self.assert_nothing_left()

    def test_so_many_databases_are_restored_at_once(self):
        for name in "abcd":
            self.cluster.create_database(name, contents="create table t (a int)")
        self.back_up()
        staging = "select count(*) from pg_database where datname ~ '^dbbackup_staging_'"
        for at_once in (1, 3):
            with self.subTest(at_once=at_once):
                running = self.start("restore", "cluster", "latest", "-j", "1", "--parallel-dbs", at_once, "--confirm",
                                     pause=["pre-data-done"]).wait_for("pre-data-done")  # fmt: skip
                wait_until(lambda: int(self.cluster.value(staging)) >= at_once, "staging databases", seconds=60)
                self.assertEqual(at_once, int(self.cluster.value(staging)))
                self.ended(running.go("pre-data-done").finish(), 0)
                self.assert_nothing_left()

    def test_index_builds_get_the_memory_that_the_plan_names(self):
        self.cluster.create_database("app", contents=TELL_MEMORY)
        self.back_up()
        for argv in (["--profile", "low"], ["--profile", "ultra"], ["-j", "64", "--profile", "low"]):
            with self.subTest(argv=argv):
                mebibytes = self.plan(*argv)["maintenance_work_mem_mib"]
                before = len(re.findall("index memory", self.cluster.log.read_text(errors="replace")))
                self.succeeds("restore", "database", "app", "--old", "drop", *argv, "--confirm")
                told = re.findall(r"index memory (\w+)", self.cluster.log.read_text(errors="replace"))[before:]
                expected = "1GB" if mebibytes == 1024 else f"{mebibytes}MB"
                self.assertEqual({expected}, set(told))

    def test_the_servers_configuration_is_never_changed_and_it_is_not_restarted(self):
        self.cluster.create_database("app", contents=SMALL)
        self.back_up()

        def configuration():
            queries = ("select name, setting, source, sourcefile, pending_restart from pg_settings "
                       "where source not in ('client', 'session') order by name",
                       "select * from pg_file_settings order by seqno", "select * from pg_db_role_setting",
                       "select pg_postmaster_start_time(), pg_conf_load_time()")  # fmt: skip
            names = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf")
            files = [(self.cluster.data / name).read_text() for name in names]
            return [self.cluster.rows(query) for query in queries] + files

        before = configuration()
        for profile in ("low", "ultra"):
            self.succeeds("restore", "cluster", "latest", "--profile", profile, "--confirm")
        self.assertEqual(before, configuration())


if __name__ == "__main__":
    unittest.main()
