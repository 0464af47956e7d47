"""What can go wrong while a backup is made: a clear error, the right exit code, and no false backup."""

import glob
import os
import signal
import subprocess
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR, Cluster, literal
from support.contents import SMALL, wide_table
from support.pictures import database_picture
from support.program import Tool
from support.relays import pretend_major
from support.waiting import wait_until


class Unreachable(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()

    def assert_no_backup(self):
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])
        self.assert_repository_sound()
        self.assertEqual([], self.tool.processes_left())
        self.assertEqual([], self.tool.temporary_files_left())

    def test_a_server_that_is_down_is_named(self):
        nowhere = self.folder / "no-server-here"
        nowhere.mkdir()
        outcome = self.fails_with("CONNECTION_REFUSED", "backup", "cluster", env={"PGHOST": nowhere})
        self.assertIn(str(nowhere), outcome.text)
        text = self.ended(self.tool.run("backup", "cluster", env={"PGHOST": nowhere}), 1).err
        self.assertIn("[FAIL]", text)
        self.assertIn("Failed: PostgreSQL Not Reachable", text)
        self.fails_with("CONNECTION_REFUSED", "backup", "cluster", "-h", "127.0.0.1", "-p", "1")
        self.assert_no_backup()

    def test_a_host_that_does_not_exist_is_named(self):
        outcome = self.fails_with("CONNECTION_REFUSED", "backup", "cluster", "-h", "no-such-host.invalid")
        self.assertIn("no-such-host.invalid", outcome.text)

    def test_a_database_that_does_not_exist_is_named(self):
        outcome = self.fails_with("DATABASE_NOT_FOUND", "backup", "database", "no such database")
        self.assertIn("no such database", outcome.text)
        self.assert_no_backup()

    def test_a_server_that_is_starting_up_or_stopping_is_said_to_be(self):
        # A smart shutdown lets this session live and nobody else in.
        holder = self.session()
        self.cluster._process.send_signal(signal.SIGTERM)
        try:
            wait_until(lambda: subprocess.run(
                ["pg_isready", "-q"], env=self.cluster.environment(), check=False).returncode != 0,
                "nobody is let in any more")  # fmt: skip
            outcome = self.tool.run("backup", "cluster", "--json")
            self.assertIn(outcome.error["code"], ("CONNECTION_REFUSED", "SERVER_ERROR"))
            self.assertIn("shutting down", outcome.text)
        finally:
            holder.close()
            self.cluster.stop()
            self.cluster.start()

    def test_a_pooler_in_between_is_recognised_and_refused(self):
        self.cluster.create_database("app", contents=SMALL)
        for settings in ({}, {"ignore_startup_parameters": "options,extra_float_digits,search_path"}):
            with self.subTest(**settings):
                pooler = self.pooler(**settings)
                self.fails_with("POOLER_IN_BETWEEN", "backup", "cluster", env=pooler.environment)
                self.fails_with("POOLER_IN_BETWEEN", "backup", "database", "app", env=pooler.environment)
                pooler.close()
        self.assert_no_backup()

    def test_two_independent_servers_behind_one_address_are_refused(self):
        other = self.another_cluster()
        relay = self.relay(self.cluster, other)
        outcome = self.fails_with("TOPOLOGY_SPLIT", "backup", "cluster", env=relay.environment)
        for server in (self.cluster, other):
            self.assertIn(server.value("select system_identifier from pg_control_system()"), outcome.text)
        self.assert_no_backup()

    def test_a_server_that_is_too_old_is_refused(self):
        relay = self.relay(rewrite=pretend_major(12))
        outcome = self.fails_with("SERVER_UNSUPPORTED", "backup", "cluster", env=relay.environment)
        self.assertIn("12", outcome.text)

    def test_a_connection_that_breaks_in_the_middle_fails_the_backup(self):
        self.cluster.create_database("app", contents=SMALL)
        relay = self.relay()
        running = self.start("backup", "cluster", "--json", pause=["tables-locked:app"], env=relay.environment)
        running.wait_for("tables-locked:app")
        relay.cut()
        relay.close()
        running.go("tables-locked:app")
        outcome = running.finish()
        self.failed_with("CONNECTION_LOST" if outcome.error["code"] == "CONNECTION_LOST" else "CONNECTION_REFUSED", outcome)
        self.assert_no_backup()
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "the server noticed that its client is gone")

    def test_a_server_that_is_shut_down_in_the_middle_fails_the_backup(self):
        self.cluster.create_database("app", contents=SMALL)
        for step in ("snapshot-taken:app", "schema-dumped:app", "rows-begun:app", "rows-done:app"):
            with self.subTest(step=step):
                running = self.start("backup", "cluster", "--json", pause=[step]).wait_for(step)
                self.cluster.crash()
                running.go(step)
                outcome = running.finish()
                code = outcome.error["code"]
                self.assertIn(code, ("CONNECTION_LOST", "CONNECTION_REFUSED"))
                self.failed_with(code, outcome)
                self.assertEqual([], self.tool.processes_left())
                self.cluster.start()
                self.assert_no_backup()
        self.back_up()


