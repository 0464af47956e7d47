"""Power loss at any moment: whatever of what was not synced is lost, the repository is sound, earlier backups are whole, and
the next run succeeds."""

import shutil
import subprocess
import unittest

from support.backups import digests, reader
from support.case import EndToEnd
from support.power_loss import Recording, preloading
from support.program import Tool
from support.storing import BACKUP, LONG, PRUNE, REPAIR, two_tables

# States tried of each operation, and at how many of them the next run, too. None: all there are.
STATES, NEXT_RUNS = (None, 100) if LONG else (25, 3)


class PowerLoss(EndToEnd):
    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=two_tables(3000))

    def change_rows(self):
        self.cluster.sql("update rows set t = 'changed ' || t where id % 50 = 0", "app")

    def recorded(self, *argv):
        """Runs it with a record of what it does to the repository."""
        base, log = self.folder / "base", self.folder / "log"
        shutil.rmtree(base, ignore_errors=True)
        log.unlink(missing_ok=True)
        self.tool.repository.mkdir(exist_ok=True)
        subprocess.run(["cp", "-al", self.tool.repository, base], check=True)  # nothing that is there is ever written to
        self.succeeds(*argv, env=preloading("file_operations", OPERATIONS_ROOT=self.tool.repository, OPERATIONS_LOG=log))
        recording = Recording(base, log)
        self.assertGreater(len(recording.operations), 1, "the library records nothing")
        return recording

    def tool_at(self, repository):
        """On a host that has not seen this repository yet: one that has might miss what the power loss undid."""
        host = self.folder / "host"
        shutil.rmtree(host, ignore_errors=True)
        host.mkdir()
        return Tool(host, self.cluster, repository)

    def sound(self, tool):
        """`check --read-data` finds nothing."""
        return self.ended(tool.run("check", "--read-data"), 0)

    def each_state(self, recording):
        """Lays out the states that are tried, one after the other: the program there, and whether to try the next run."""
        states = list(recording.states(self.random))
        chosen = range(len(states)) if STATES is None else sorted(self.random.sample(range(len(states)), min(STATES, len(states))))
        with_next = set(self.random.sample(list(chosen), min(NEXT_RUNS, len(chosen))))
        for number in chosen:
            recording.make(states[number], self.folder / "after")
            with self.subTest(states[number].what):
                yield self.tool_at(self.folder / "after"), number in with_next
        print(f"{self.id().split('.')[-1]}: {len(recording.operations)} operations, {len(chosen)} of {len(states)} states, "
              f"next run at {len(with_next)}", flush=True)  # fmt: skip

    def survives(self, recording, *next_runs, must_have, may_have, before=None):
        """Every backup of `must_have` is there and as it was, others only if they are whole; `next_runs` succeed."""
        for tool, goes_on in self.each_state(recording):
            if before:
                before(tool)
            self.sound(tool)
            found = digests(tool.repository)
            self.assertLessEqual(must_have.items(), found.items(), "a backup that was there before")
            self.assertLessEqual(found.items(), {**must_have, **may_have}.items())
            if goes_on:
                for run in next_runs:
                    self.ended(tool.run(*run), 0)
                    self.sound(tool)
                self.assertLessEqual(must_have.items(), digests(tool.repository).items())

    def make_repository(self, tool):
        """As a person does who finds the power back."""
        if tool.run("list").code == 0:
            return
        if (tool.repository / "keys" / "epoch-00000001").exists():
            outcome = self.failed_with("NOT_A_REPOSITORY", tool.run("init", "--json"))
            self.assertIn("Remove the folder `keys`", str(outcome.error["solution"]))
            shutil.rmtree(tool.repository / "keys")
        self.ended(tool.run("init"), 0)

    def test_init(self):
        recording = self.recorded("init")
        self.survives(recording, BACKUP, must_have={}, may_have={}, before=self.make_repository)

    def test_first_backup(self):
        self.init()
        recording = self.recorded(*BACKUP)
        self.survives(recording, BACKUP, must_have={}, may_have=digests(self.tool.repository))

    def test_second_backup(self):
        self.init()
        self.back_up()
        before = digests(self.tool.repository)
        self.change_rows()
        recording = self.recorded(*BACKUP)
        self.survives(recording, BACKUP, must_have=before, may_have=digests(self.tool.repository))

    def test_forget_and_prune(self):
        self.init()
        backups = []
        for _ in range(3):
            backups.append(self.back_up())
            self.change_rows()
        before = digests(self.tool.repository)
        recording = self.recorded("forget", backups[0], "--confirm")
        gone = {backups[0]: before.pop(backups[0])}
        self.survives(recording, PRUNE, BACKUP, must_have=before, may_have=gone)
        self.succeeds("forget", backups[1], "--confirm")
        del before[backups[1]]
        recording = self.recorded(*PRUNE)
        removed = [operation.path for operation in recording.operations if operation.what == "unlink"]
        self.assertTrue(any(path.startswith("packs/") for path in removed), removed)
        self.survives(recording, PRUNE, BACKUP, must_have=before, may_have={})

        # That the order of removals would be lost without the syncs, and that this test can fail.
        recording = recording.without_syncs_of_removals()
        moment = len(recording.operations)
        lost = {number for number in recording.pending(moment) if recording.operations[number].path.startswith("index/")}
        self.assertTrue(lost)
        recording.make(recording.state(moment, lost), self.folder / "after")
        self.assertEqual(3, self.tool_at(self.folder / "after").run("check").code)

    def test_repair_of_the_index(self):
        self.init()
        for _ in range(2):
            self.back_up()
            self.change_rows()
        before = digests(self.tool.repository)
        lost, damaged, *_ = sorted((self.tool.repository / "index").iterdir())
        lost.unlink()
        damaged.unlink()
        damaged.write_bytes(b"nonsense")
        recording = self.recorded(*REPAIR)
        for what in ("rename", "unlink"):
            self.assertIn(what, {operation.what for operation in recording.operations if "index/" in operation.path})
        for tool, goes_on in self.each_state(recording):
            self.ended(tool.run(*REPAIR), 0)
            self.sound(tool)
            self.assertEqual(before, digests(tool.repository))
            if goes_on:
                self.ended(tool.run(*BACKUP), 0)
                self.sound(tool)

    def test_keys_are_added_changed_removed_and_rotated(self):
        first, second, third = (self.folder / name for name in ("first", "second", "third"))
        self.succeeds("init", "--encryption", "keyfile", "--key-file", first)
        self.tool.environment["DBBACKUP_KEY_FILE"] = str(first)
        self.back_up()
        before = digests(self.tool.repository, reader().Secret("keyfile", first.read_bytes()))
        self.survives_with_keys(before, {first}, "key", "add", "--new-key-file", second)
        self.survives_with_keys(before, {first}, "key", "rotate")
        self.survives_with_keys(before, {first, third}, "key", "change", "--new-key-file", third)
        self.tool.environment["DBBACKUP_KEY_FILE"] = str(third)
        keys = self.succeeds("key", "list", "--json").document["keys"]
        [other] = [key["id"] for key in keys if not key["in_use"]]
        self.survives_with_keys(before, {third}, "key", "remove", other, "--confirm")
        self.failed_with("KEY_REFUSED", self.tool.run("list", "--json", env={"DBBACKUP_KEY_FILE": second}))

    def survives_with_keys(self, before, keys, *argv):
        """In every state one of the keys opens the repository, and everything is there."""
        recording = self.recorded(*argv)
        for tool, goes_on in self.each_state(recording):
            opening = [key for key in keys if tool.run("list", env={"DBBACKUP_KEY_FILE": key}).code == 0]
            self.assertTrue(opening, f"no key opens it: {argv}")
            tool.environment["DBBACKUP_KEY_FILE"] = str(opening[0])
            self.sound(tool)
            secret = reader().Secret("keyfile", opening[0].read_bytes())
            self.assertEqual(before, digests(tool.repository, secret))
            if goes_on:
                self.ended(tool.run(*BACKUP), 0)
                self.ended(tool.run("key", "rotate"), 0)
                self.sound(tool)
                self.assertLessEqual(before.items(), digests(tool.repository, secret).items())

    def test_a_program_that_did_not_sync_would_be_found_out(self):
        """That these tests can fail: names without their bytes."""
        self.init()
        recording = self.recorded("backup", "cluster").without_syncs()
        moment = len(recording.operations)
        writes = {number for number in range(moment) if recording.operations[number].what == "write"}
        recording.make(recording.state(moment, writes), self.folder / "after")
        tool = self.tool_at(self.folder / "after")
        self.assertEqual(3, tool.run("check").code)


if __name__ == "__main__":
    unittest.main()
