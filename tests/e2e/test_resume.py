"""A restore that was stopped at any moment goes on where it stopped: --resume-from-manifest."""

import json
import os
import re
import shlex
import shutil
import signal
import time
import unittest
from collections import Counter

from support.case import EndToEnd
from support.contents import SMALL, SOMETHING_NEWER
from support.pictures import database_picture
from support.program import SOURCE
from support.steps import AFTER_SWAP, OF_BACKUP, OF_OTHERS, OF_RESTORE
from support.waiting import wait_until

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
BEFORE_ROWS = ("globals-done", "staging-created:app", "schema-entry-done:app", "pre-data-done:app")


def steps_in_source():
    """The names in every call of at_step() below src/logical."""
    names = set()
    for path in (SOURCE / "src/logical").glob("*.cc"):
        for argument in re.findall(r"at_step\(([^;]*)\);", path.read_text()):
            names.update(re.findall(r'(?<!== )"([a-z-]+)"', argument))
    return names


class Resumed(EndToEnd):
    settings = {"log_statement": "all"}

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.original = database_picture(self.cluster, "app")
        self.backup = self.back_up()
        self.cluster.sql(SOMETHING_NEWER, "app")
        self.old = database_picture(self.cluster, "app")

    @property
    def manifests(self):
        return sorted((self.tool.home / ".local/state/dbbackup").glob("restore-manifest-*.json"))

    def take_away_manifests(self):
        for manifest in self.manifests:
            manifest.unlink()

    def killed_at(self, step, *argv):
        running = self.start(*argv, pause=[step]).wait_for(step)
        running.send(signal.SIGKILL)
        running.finish(30)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)

    def resume(self, *argv):
        [manifest] = self.manifests
        self.assertRegex(manifest.name, r"^restore-manifest-\d{8}\.json$")
        return self.succeeds("restore", "cluster", "--resume-from-manifest", manifest, "--confirm", "--json", *argv)

    def assert_all_is_done(self):
        [manifest] = self.manifests
        document = json.loads(manifest.read_text())
        self.assertEqual((document["total"], document["succeeded"]), (document["succeeded"], document["total"]), document)
        self.assertEqual([[], [], None], [document[name] for name in ("failed", "skipped", "continue_from")])
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()
        self.assertEqual(["app"], self.cluster.user_databases())

    def copies_into_staging(self, since):
        """How often rows of each table were copied into a staging database, by the server's own log."""
        with open(self.cluster.log, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return Counter(re.findall(r'dbbackup_staging_\S+ LOG:  statement: COPY (\S+) .*FROM STDIN', log.read()))

    def assert_is_new_or_untouched(self, step, oid):
        """What stands in the place of the database, after something was killed at the step."""
        if step in AFTER_SWAP:
            self.assert_holds(self.original, "app")
        else:
            self.assertEqual(oid, self.cluster.oid_of("app"))
            self.assert_holds(self.old, "app")

    def assert_nothing_was_loaded_twice(self, step, since):
        if step not in BEFORE_ROWS:
            twice = {table: times for table, times in self.copies_into_staging(since).items() if times > 1}
            self.assertEqual({}, twice, "loaded twice")

    def make_it_old_again(self):
        if database_picture(self.cluster, "app") == self.original:
            self.cluster.sql(SOMETHING_NEWER, "app")

    def test_no_step_of_a_restore_is_forgotten_here(self):
        tried = {step.split(":")[0] for step in [*OF_BACKUP, *OF_RESTORE, *OF_OTHERS]}
        self.assertEqual(tried, steps_in_source(), "tests/e2e/support/steps.py has them in order")

    def test_dbbackup_killed_at_every_step_goes_on_to_a_proven_restore(self):
        hit = Counter()
        for step in OF_RESTORE:
            with self.subTest(step=step):
                self.take_away_manifests()
                self.make_it_old_again()
                begun = self.cluster.log.stat().st_size
                oid = self.cluster.oid_of("app")
                # One worker, so that nothing else is in flight when a table is loaded.
                self.killed_at(step, "restore", "cluster", self.backup, "--confirm", "--jobs", "1")
                hit[step] += 1
                self.assert_is_new_or_untouched(step, oid)
                outcome = self.resume()
                [app] = [one for one in outcome.document["databases"] if one["name"] == "app"]
                self.assertTrue(app["restored"] and app["proven"], outcome)
                self.assert_all_is_done()
                self.assert_nothing_was_loaded_twice(step, begun)
        self.assertEqual(set(OF_RESTORE), set(hit))

    def test_a_server_killed_at_every_step_is_gone_on_with_when_it_is_back(self):
        for step in OF_RESTORE:
            with self.subTest(step=step):
                self.take_away_manifests()
                self.make_it_old_again()
                begun = self.cluster.log.stat().st_size
                oid = self.cluster.oid_of("app")
                # One worker, so that nothing else is in flight when a table is loaded.
                argv = ["restore", "cluster", self.backup, "--confirm", "--json", "--jobs", "1"]
                running = self.start(*argv, pause=[step]).wait_for(step)
                self.cluster.sql("checkpoint")
                self.cluster.crash()
                running.go(step)
                outcome = running.finish()
                self.assert_sane(outcome)
                self.cluster.start()
                wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
                if outcome.code != 0:
                    self.assertIn("--resume-from-manifest", " ".join(outcome.error["solution"]), outcome)
                self.assert_is_new_or_untouched(step, oid)
                self.resume()
                self.assert_all_is_done()
                self.assert_nothing_was_loaded_twice(step, begun)

    def test_unlogged_rows_that_a_crash_took_are_loaded_again(self):
        self.cluster.sql("create unlogged table scratch as select i from generate_series(1, 50) i", "app")
        self.backup = self.back_up()
        self.original = database_picture(self.cluster, "app")
        for step in ("rows-done:app", "before-swap:app"):
            with self.subTest(step=step):
                self.take_away_manifests()
                running = self.start("restore", "cluster", self.backup, "--confirm", pause=[step]).wait_for(step)
                self.cluster.sql("checkpoint")
                self.cluster.crash()
                running.go(step).finish()
                self.cluster.start()
                [manifest] = self.manifests
                outcome = self.succeeds("restore", "cluster", "--resume-from-manifest", manifest, "--confirm")
                self.assertIn("unlogged", outcome.err)
                self.assert_all_is_done()

    def test_what_is_unlogged_besides_rows_is_right_after_a_crash(self):
        if self.cluster.major < 15:
            self.skipTest("there are no unlogged sequences before 15")
        self.cluster.sql("create unlogged sequence number; select setval('number', 987654)", "app")
        self.backup = self.back_up()
        self.original = database_picture(self.cluster, "app")
        self.killed_at("before-swap:app", "restore", "cluster", self.backup, "--confirm")
        self.cluster.crash()
        self.cluster.start()
        self.resume()
        self.assert_all_is_done()
        self.assertEqual("987654", self.cluster.value("select last_value from number", "app"))

    def test_kills_at_random_moments_are_all_gone_on_with(self):
        self.cluster.create_database("shop", "template app")
        self.backup = self.back_up()
        pictures = {name: database_picture(self.cluster, name) for name in ("app", "shop")}
        kills, runs, wanted = 0, 0, 100 if LONG else 6
        while kills < wanted:
            runs += 1
            self.assertLess(runs, wanted * 3, f"{kills} kills hit a restore")
            self.take_away_manifests()
            argv = ["restore", "cluster", self.backup, "--confirm", "--parallel-dbs", "2"]
            for _ in range(30):
                running = self.start(*argv)
                ends = time.monotonic() + self.random.uniform(0.2, 3)
                while not running.ended and time.monotonic() < ends:
                    time.sleep(0.01)
                if running.ended:
                    self.ended(running.finish(), 0)
                    break
                kills += running.send(signal.SIGKILL).finish(30).code == -signal.SIGKILL
                wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
                if self.manifests:
                    argv = ["restore", "cluster", "--resume-from-manifest", self.manifests[0], "--confirm"]
            else:
                self.resume()
            for name, picture in pictures.items():
                self.assert_holds(picture, name)
            self.assert_nothing_left()
        print(f"{kills} kills hit a running restore, in {runs} restores", flush=True)

    def test_a_name_with_a_line_break_is_gone_on_with_too(self):
        name = "two\nlines \\n"
        self.cluster.create_database(name, "template app")
        backup = self.back_up()
        self.cluster.sql("create table later (i int)", name)
        self.killed_at("rows-done", "restore", "database", "--from", backup, "--old", "keep", "--confirm", name)
        begun = self.cluster.log.stat().st_size
        [leftover] = self.succeeds("cleanup", "--json").document["leftovers"]
        self.assertEqual(name, leftover["original"])
        self.succeeds("restore", "database", "--resume-from-manifest", self.manifests[0], "--confirm")
        self.assertEqual({}, self.copies_into_staging(begun), "what was loaded is still there")
        self.assertEqual([], self.cluster.rows("select 1 from pg_class where relname = 'later'", name))
        [kept] = self.succeeds("cleanup", "--kept", "--json").document["leftovers"]
        self.assertEqual(name, kept["original"])
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(sorted(["app", name]), sorted(self.cluster.user_databases()))

    def test_a_system_database_that_was_half_filled_begins_again(self):
        self.cluster.sql("create table notes (a int); insert into notes values (1)")
        self.addCleanup(self.cluster.sql, "drop table if exists notes")
        backup = self.back_up()
        self.cluster.sql("drop table notes")
        for step in ("filling-begun:postgres", "rows-done:postgres"):
            self.take_away_manifests()
            self.killed_at(step, "restore", "cluster", backup, "--confirm")
            self.resume()
            self.assertEqual("1", self.cluster.value("select a from notes"))
            self.cluster.sql("drop table notes")

    def test_two_processes_never_go_on_with_one_run(self):
        self.killed_at("rows-done:app", "restore", "cluster", self.backup, "--confirm")
        [manifest] = self.manifests
        argv = ["restore", "cluster", "--resume-from-manifest", manifest, "--confirm", "--json"]
        running = self.start(*argv, pause=["before-proof:app"]).wait_for("before-proof:app")
        outcome = self.fails_with("PREFLIGHT_REFUSED", *argv[:-1])
        self.assertIn("is running", outcome.error["message"])
        self.ended(running.go("before-proof:app").finish(), 0)
        self.assert_all_is_done()

    def test_what_was_typed_at_the_beginning_counts_to_the_end(self):
        self.killed_at("rows-done:copy", "restore", "database", "app", "--from", self.backup, "--as", "copy", "--no-comments", "--confirm")
        [manifest] = self.manifests
        for words in (["--as", "other"], ["app"], ["--globals", "none"], ["--table", "x"]):
            refused = self.fails_with("USAGE", "restore", "database", *words, "--resume-from-manifest", manifest, "--confirm")
            self.assertIn(words[0] if words != ["app"] else "NAME", refused.error["message"])
        self.fails_with("USAGE", "restore", "cluster", "--resume-from-manifest", manifest)
        self.fails_with("USAGE", "restore", "database", "--resume-from-manifest", "nowhere.json")
        self.succeeds("restore", "database", "--resume-from-manifest", manifest.name, "--confirm")  # found by its name
        self.assertIn("copy", self.cluster.user_databases())
        self.assert_holds(self.old, "app")
        self.assertEqual("0", self.cluster.value("select count(*) from pg_description where objoid > 16384", "copy"))
        self.assert_nothing_left()

    def test_a_manifest_of_another_server_is_refused(self):
        self.killed_at("rows-done:app", "restore", "cluster", self.backup, "--confirm")
        [manifest] = self.manifests
        other = self.another_cluster()
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "--resume-from-manifest", manifest, "--confirm",
                                  "-h", other.socket, "-p", other.port)  # fmt: skip
        self.assertIn("another server", outcome.error["message"])
        self.resume()
        self.assert_all_is_done()

    def test_a_restore_of_another_database_leaves_what_can_be_gone_on_with(self):
        self.cluster.create_database("shop", contents="create table t (a int)")
        other = self.back_up("database", "shop")
        self.killed_at("rows-done:app", "restore", "database", "app", "--from", self.backup, "--confirm")
        [manifest] = self.manifests
        outcome = self.succeeds("restore", "database", "shop", "--from", other, "--confirm", "--report-dir", self.folder)
        self.assertIn("cleanup", outcome.text)
        self.assertEqual(1, len(self.cluster.marked_databases()))
        self.succeeds("restore", "database", "--resume-from-manifest", manifest, "--confirm")
        self.assert_holds(self.original, "app")
        self.assert_nothing_left()

    def test_a_database_made_between_kill_and_resume_gives_way_and_stays(self):
        for was_there in (True, False):
            with self.subTest(was_there=was_there):
                self.take_away_manifests()
                if not was_there:
                    self.cluster.drop_database("app")
                self.killed_at("rows-done:app", "restore", "cluster", self.backup, "--confirm", "--old", "drop")
                if was_there:
                    self.cluster.drop_database("app")
                self.cluster.create_database("app", contents="create table precious as select 1 as a")
                oid = self.cluster.oid_of("app")
                [line] = [line for line in self.succeeds("restore", "cluster", "--resume-from-manifest", self.manifests[0], "--json")
                          .document["preflight"] if line["check"] == "database: app"]  # fmt: skip
                self.assertEqual("warning", line["verdict"])
                self.assertIn("was not there", line["finding"])
                self.resume()
                self.assert_holds(self.original, "app")
                kept = self.cluster.database_of(oid)
                self.assertTrue(kept.startswith("app_before_"), kept)
                self.assertEqual("1", self.cluster.value("select a from precious", kept))
                self.succeeds("cleanup", "--kept", "--confirm")

    def test_what_was_restored_and_is_gone_is_restored_again_and_what_was_replaced_is_left(self):
        self.cluster.create_database("shop", "template app")
        self.backup = self.back_up()
        pictures = {name: database_picture(self.cluster, name) for name in ("app", "shop")}
        self.killed_at("rows-done:shop", "restore", "cluster", self.backup, "--confirm")
        self.assert_holds(pictures["app"], "app")
        self.cluster.drop_database("app")
        self.killed_at("rows-done:shop", "restore", "cluster", "--resume-from-manifest", self.manifests[0], "--confirm")
        self.assert_holds(pictures["app"], "app")
        self.cluster.drop_database("app")
        self.cluster.create_database("app", contents="create table mine as select 1 as a")
        oid = self.cluster.oid_of("app")
        outcome = self.resume()
        self.assertIn("in its place", outcome.err + outcome.out)
        self.assertEqual(oid, self.cluster.oid_of("app"))
        self.assert_holds(pictures["shop"], "shop")

    def test_an_old_one_that_is_kept_because_something_is_missing_stays_when_others_are_gone_on_with(self):
        self.cluster.create_database("odd", contents="create table pad as select repeat(md5(i::text), 30) from generate_series(1, 6000) i; "
                                     "create table t as select 1 as a; create function f(int) returns int language plpgsql as "
                                     "$$ begin if current_database() like 'dbbackup%' then raise 'no'; end if; return $1; end $$; "
                                     "create materialized view m as select f(a) from t")  # fmt: skip
        self.backup = self.back_up()
        old = self.cluster.oid_of("odd")
        self.killed_at("rows-done:app", "restore", "cluster", self.backup, "--confirm")
        kept = self.cluster.database_of(old)
        self.assertTrue(kept and kept.startswith("odd_before_"), kept)
        [manifest] = self.manifests
        self.failed_with("RESTORE_INCOMPLETE", self.tool.run("restore", "cluster", "--resume-from-manifest", manifest, "--confirm", "--json"))
        self.assertEqual(kept, self.cluster.database_of(old), "it has what is missing in the new one")
        self.assert_holds(self.old, "app")

    def test_the_command_that_continues_can_be_copied_as_it_stands(self):
        folder = self.folder / "it's a place"  # named from where the program runs, as the repository is
        environment = {"PGHOST": None, "PGPORT": None, "DBBACKUP_REPOSITORY": None}
        argv = ["restore", "cluster", self.backup, "--confirm", "--report-dir", folder.name]
        argv = ["-h", self.cluster.socket, "-p", self.cluster.port, "-r", self.tool.repository.name, *argv]
        self.start(*argv, env=environment, pause=["rows-done:app"]).wait_for("rows-done:app").send(signal.SIGKILL).finish()
        [manifest] = folder.glob("restore-manifest-*.json")
        words = shlex.split(json.loads(manifest.read_text())["continue_with"])
        self.assertEqual("dbbackup", words[0])
        self.tool.folder = self.tool.home
        self.succeeds(*words[1:], env=environment)
        self.assert_holds(self.original, "app")

    def test_what_is_missing_in_a_complete_one_is_still_known_when_it_is_gone_on_with(self):
        self.cluster.create_database("odd", contents="create table t as select 1 as i; create materialized view m as select 100 / i as x from t; "
                                     "update t set i = 0")  # fmt: skip
        self.backup = self.back_up()
        old = self.cluster.oid_of("odd")
        self.killed_at("before-swap:odd", "restore", "cluster", self.backup, "--confirm")
        [manifest] = self.manifests
        outcome = self.failed_with("RESTORE_INCOMPLETE", self.tool.run("restore", "cluster", "--resume-from-manifest", manifest, "--confirm", "--json"))
        [odd] = [one for one in outcome.document["databases"] if one["name"] == "odd"]
        self.assertTrue(odd["restored"] and odd["proven"] and odd["missing"], odd)
        self.assertEqual(odd["kept_as"], self.cluster.database_of(old))

    def test_the_old_one_is_kept_when_that_is_asked_for_at_the_resume(self):
        old = self.cluster.oid_of("app")
        for step in ("swap-committed:app", "swapped:app"):
            with self.subTest(step=step):
                self.take_away_manifests()
                old = self.cluster.oid_of("app")
                self.killed_at(step, "restore", "cluster", self.backup, "--confirm")
                self.resume("--old", "keep")
                self.assertTrue(self.cluster.database_of(old).startswith("app_before_"))
                self.assert_holds(self.original, "app")

    def test_another_role_does_not_go_on(self):
        self.cluster.sql("create role other superuser login")
        self.addCleanup(self.cluster.sql, "drop role other")
        self.killed_at("before-swap:app", "restore", "cluster", self.backup, "--confirm")
        [manifest] = self.manifests
        refused = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "--resume-from-manifest", manifest, "--confirm", "-U", "other")
        self.assertIn("another role", refused.error["message"])
        self.assertIn("-U " + self.cluster.superuser, " ".join(refused.error["solution"]))
        self.resume()
        self.assert_all_is_done()

    def test_after_a_swap_that_could_not_be_only_the_swap_is_repeated(self):
        begun = self.cluster.log.stat().st_size
        oid = self.cluster.oid_of("app")
        running = self.start("restore", "cluster", self.backup, "--confirm", "--json", pause=["before-swap:app"]).wait_for("before-swap:app")
        self.cluster.sql("alter database app rename to moved")
        outcome = self.failed_with("SWAP_FAILED", running.go("before-swap:app").finish())
        [app] = [one for one in outcome.document["databases"] if one["name"] == "app"]
        self.assertEqual("swap", app["failure"]["phase"])
        self.assertTrue(app["failure"]["left_as"].startswith("dbbackup_staging_"), app)
        self.cluster.sql("alter database moved rename to app")
        self.resume()
        self.assertIsNone(self.cluster.database_of(oid))
        self.assert_all_is_done()
        self.assertEqual({1}, set(self.copies_into_staging(begun).values()))

    def test_the_run_is_known_to_live_although_its_control_session_was_ended(self):
        step = "rows-done:app"
        running = self.start("restore", "cluster", self.backup, "--confirm", pause=[step]).wait_for(step)
        control = "select pid from pg_stat_activity where application_name like 'dbbackup % control'"
        [[before]] = self.cluster.rows(control)
        self.cluster.sql(f"select pg_terminate_backend({before})")
        wait_until(lambda: [pid for [pid] in self.cluster.rows(control) if pid != before], "another takes its place", 30)
        self.succeeds("cleanup", "--confirm")
        self.assertTrue(self.cluster.staging_database(), "it is in use")
        self.assertIn("is running", self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "--resume-from-manifest",
                                                    self.manifests[0], "--confirm").error["message"])  # fmt: skip
        self.ended(running.go(step).finish(), 0)
        self.assert_all_is_done()

    def test_a_retry_outlives_a_restart_of_the_server(self):
        step = "rows-done:app"
        running = self.start("restore", "cluster", self.backup, "--confirm", "--on-error", "retry:2", pause=[step]).wait_for(step)
        self.cluster.sql("checkpoint")
        self.cluster.crash()
        running.go(step)
        self.cluster.start()
        outcome = self.ended(running.finish(), 0)
        self.assertIn("is repeated", outcome.err)
        self.assert_all_is_done()

    def test_a_manifest_that_cannot_be_written_any_more_is_told_at_once(self):
        folder = self.folder / "reports"
        step = "pre-data-done:app"
        running = self.start("restore", "cluster", self.backup, "--confirm", "--report-dir", folder, pause=[step]).wait_for(step)
        shutil.rmtree(folder)
        outcome = self.ended(running.go(step).finish(), 0)
        self.assertIn("could not be written", outcome.err)
        self.assert_holds(self.original, "app")

    def test_without_a_place_for_the_manifest_it_warns_and_restores(self):
        outcome = self.succeeds("restore", "cluster", self.backup, "--confirm", "--report-dir", "/proc/nowhere")
        self.assertIn("--report-dir", outcome.err)
        self.assert_holds(self.original, "app")


if __name__ == "__main__":
    unittest.main()