class Passwords(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.locked = Cluster(password="correct horse")
        cls.addClassCleanup(cls.locked.close)

    def setUp(self):
        super().setUp()
        self.tool = Tool(self.folder, self.locked)
        self.init()

    def test_a_wrong_or_missing_password_is_an_authentication_error(self):
        for password in ("battery staple", None):
            with self.subTest(password=password):
                outcome = self.fails_with("AUTH_FAILED", "backup", "cluster", env={"PGPASSWORD": password})
                self.assertNotIn("battery staple", outcome.text)
        text = self.ended(self.tool.run("backup", "cluster", env={"PGPASSWORD": "battery staple"}), 1).err
        self.assertIn("Failed: PostgreSQL Authentication Error", text)
        self.fails_with("AUTH_FAILED", "backup", "cluster", "-U", "nobody at all")

    def test_passwords_come_by_environment_passfile_and_service_and_appear_nowhere(self):
        secret = "a p:ss\\word 'x'"
        self.locked.sql(f"alter role postgres password {literal(secret)}")
        self.locked.password = secret

        def as_before():
            self.locked.sql("alter role postgres password 'correct horse'")
            self.locked.password = "correct horse"

        self.addCleanup(as_before)
        passfile = self.folder / "pgpass"
        passfile.write_text("*:*:*:postgres:" + secret.replace("\\", "\\\\").replace(":", "\\:") + "\n")
        passfile.chmod(0o600)
        service = self.folder / "services"
        service.write_text(f"[ours]\nhost={self.locked.socket}\nport=5432\nuser=postgres\npassword={secret}\n")
        unset = {"PGHOST": None, "PGPORT": None, "PGUSER": None, "PGPASSWORD": None}
        ways = {
            "environment": ([], {"PGPASSWORD": secret}),
            "passfile": ([], {"PGPASSWORD": None, "PGPASSFILE": passfile}),
            "service": ([], {**unset, "PGSERVICEFILE": service, "PGSERVICE": "ours"}),
            "service in conninfo": (["-d", "service=ours"], {**unset, "PGSERVICEFILE": service}),
            "uri": (["-d", f"postgresql://postgres@/postgres?host={self.locked.socket}&passfile={passfile}"], unset),
        }
        for way, (arguments, environment) in ways.items():
            with self.subTest(way=way):
                pause = "globals-saved" if way == "environment" else "before-commit"
                running = self.start("backup", "cluster", "--verbose", *arguments, env=environment, pause=[pause])
                running.wait_for(pause)
                for process in self.tool.processes_left():
                    self.assertNotIn("word 'x'", process[1], "an argument vector is for everybody to read")
                outcome = self.ended(running.go(pause).finish(), 0)
                self.assertNotIn("word 'x'", outcome.text)
        for path in self.tool.repository_files():
            self.assertNotIn(b"word 'x'", path.read_bytes())

    def test_a_password_that_has_to_be_typed_is_asked_for_on_the_terminal_only(self):
        outcome = self.fails_with("AUTH_FAILED", "backup", "cluster", env={"PGPASSWORD": None})
        self.assertNotIn("Password", outcome.out.split('"error"')[0])

    def test_a_role_without_rights_gets_an_incomplete_backup_that_says_so(self):
        self.locked.create_database("app", contents=SMALL)
        self.addCleanup(self.locked.wipe)
        self.locked.sql("create role plain login password 'plain'")
        self.locked.sql("grant usage on schema stock to plain; grant select on stock.item to plain", "app")
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", "database", "app", "-U", "plain",
                                  env={"PGPASSWORD": "plain"})  # fmt: skip
        left_out = "\n".join(outcome.document["databases"][0]["left_out"])
        self.assertIn("stock.sale", left_out)
        self.assertNotIn("stock.item:", left_out)


