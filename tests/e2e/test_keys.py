"""Encrypted repositories: every way to give a key, the life of keys, and what nobody without one may learn or change."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.contents import SMALL, wide_table
from support.pictures import database_picture
from support.program import SOURCE, Tool, binary

PASSPHRASE = "corrèct-horse-battery-7361"


class Keys(EndToEnd):
    def setUp(self):
        super().setUp()
        self.key_file = self.folder / "key"
        self.passphrase_file = self.file("passphrase", PASSPHRASE + "\n")

    def file(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def use_key_file(self, **changes):
        """From now on every command of `tool` gets the key file by its environment."""
        self.tool.environment["DBBACKUP_KEY_FILE"] = str(self.key_file)

    def keys(self, *argv, **options):
        return self.succeeds("key", "list", *argv, "--json", **options).document["keys"]

    def at_a_terminal(self, *argv, answers=(), environment=None):
        """Types each answer after a prompt. Returns the exit code and what was shown."""
        leader, terminal = pty.openpty()
        variables = {**self.tool.environment, "TERM": "dumb", **(environment or {})}
        process = subprocess.Popen([binary(), *map(str, argv)], stdin=terminal, stdout=terminal, stderr=terminal,
                                   env=variables, cwd=self.folder, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))  # fmt: skip
        os.close(terminal)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        shown, waiting, deadline = b"", list(answers), time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([leader], [], [], 1)[0]:
                continue
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            shown += piece
            if waiting and shown.endswith(b": "):
                os.write(leader, waiting.pop(0).encode() + b"\n")
        os.close(leader)
        self.assertEqual([], waiting, shown.decode())
        return process.wait(60), shown.decode(errors="replace")


class Ways(Keys):
    """How a key is given."""

    def test_every_way_to_give_a_key_opens_the_repository(self):
        made = self.succeeds("init", "--passphrase-file", self.passphrase_file, "--key-file", self.key_file, "--json").document
        self.assertEqual("passphrase", made["encryption"])
        self.assertEqual(str(self.key_file), made["key_file_made"])
        command = f"sh -c 'cat \"{self.passphrase_file}\"'"
        ways = {
            "--passphrase-file": (["--passphrase-file", self.passphrase_file], {}),
            "--key-file": (["--key-file", self.key_file], {}),
            "DBBACKUP_PASSPHRASE_FILE": ([], {"DBBACKUP_PASSPHRASE_FILE": self.passphrase_file}),
            "DBBACKUP_PASSPHRASE": ([], {"DBBACKUP_PASSPHRASE": PASSPHRASE}),
            "DBBACKUP_KEY_FILE": ([], {"DBBACKUP_KEY_FILE": self.key_file}),
            "passphrase_file": (["--config", self.file("a.yaml", f"passphrase_file: {self.passphrase_file}\n")], {}),
            "key_file": (["--config", self.file("b.yaml", f"key_file: {self.key_file}\n")], {}),
            "passphrase_command": (["--config", self.file("c.yaml", f"passphrase_command: {json.dumps(command)}\n")], {}),
        }
        for name, (argv, environment) in ways.items():
            with self.subTest(name):
                self.succeeds("list", *argv, env=environment)
        code, shown = self.at_a_terminal("list", answers=[PASSPHRASE])
        self.assertEqual(0, code, shown)
        self.assertNotIn(PASSPHRASE, shown, "no echo")
        # What is typed wins: the wrong one of the environment is not even looked at.
        self.succeeds("list", "--key-file", self.key_file, env={"DBBACKUP_PASSPHRASE_FILE": "nowhere"})

    def test_backup_and_restore_with_a_passphrase_and_with_a_key_file(self):
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 1))
        original = database_picture(self.cluster, "app")
        for kind, key in (("passphrase", ["--passphrase-file", self.passphrase_file]), ("keyfile", ["--key-file", self.key_file])):
            with self.subTest(kind):
                place = ["--repository", self.folder / f"{kind} repository", *key]
                self.assertEqual(kind, self.succeeds("init", "--encryption", kind, *place, "--json").document["encryption"])
                backup = self.back_up("cluster", *place)
                self.assertEqual(backup, self.succeeds("list", *place, "--json").document["backups"][0]["id"])
                self.succeeds("show", "latest", *place)
                self.succeeds("check", "--read-data", *place)
                self.assertIn("1 key", self.succeeds("doctor", *place).text)
                self.succeeds("restore", "database", "app", "--as", kind, "--confirm", *place)
                self.assert_holds(original, kind)
                self.cluster.drop_database(kind)
                again = self.succeeds("backup", "cluster", *place, "--json").document
                self.assertLess(again["new_bytes"], 100_000, "compared with the first one")

    def test_no_key_and_a_wrong_key(self):
        self.succeeds("init", "--key-file", self.key_file)
        outcome = self.fails_with("KEY_NEEDED", "list")
        self.assertIn("1 key file", outcome.error["cause"])
        self.fails_with("KEY_NEEDED", "backup", "cluster")
        self.fails_with("KEY_NEEDED", "list", "--key-file", "nowhere")
        self.fails_with("KEY_REFUSED", "list", "--passphrase-file", self.passphrase_file)
        self.fails_with("KEY_REFUSED", "list", "--key-file", self.file("other", "x" * 64))
        self.fails_with("KEY_REFUSED", "list", "--key-file", self.file("short", "x" * 31))
        self.fails_with("KEY_REFUSED", "list", "--passphrase-file", self.file("empty", "\n"))
        self.fails_with("KEY_NEEDED", "list", "--passphrase-file", self.folder)
        self.fails_with("KEY_NEEDED", "list", "--key-file", self.file("long", "x" * 65537))
        config = self.file("d.yaml", "passphrase_command: sh -c 'echo locked >&2; exit 3'\n")
        outcome = self.fails_with("KEY_NEEDED", "list", "--config", config)
        self.assertIn("locked", outcome.error["cause"])
        config = self.file("e.yaml", "passphrase_command: \"sh -c 'oops\"\n")
        self.fails_with("CONFIG_INVALID", "list", "--config", config)
        self.fails_with("CONFIG_INVALID", "list", "--config", self.file("f.yaml", "passphrase: hunter2\n"))
        code, shown = self.at_a_terminal("list", answers=["wrong"])
        self.assertEqual(7, code, shown)
        self.assertIn("KEY_REFUSED", shown)

    def test_a_secret_that_others_can_read_is_refused(self):
        self.succeeds("init", "--key-file", self.key_file)
        self.key_file.chmod(0o644)
        outcome = self.fails_with("KEY_REFUSED", "list", "--key-file", self.key_file)
        self.assertIn("chmod 600", outcome.error["solution"][0])
        self.key_file.chmod(0o640)
        self.succeeds("list", "--key-file", self.key_file)

    def test_a_secret_may_come_from_a_pipe(self):
        self.succeeds("init", "--passphrase-file", self.passphrase_file)
        for _ in range(2):
            read, write = os.pipe()
            os.write(write, PASSPHRASE.encode() + b"\n")
            os.close(write)
            self.succeeds("list", "--passphrase-file", f"/dev/fd/{read}", pass_fds=[read])
            os.close(read)

    def test_init_makes_the_key_file_and_takes_one_that_is_there(self):
        outcome = self.succeeds("init", "--key-file", self.key_file)
        self.assertIn(str(self.key_file), outcome.out)
        self.assertIn("LOSES ALL BACKUPS", outcome.out)
        self.assertRegex(self.key_file.read_text(), r"^[0-9a-f]{64}\n$")
        self.assertEqual(0o600, self.key_file.stat().st_mode & 0o777)
        content = self.key_file.read_bytes()
        self.succeeds("init", "--key-file", self.key_file, "--repository", self.folder / "second")
        self.assertEqual(content, self.key_file.read_bytes())
        # A failed one leaves no key behind.
        self.fails_with("REPOSITORY_EXISTS", "init", "--key-file", self.folder / "third")
        self.assertFalse((self.folder / "third").exists())
        inside = self.folder / "fourth" / "key"
        self.fails_with("USAGE", "init", "--key-file", inside, "--repository", self.folder / "fourth")
        self.assertFalse(inside.exists())

    def test_init_at_a_terminal_asks_twice(self):
        code, shown = self.at_a_terminal("init", answers=[PASSPHRASE, PASSPHRASE])
        self.assertEqual(0, code, shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.succeeds("list", "--passphrase-file", self.passphrase_file)
        place = {"DBBACKUP_REPOSITORY": str(self.folder / "second")}
        code, shown = self.at_a_terminal("init", "--encryption", "passphrase", answers=["one", "another"], environment=place)
        self.assertEqual(7, code, shown)
        self.assertFalse((self.folder / "second").exists())
        code, shown = self.at_a_terminal("init", answers=[""], environment=place)
        self.assertEqual(0, code, shown)
        self.assertIn("not encrypted", shown)
        self.succeeds("list", env=place)

    def test_init_without_a_terminal_and_without_a_word_about_it_does_not_encrypt(self):
        outcome = self.succeeds("init")
        self.assertIn("not encrypted", outcome.out)
        self.assertEqual({"encrypted": False, "keys": []},
                         {name: self.succeeds("key", "list", "--json").document[name] for name in ("encrypted", "keys")})  # fmt: skip
        self.fails_with("USAGE", "key", "add", "--new-key-file", self.key_file)
        self.assertFalse(self.key_file.exists())
        self.fails_with("ENCRYPTION_DOWNGRADED", "list", "--passphrase-file", self.passphrase_file)
        self.fails_with("KEY_NEEDED", "init", "--encryption", "passphrase", "-r", self.folder / "second")
        self.fails_with("KEY_NEEDED", "init", "--encryption", "keyfile", "-r", self.folder / "second")
        self.succeeds("init", "--encryption", "none", "-r", self.folder / "second", env={"DBBACKUP_PASSPHRASE": PASSPHRASE})


class Life(Keys):
    """Keys come and go; the data stays as it is."""

    def test_the_life_of_keys(self):
        self.cluster.create_database("app", contents=SMALL)
        original = database_picture(self.cluster, "app")
        self.succeeds("init", "--key-file", self.key_file)
        first = self.back_up("cluster", "--key-file", self.key_file)
        packs = self.tool.repository_files("packs")

        added = self.succeeds("key", "add", "--key-file", self.key_file, "--new-passphrase-file", self.passphrase_file,
                              "--label", "the safe", "--json").document  # fmt: skip
        listed = self.keys("--key-file", self.key_file)
        self.assertEqual({("keyfile", "", True, "genuine"), ("passphrase", "the safe", False, "genuine")},
                         {(key["kind"], key["label"], key["in_use"], key["trust"]) for key in listed})  # fmt: skip
        self.assertEqual({"unknown"}, {key["trust"] for key in self.keys()})
        self.assertEqual({added["id"]}, {key["id"] for key in listed if key["kind"] == "passphrase"})

        changed = self.succeeds("key", "change", "--key-file", self.key_file, "--new-key-file", self.folder / "new", "--json").document
        self.assertNotIn(changed["removed"], [key["id"] for key in self.keys()])
        self.fails_with("KEY_REFUSED", "list", "--key-file", self.key_file)
        new = ["--key-file", self.folder / "new"]
        self.succeeds("list", *new)

        plan = self.succeeds("key", "remove", added["id"][:6], *new, "--json").document
        self.assertEqual({"executed": False, "id": added["id"], "label": "the safe", "in_use": False},
                         {name: plan[name] for name in ("executed", "id", "label", "in_use")})  # fmt: skip
        self.succeeds("list", "--passphrase-file", self.passphrase_file)
        self.succeeds("key", "remove", added["id"][:6], *new, "--confirm")
        self.fails_with("KEY_REFUSED", "list", "--passphrase-file", self.passphrase_file)
        for confirm in ([], ["--confirm"]):
            self.fails_with("KEY_IS_LAST", "key", "remove", changed["id"], *new, *confirm)
        self.fails_with("USAGE", "key", "remove", "ffffffffffffffffff", *new)

        self.assertEqual(2, self.succeeds("key", "rotate", *new, "--json").document["epoch"])
        self.assertEqual(packs, self.tool.repository_files("packs"), "no stored data is written again")
        self.cluster.sql("insert into stock.item (id, name) select n, 'later ' || n from generate_series(3001, 3500) n", "app")
        self.back_up("cluster", *new)
        self.succeeds("check", "--read-data", *new)
        self.succeeds("restore", "database", "app", "--from", first, "--as", "copy", "--confirm", *new)
        self.assert_holds(original, "copy")

    def test_a_new_passphrase_is_asked_for_twice(self):
        self.succeeds("init", "--key-file", self.key_file)
        code, shown = self.at_a_terminal("key", "add", "--key-file", self.key_file, answers=[PASSPHRASE, PASSPHRASE])
        self.assertEqual(0, code, shown)
        self.succeeds("list", "--passphrase-file", self.passphrase_file)
        code, shown = self.at_a_terminal("key", "change", answers=[PASSPHRASE, "another", "another"])
        self.assertEqual(0, code, shown)
        self.fails_with("KEY_REFUSED", "list", "--passphrase-file", self.passphrase_file)
        for answers in (["one", "two"], ["", ""][:1]):
            code, shown = self.at_a_terminal("key", "add", "--key-file", self.key_file, answers=answers)
            self.assertEqual(7, code, shown)
        self.assertEqual(2, len(self.keys()))
        self.fails_with("KEY_NEEDED", "key", "add", "--key-file", self.key_file)

    def test_a_rotation_in_the_middle_of_a_backup_hurts_neither(self):
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 1))
        original = database_picture(self.cluster, "app")
        self.succeeds("init", "--key-file", self.key_file)
        self.use_key_file()
        running = self.start("backup", "cluster", "--json", pause=["rows-begun:app"]).wait_for("rows-begun:app")
        self.succeeds("key", "rotate")
        self.succeeds("key", "add", "--new-key-file", self.folder / "second")
        self.ended(running.go("rows-begun:app").finish(), 0)
        self.back_up()
        self.assert_repository_sound()
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assert_holds(original, "copy")

    def test_a_slot_that_nobody_with_a_key_made_is_reported(self):
        self.succeeds("init", "--key-file", self.key_file)
        other = Tool(self.folder, self.cluster, self.folder / "other")
        self.ended(other.run("init", "--key-file", self.folder / "second"), 0)
        [slot] = (other.repository / "keys").glob("slot-*")
        shutil.copy(slot, self.tool.repository / "keys")
        self.use_key_file()
        self.assertEqual({"genuine", "foreign"}, {key["trust"] for key in self.keys()})
        self.assertIn(slot.name, self.succeeds("key", "list").out)
        report = self.fails_with("CORRUPTED_BACKUP", "check").document
        self.assertEqual([f"keys/{slot.name}"], [finding["object"] for finding in report["findings"]])
        self.assertIn(slot.name, self.tool.run("doctor").out)


class Attacks(Keys):
    """Somebody writes to the store who has no key."""

    def prepared(self):
        self.cluster.create_database("app", contents=SMALL)
        self.succeeds("init", "--key-file", self.key_file)
        self.use_key_file()
        return self.back_up()

    def put_back(self, copy):
        shutil.rmtree(self.tool.repository)
        shutil.copytree(copy, self.tool.repository)

    def copy(self, name="copy"):
        return shutil.copytree(self.tool.repository, self.folder / name)

    def test_an_older_copy_is_noticed(self):
        self.prepared()
        copy = self.copy()
        newest = self.back_up()
        self.put_back(copy)
        for command in (["list"], ["backup", "cluster"], ["restore", "database", "app", "--confirm"], ["check"]):
            outcome = self.fails_with("REPOSITORY_ROLLED_BACK", *command)
            self.assertIn(newest, outcome.error["cause"])
            self.assertIn("--accept-rollback", " ".join(outcome.error["solution"]))
        # Another host has seen nothing, and cannot know.
        self.succeeds("list", env={"HOME": str(self.temporary_home())})
        self.succeeds("list", "--accept-rollback")
        self.succeeds("list")
        self.back_up()

    def test_a_newest_backup_that_somebody_deleted_is_noticed(self):
        self.prepared()
        newest = self.back_up()
        (self.tool.repository / "backups" / newest).unlink()
        self.fails_with("REPOSITORY_ROLLED_BACK", "list")

    def test_an_epoch_that_is_gone_is_noticed(self):
        self.prepared()
        self.succeeds("key", "rotate")
        self.succeeds("list")
        (self.tool.repository / "keys" / "epoch-00000002").unlink()
        self.fails_with("REPOSITORY_ROLLED_BACK", "backup", "cluster")

    def test_another_repository_in_its_place_is_noticed(self):
        self.prepared()
        other = Tool(self.folder, self.cluster, self.folder / "other")
        self.ended(other.run("init", "--key-file", self.key_file), 0)
        self.put_back(other.repository)
        self.fails_with("REPOSITORY_ROLLED_BACK", "backup", "cluster")
        shutil.rmtree(self.tool.repository)
        self.succeeds("init", "--key-file", self.key_file)
        self.succeeds("list")

    def test_a_repository_without_encryption_in_its_place_is_refused(self):
        self.prepared()
        other = Tool(self.folder, self.cluster, self.folder / "other")
        self.ended(other.run("init"), 0)
        self.put_back(other.repository)
        self.fails_with("ENCRYPTION_DOWNGRADED", "backup", "cluster")
        without = {"DBBACKUP_KEY_FILE": None}
        self.fails_with("ENCRYPTION_DOWNGRADED", "backup", "cluster", env=without)
        self.fails_with("ENCRYPTION_DOWNGRADED", "list", "--accept-rollback")
        self.succeeds("list", "--accept-rollback", env=without)
        self.succeeds("backup", "cluster", env=without)

    def test_a_host_that_can_remember_nothing_says_so_and_works(self):
        self.prepared()
        home = self.file("not-a-directory", "")
        outcome = self.succeeds("list", "--json", env={"HOME": str(home)})
        self.assertEqual(["state-not-written"], [warning["kind"] for warning in outcome.document["warnings"]])
        self.assertEqual(1, len(outcome.document["backups"]))

    def test_a_memory_that_is_damaged_is_made_anew(self):
        self.prepared()
        [memory] = (self.tool.home / ".local/state/dbbackup/repositories").iterdir()
        good = memory.read_text()
        self.assertEqual(0o600, memory.stat().st_mode & 0o777)
        for nonsense in ("", "{}", good.replace("newest_backup\": \"", "newest_backup\": \"x")):
            memory.write_text(nonsense)
            self.succeeds("list")
            self.assertEqual(json.loads(good), json.loads(memory.read_text()))

    def test_manifests_that_were_swapped_are_noticed(self):
        first = self.prepared()
        second = self.back_up()
        folder = self.tool.repository / "backups"
        (folder / first).rename(folder / "x")
        (folder / second).rename(folder / first)
        (folder / "x").rename(folder / second)
        self.fails_with("OBJECT_SWAPPED", "show", first)
        self.fails_with("OBJECT_SWAPPED", "restore", "database", "app", "--from", first, "--confirm")

    def test_nothing_of_the_data_can_be_read_in_the_files(self):
        self.cluster.create_database("payroll", contents="create table salaries (who text, pay int); "
                                     "insert into salaries select 'Augusta Ada King ' || n, n from generate_series(1, 2000) n")  # fmt: skip
        for kind, key in (("plain", []), ("encrypted", ["--key-file", self.key_file])):
            tool = Tool(self.folder, self.cluster, self.folder / kind)
            self.ended(tool.run("init", *key), 0)
            self.ended(tool.run("backup", "cluster", *key), 0)
            everything = b"".join(path.read_bytes() for path in tool.repository_files())
            words = [b"payroll", b"salaries", b"Augusta", b"postgres", b"public", b"CREATE TABLE", b"cluster"]
            self.assertEqual([], [word for word in words if word in everything] if key else [])
            names = " ".join(str(path.relative_to(tool.repository)) for path in tool.repository_files())
            self.assertNotIn("payroll", names)

    def temporary_home(self):
        home = self.folder / "another home"
        home.mkdir(exist_ok=True)
        return home


class Secrecy(Keys):
    """Where a secret must not be."""

    def test_the_passphrase_is_in_no_argument_environment_output_or_file(self):
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 1))
        wrappers = self.folder / "wrappers"
        wrappers.mkdir()
        real = Path(shutil.which("pg_dump", path=f"{self.cluster_programs()}:{os.environ['PATH']}")).parent
        for program in ("pg_dump", "pg_dumpall", "pg_restore"):
            wrapper = wrappers / program
            wrapper.write_text(f"#!/bin/sh\nenv >> {self.folder}/environments\nexec {real}/{program} \"$@\"\n")
            wrapper.chmod(0o755)
        config = self.file("config.yaml", f"client_programs: [{wrappers}]\n")
        secret = {"DBBACKUP_PASSPHRASE": PASSPHRASE}
        texts = [self.succeeds("init", "--encryption", "passphrase", env=secret).text]
        running = self.start("backup", "cluster", "--config", config, "--progress", "json", "--json", "-v",
                             pause=["rows-begun:app"], env=secret).wait_for("rows-begun:app")  # fmt: skip
        lines = [Path(f"/proc/{process}/cmdline").read_bytes() for process, _ in self.tool.processes_left()]
        self.assertTrue(lines)
        texts += [line.decode(errors="replace") for line in lines]
        texts.append(self.ended(running.go("rows-begun:app").finish(), 0).text)
        for argv in (["list", "--json"], ["key", "list", "--json"], ["doctor", "-v"], ["show", "latest", "--json"]):
            texts.append(self.tool.run(*argv, env=secret).text)
        texts.append(self.tool.run("list", "--json", env={"DBBACKUP_PASSPHRASE": PASSPHRASE + "x"}).text)
        environments = (self.folder / "environments").read_text(errors="replace")
        self.assertIn("PGHOST", environments, "the wrappers were used")
        texts.append(environments)
        for text in texts:
            self.assertNotIn(PASSPHRASE, text)
        self.passphrase_file.unlink()
        for path in self.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.assertNotIn(PASSPHRASE.encode(), path.read_bytes(), path)

    def cluster_programs(self):
        return os.environ.get("DBBACKUP_TEST_BINDIR", "/usr/lib/postgresql/15/bin")

    def test_there_is_no_option_that_takes_a_secret(self):
        for word in ("--passphrase", "--key", "--new-passphrase"):
            self.fails_with("USAGE", "list", f"{word}={PASSPHRASE}")

    def test_a_crash_leaves_no_core_dump_of_a_process_that_has_a_key(self):
        self.cluster.create_database("app", contents=SMALL)
        self.succeeds("init", "--key-file", self.key_file)
        self.succeeds("init", "--repository", self.folder / "plain")
        options = os.environ.get("ASAN_OPTIONS", "") + ":disable_coredump=0:handle_abort=0"
        ended = {}
        for name, argv in (("plain", ["-r", self.folder / "plain"]), ("encrypted", ["--key-file", self.key_file])):
            running = self.start("backup", "cluster", *argv, pause=["rows-begun:app"], env={"ASAN_OPTIONS": options},
                                 preexec_fn=allow_cores).wait_for("rows-begun:app")  # fmt: skip
            running.send(signal.SIGABRT)
            ended[name] = os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT).si_code
        self.assertEqual(os.CLD_KILLED, ended["encrypted"])
        if ended["plain"] != os.CLD_DUMPED:
            self.skipTest("no core dumps can be made here")


def allow_cores():
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


class Page(unittest.TestCase):
    """docs/security.md names a test beside each claim."""

    def test_every_test_that_is_named_exists(self):
        page = (SOURCE / "docs/security.md").read_text()
        units = "\n".join(path.read_text() for path in (SOURCE / "src").rglob("*_test.cc"))
        known = {f"{suite}.{name}" for suite, name in re.findall(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", units)}
        for path in (SOURCE / "tests/e2e").glob("test_*.py"):
            known |= {f"{path.name}: {name}" for name in re.findall(r"def (test_\w+)", path.read_text())}
        named = re.findall(r"\[(\w+\.\w+|test_\w+\.py: test_\w+)\]", page)
        self.assertGreater(len(named), 30)
        self.assertEqual([], [name for name in named if name not in known])

    def test_every_claim_names_a_test(self):
        page = (SOURCE / "docs/security.md").read_text()
        claims = re.findall(r"(?ms)^\* (.*?)(?=^\* |^$|\Z)", page.split("## Claims", 1)[1])
        self.assertTrue(claims)
        for claim in claims:
            self.assertRegex(claim, r"\[(\w+\.\w+|test_\w+\.py: test_\w+)\]", claim)


if __name__ == "__main__":
    unittest.main()