class Rights(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.sql("create role limited login")
        self.cluster.create_database("app", contents=SMALL)

    def incomplete(self, *argv):
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", *argv, "-U", "limited")
        self.assertFalse(outcome.document["complete"])
        [backup] = [b for b in self.succeeds("list", "--json").document["backups"] if b["id"] == outcome.document["id"]]
        self.assertFalse(backup["complete"])
        return outcome

    def left_out(self, outcome, database="app"):
        [record] = [d for d in outcome.document["databases"] if d["name"] == database]
        self.assertEqual("incomplete", record["state"])
        return "\n".join(record["left_out"])

    def test_a_table_that_may_not_be_read_is_listed_and_the_rest_is_there(self):
        self.cluster.sql("""
            grant pg_read_all_data to limited;
            create table "no one's" (a int); insert into "no one's" values (1);
            alter table "no one's" enable row level security;""", "app")  # fmt: skip
        outcome = self.incomplete("database", "app")
        self.assertIn("no one's", self.left_out(outcome))
        self.assertIn("no one's", self.succeeds("restore", "database", "app", "--as", "first", "--confirm").out)
        restored = self.succeeds("restore", "database", "app", "--as", "copy", "--confirm", "--json").document
        self.assertEqual("partial", restored["status"])
        self.assertIn("no one's", "".join(restored["databases"][0]["missing_in_backup"]))
        all_of_it = self.fails_with("RESTORE_INCOMPLETE", "restore", "database", "app", "--as", "all", "--require-all", "--confirm")
        self.assertIn("no one's", all_of_it.error["cause"])
        self.assertEqual(self.cluster.value("select count(*) from stock.sale", "app"),
                         self.cluster.value("select count(*) from stock.sale", "copy"))  # fmt: skip

    def test_row_level_security_never_makes_a_silent_subset(self):
        self.cluster.sql("""
            create table rows_of (who name); insert into rows_of values ('limited'), ('other');
            grant select on rows_of to limited; alter table rows_of enable row level security;
            create policy mine on rows_of using (who = current_user);
            grant pg_read_all_data to limited""", "app")  # fmt: skip
        self.assertIn("rows_of", self.left_out(self.incomplete("database", "app")))

    def test_large_objects_that_may_not_be_read_are_listed(self):
        self.cluster.sql("grant pg_read_all_data to limited; alter large object 4242 owner to postgres", "app")
        self.assertIn("4242", self.left_out(self.incomplete("database", "app")))

    def test_a_database_that_may_not_be_connected_to_is_listed_as_failed(self):
        self.cluster.create_database("closed")
        self.cluster.create_database("forbidden")
        self.cluster.sql("alter database closed allow_connections false; revoke connect on database forbidden from public")
        outcome = self.incomplete("cluster")
        states = {d["name"]: (d["state"], d["error"] or "") for d in outcome.document["databases"]}
        for name in ("closed", "forbidden"):
            self.assertEqual("failed", states[name][0])
            self.assertTrue(states[name][1].startswith("PERMISSION_DENIED"), states[name])
        # No right would open it to a backup.
        self.assertIn("--exclude-database 'closed'", " ".join(outcome.error["solution"]))
        self.succeeds("backup", "cluster", "--exclude-database", "closed")
        argv = ["restore", "cluster", outcome.document["id"], "--confirm"]
        restored = self.succeeds(*argv, "--json").document
        self.assertEqual("partial", restored["status"])
        self.assertEqual({"closed", "forbidden"}, {one["name"] for one in restored["databases"] if one["failed_in_backup"]})
        self.assertIn("closed: nothing of it is in the backup", self.succeeds(*argv).out)
        cause = self.fails_with("RESTORE_INCOMPLETE", *argv, "--require-all").error["cause"]
        self.assertTrue("closed: " in cause and "forbidden: " in cause, cause)

    def test_the_remains_of_an_interrupted_drop_are_skipped_with_a_warning(self):
        self.cluster.create_database("half dropped")
        self.cluster.sql("update pg_database set datconnlimit = -2 where datname = 'half dropped'")
        outcome = self.succeeds("backup", "cluster")
        self.assertIn("half dropped", outcome.text)

    def test_passwords_of_roles_that_may_not_be_read_are_said_to_be_missing(self):
        self.cluster.sql("create role secretive login password 'x'")
        self.cluster.sql("drop schema stock cascade; drop table log_line; select lo_unlink(4242)", "app")
        outcome = self.tool.run("backup", "cluster", "-U", "limited")
        self.assert_sane(outcome)
        self.assertIn("passwords", outcome.text)

    def test_a_right_to_every_column_is_not_one_to_the_table(self):
        """Such a table can be read but not locked, so it cannot be held still."""
        self.cluster.sql("""
            grant usage on schema stock to limited; grant select on all tables in schema stock, public to limited;
            grant select on large object 4242 to limited;
            create table by_column (a int, b int); grant select (a, b) on by_column to limited""", "app")  # fmt: skip
        left_out = self.left_out(self.incomplete("database", "app"))
        self.assertIn("by_column", left_out)
        self.assertNotIn("table stock", left_out)


class ClientPrograms(EndToEnd):
    """A client program that is missing, older, or fails."""

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)

    def without_packages(self):
        """A command in front of dbbackup that hides what packages brought, wherever they put it."""
        places = [place for place in ("/usr/lib/postgresql", "/opt", *glob.glob("/usr/pgsql-*")) if os.path.isdir(place)]
        hide = "".join(f"/usr/bin/mount -t tmpfs none {place} && " for place in places) + "exec \"$@\""
        options = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
        return ["/usr/bin/unshare", *options, "--", "/bin/sh", "-c", hide, "sh"]

    def fake_programs(self, body, version=f"{MAJOR}.1"):
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        for name in ("pg_dump", "pg_dumpall", "pg_restore", "psql"):
            script = folder / name
            script.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo '{name} (PostgreSQL) {version}' && exit 0\n{body}\n")
            script.chmod(0o755)
        configuration = self.folder / "config.yaml"
        configuration.write_text(f"client_programs:\n  - {folder}\n")
        return ["--config", configuration]

    def test_missing_client_programs_are_named_with_the_package_to_install(self):
        empty = self.folder / "empty"
        empty.mkdir()
        outcome = self.fails_with("CLIENT_PROGRAM_MISSING", "backup", "cluster", prefix=self.without_packages(),
                                  env={"PATH": f"{empty}:/usr/sbin:/sbin"})  # fmt: skip
        self.assertIn(f"postgresql-client-{MAJOR}", " ".join(outcome.error["solution"]))
        doctor = self.tool.run("doctor", "--json", prefix=self.without_packages(), env={"PATH": f"{empty}:/usr/sbin:/sbin"})
        self.assertFalse(doctor.document["ready"])

    def test_client_programs_older_than_the_server_are_refused(self):
        arguments = self.fake_programs("exit 1", version="12.9")
        outcome = self.fails_with("CLIENT_PROGRAM_OLDER", "backup", "cluster", *arguments,
                                  prefix=self.without_packages(), env={"PATH": "/usr/sbin:/sbin"})  # fmt: skip
        self.assertIn(f"postgresql-client-{MAJOR}", " ".join(outcome.error["solution"]))
        self.assertIn("12.9", outcome.text)

    def test_a_client_program_that_fails_is_quoted(self):
        arguments = self.fake_programs("echo 'pg_dump: error: the disk laughed' >&2; exit 1")
        outcome = self.tool.run("backup", "cluster", *arguments, "--json")
        self.failed_with("CLIENT_PROGRAM_FAILED", outcome)
        self.assertIn("the disk laughed", outcome.text)

    def test_a_client_program_that_is_killed_is_said_to_be(self):
        arguments = self.fake_programs("kill -9 $$")
        outcome = self.failed_with("CLIENT_PROGRAM_FAILED", self.tool.run("backup", "cluster", *arguments, "--json"))
        self.assertIn("signal 9", outcome.text.lower().replace("sigkill", "signal 9"))
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])


class Disk(EndToEnd):
    def test_a_full_disk_fails_the_backup_and_leaves_the_earlier_one_good(self):
        place = self.small_file_system("20m")
        self.tool = Tool(self.folder, self.cluster, place / "repository")
        self.cluster.create_database("app", contents=SMALL)
        self.init()
        first = self.back_up()
        original = database_picture(self.cluster, "app")
        self.cluster.sql("create table big (a bytea); alter table big alter a set storage external; insert into big "
                         "select decode(string_agg(md5(random()::text), ''), 'hex') from generate_series(1, 1500) j, "
                         "generate_series(1, 1600) i group by i", "app")  # fmt: skip
        outcome = self.fails_with("DISK_FULL", "backup", "cluster")
        self.assertIn(str(place), outcome.text)
        backups = self.succeeds("list", "--json").document["backups"]
        self.assertEqual([first], [backup["id"] for backup in backups])
        self.assert_repository_sound()
        self.assertEqual([], self.tool.temporary_files_left())
        # No half-written file fills the disk for ever, and the earlier backup is still one.
        self.succeeds("restore", "database", "app", "--from", first, "--confirm")
        self.assert_holds(original, "app")

    def test_a_disk_that_is_full_from_the_start_is_said_to_be(self):
        place = self.small_file_system("1m")
        self.tool = Tool(self.folder, self.cluster, place / "repository")
        self.init()
        with open(place / "ballast", "wb") as ballast:
            try:
                ballast.write(b"x" * 2**21)
            except OSError:
                pass
        self.fails_with("DISK_FULL", "backup", "cluster")

    def test_a_file_that_may_not_grow_is_a_storage_error(self):
        self.cluster.create_database("app", contents=wide_table("big", 4))
        self.init()
        # Python ignores SIGXFSZ; without restore_signals dbbackup inherits that and sees EFBIG.
        self.fails_with("STORAGE_FAILED", "backup", "cluster", prefix=["prlimit", "--fsize=65536", "--"],
                        restore_signals=False)  # fmt: skip
        self.assert_repository_sound()


class Server(EndToEnd):
    initdb = ("--data-checksums",)
    settings = {"max_connections": "24", "max_locks_per_transaction": "10", "max_worker_processes": "2",
                "max_wal_senders": "1", "autovacuum_max_workers": "1", "shared_buffers": "16MB"}  # fmt: skip

    def test_a_damaged_page_fails_its_table_and_is_listed(self):
        self.cluster.create_database("app", contents=SMALL + wide_table("damaged", 1))
        path = self.cluster.value("select pg_relation_filepath('damaged')", "app")
        self.cluster.stop()
        with open(self.cluster.data / path, "r+b") as heap:
            heap.seek(5 * 8192 + 4000)
            heap.write(b"\xff" * 16)
        self.cluster.start()
        self.init()
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", "database", "app")
        [record] = outcome.document["databases"]
        self.assertEqual("incomplete", record["state"])
        self.assertIn("damaged", " ".join(record["left_out"]))
        self.assertIn("invalid page", " ".join(record["left_out"]))
        # What else there was is in the backup.
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assertEqual("2000", self.cluster.value("select count(*) from stock.item", "copy"))

    def test_more_tables_than_the_lock_table_has_room_for_fail_in_seconds_with_the_setting_to_change(self):
        self.cluster.create_database("many")
        # Not in one transaction, or making them would fail the same way.
        self.cluster.sql("\n".join(f"create table t{i} (a int);" for i in range(3000)), "many")
        self.cluster.create_database("few", contents=SMALL)
        self.init()
        outcome = self.tool.run("backup", "cluster", "--json")
        self.failed_with("BACKUP_INCOMPLETE", outcome)
        [record] = [d for d in outcome.document["databases"] if d["name"] == "many"]
        self.assertEqual("failed", record["state"])
        self.assertTrue(record["error"].startswith("LOCK_EXHAUSTION"), record)
        alone = self.fails_with("LOCK_EXHAUSTION", "backup", "database", "many")
        self.assertIn("max_locks_per_transaction", " ".join(alone.error["solution"]))
        self.succeeds("restore", "database", "few", "--as", "copy", "--confirm")

    def test_few_free_connection_slots_lower_the_parallelism(self):
        self.cluster.create_database("app", contents=SMALL)
        self.init()
        free = 24 - 4
        for _ in range(free):
            self.session()
        self.back_up("cluster", "--jobs", "8", "--parallel-dbs", "4")

    def test_settings_of_roles_and_databases_that_would_stop_a_session_do_not(self):
        self.cluster.create_database("app", contents=SMALL)
        original = database_picture(self.cluster, "app")
        for target in ("database app", "role postgres", "role all"):
            for setting in ("statement_timeout = 1", "lock_timeout = 1", "idle_in_transaction_session_timeout = 1",
                            "idle_session_timeout = 300", "default_transaction_read_only = on", "datestyle = 'SQL, DMY'",
                            "bytea_output = escape", "intervalstyle = sql_standard", "extra_float_digits = -15",
                            "client_encoding = latin1", "row_security = off", "search_path = stock",
                            "default_transaction_isolation = serializable", "session_replication_role = replica",
                            "standard_conforming_strings = off", "default_table_access_method = heap",
                            "quote_all_identifiers = on", "transform_null_equals = on"):  # fmt: skip
                self.cluster.sql(f"alter {target} set {setting}")
        self.init()
        self.back_up()
        self.cluster.stop()
        self.cluster.start()
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        for target in ("role postgres", "role all", "database app", "database copy"):
            self.cluster.sql(f"alter {target} reset all")
        self.assert_holds(original, "copy")

    def test_a_backup_of_a_hot_standby_is_possible(self):
        self.cluster.create_database("app", contents=SMALL)
        original = database_picture(self.cluster, "app")
        server = self.another_cluster(standby_of=self.cluster, settings=self.settings)
        self.assertEqual("t", server.value("select pg_is_in_recovery()"))
        self.tool.talk_to(server)
        self.init()
        self.back_up("database", "app")
        server.stop()
        self.tool.talk_to(self.cluster)
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assert_holds(original, "copy")


if __name__ == "__main__":
    unittest.main()
