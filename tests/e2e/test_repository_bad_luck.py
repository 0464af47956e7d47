"""A repository that is missing, foreign, too new, read-only or damaged. What is damaged is never restored."""

import json
import os
import shutil
import stat
import unittest

from support.case import EndToEnd
from support.clusters import Cluster, temporary_folder
from support.contents import SMALL, SOMETHING_NEWER, wide_table
from support.pictures import Picture, database_picture
from support.program import Tool


class Place(EndToEnd):
    COMMANDS = [["backup", "cluster"], ["backup", "database", "app"], ["list"], ["show", "latest"], ["check"],
                ["restore", "cluster", "latest"], ["restore", "database", "app", "--confirm"]]  # fmt: skip

    def test_a_missing_repository_is_an_error_for_every_command(self):
        for command in self.COMMANDS:
            with self.subTest(command=" ".join(command)):
                outcome = self.fails_with("REPOSITORY_NOT_FOUND", *command)
                self.assertIn(str(self.tool.repository), outcome.text)
                self.assertIn("init", " ".join(outcome.error["solution"]))
        self.assertFalse(self.tool.repository.exists(), "looking creates nothing")

    def test_a_directory_with_something_else_in_it_is_not_a_repository(self):
        self.tool.repository.mkdir()
        (self.tool.repository / "holiday.jpg").write_bytes(b"\xff\xd8")
        for command in self.COMMANDS:
            with self.subTest(command=" ".join(command)):
                outcome = self.tool.run(*command, "--json")
                self.assertIn(outcome.error["code"], ("NOT_A_REPOSITORY", "REPOSITORY_NOT_FOUND"))
                self.failed_with(outcome.error["code"], outcome)
        for content in (b"", b"{}", b"not json", b'{"format": "somebody-elses"}', b"\x00" * 5000, b'{"format": "dbbackup-repository"}'):
            with self.subTest(config=content[:40]):
                (self.tool.repository / "config").write_bytes(content)
                outcome = self.tool.run("list", "--json")
                self.assertIn(outcome.error["code"], ("NOT_A_REPOSITORY", "CORRUPTED_BACKUP", "REPOSITORY_TOO_NEW"))
                self.failed_with(outcome.error["code"], outcome)
        self.assertEqual(b"\xff\xd8", (self.tool.repository / "holiday.jpg").read_bytes())

    def test_a_file_in_its_place_is_not_a_repository(self):
        self.tool.repository.write_text("a file")
        for command in (["list"], ["init"]):
            outcome = self.tool.run(*command, "--json")
            self.assertNotEqual(0, outcome.code)
            self.failed_with(outcome.error["code"], outcome)
        self.assertEqual("a file", self.tool.repository.read_text())

    def test_a_repository_of_a_newer_version_is_refused_before_anything_more_is_read(self):
        self.init()
        config = self.tool.repository / "config"
        original = json.loads(config.read_text())
        newer = [{**original, "version": "2"},
                 {**original, "features": {"required": ["time-travel"], "optional": []}}]  # fmt: skip
        for changed in newer:
            config.chmod(0o600)
            config.write_text(json.dumps(changed))
            for command in (["list"], ["backup", "cluster"], ["check"]):
                outcome = self.tool.run(*command, "--json")
                # A changed feature list breaks the seal too; which of both is said first does not matter.
                allowed = ("REPOSITORY_TOO_NEW",) if changed["version"] == "2" else ("REPOSITORY_TOO_NEW", "CORRUPTED_BACKUP")
                self.assertIn(outcome.error["code"], allowed)
                self.failed_with(outcome.error["code"], outcome)

    def test_init_never_overwrites(self):
        self.init()
        config = (self.tool.repository / "config").read_bytes()
        self.fails_with("REPOSITORY_EXISTS", "init")
        self.assertEqual(config, (self.tool.repository / "config").read_bytes())
        self.back_up()
        (self.tool.repository / "config").unlink()
        outcome = self.fails_with("NOT_A_REPOSITORY", "init")
        self.assertIn(str(self.tool.repository), outcome.text)
        self.assertFalse((self.tool.repository / "config").exists())

    def test_a_repository_that_cannot_be_written_is_said_to_be(self):
        self.cluster.create_database("app", contents=SMALL)
        self.init()
        backup = self.back_up()
        read_only = ["unshare", "-m", "--", "sh", "-c", "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && "
                     "exec \"$@\"", str(self.tool.repository)]  # fmt: skip
        if os.geteuid() != 0:
            read_only = []
            for path in [self.tool.repository, *self.tool.repository.rglob("*")]:
                if path.is_dir():
                    path.chmod(0o500)
                    self.addCleanup(path.chmod, 0o700)
        outcome = self.fails_with("REPOSITORY_READ_ONLY", "backup", "cluster", prefix=read_only)
        self.assertIn(str(self.tool.repository), outcome.text)
        # What is in it can be read all the same.
        self.succeeds("list", prefix=read_only)
        self.succeeds("check", "--read-data", prefix=read_only)
        self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--confirm", prefix=read_only)

    def test_a_place_where_nobody_may_write_is_a_permission_error(self):
        outcome = self.tool.run("init", "--repository", "/proc/dbbackup", "--json")
        self.assertNotEqual(0, outcome.code)
        self.failed_with(outcome.error["code"], outcome)

    def test_files_are_for_their_owner_only(self):
        self.cluster.create_database("app", contents=SMALL)
        self.succeeds("init", preexec_fn=lambda: os.umask(0))
        self.back_up(preexec_fn=lambda: os.umask(0))
        for path in [self.tool.repository, *self.tool.repository.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            self.assertEqual(0, mode & 0o077, f"{path}: {mode:o}")

    def test_init_without_encryption_says_what_lies_open(self):
        text = self.succeeds("init").text
        for word in ("encrypt", "password"):
            self.assertIn(word, text.lower())

    def test_the_place_may_have_any_name_and_be_relative_or_a_link(self):
        self.cluster.create_database("app", contents=SMALL)
        for place in ("with space/and é 'quote'", "./relative", "link"):
            with self.subTest(place=place):
                if place == "link":
                    (self.folder / "elsewhere").mkdir()
                    (self.folder / "link").symlink_to("elsewhere")
                environment = {"DBBACKUP_REPOSITORY": None}
                self.succeeds("init", "--repository", place, env=environment)
                self.succeeds("backup", "database", "app", "-r", place, env=environment)
                self.succeeds("check", "--read-data", env={"DBBACKUP_REPOSITORY": place})
                name = f"copy {len(self.cluster.user_databases())}"
                self.succeeds("restore", "database", "app", "--as", name, "--confirm", "-r", place, env=environment)

    def test_without_any_setting_the_default_is_below_the_users_data_directory(self):
        environment = {"DBBACKUP_REPOSITORY": None}
        self.succeeds("init", env=environment)
        self.assertTrue((self.tool.home / ".local/share/dbbackup").is_dir())
        self.succeeds("init", env={**environment, "XDG_DATA_HOME": str(self.folder / "data")})
        self.assertTrue((self.folder / "data/dbbackup").is_dir())

    def test_two_backups_at_once_are_both_good(self):
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 3))
        original = database_picture(self.cluster, "app")
        self.init()
        steps = ["rows-begun:app", "before-commit"]
        first = self.start("backup", "cluster", "--json", pause=steps).wait_for(steps[0])
        second = self.start("backup", "database", "app", "--json", pause=steps).wait_for(steps[0])
        for running in (first, second):
            running.go(steps[0]).wait_for(steps[1])
        ids = [self.ended(running.go(steps[1]).finish(), 0).document["id"] for running in (first, second)]
        self.assertEqual(2, len(set(ids)))
        self.assert_repository_sound()
        for number, backup in enumerate(ids):
            self.succeeds("restore", "database", "app", "--from", backup, "--as", f"copy{number}", "--confirm")
            self.assert_holds(original, f"copy{number}")

    def test_list_and_show_of_an_empty_repository_say_that_it_is_empty(self):
        self.init()
        self.assertEqual([], self.succeeds("list", "--json").document["backups"])
        self.assertTrue(self.succeeds("list").out.strip())
        self.fails_with("BACKUP_NOT_FOUND", "show", "latest")
        self.fails_with("BACKUP_NOT_FOUND", "restore", "cluster", "latest", "--confirm")
        self.succeeds("check")


class Damage(EndToEnd):
    """One backup, made once; each test damages a copy of the repository."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.create_database("app", contents=SMALL + wide_table("wide", 1))
        place = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, place, ignore_errors=True)
        cls.good = place / "repository"
        cls.shared_tool = Tool(place, cls.cluster, cls.good)
        for command in (["init"], ["backup", "cluster"]):
            outcome = cls.shared_tool.run(*command)
            if outcome.code:
                raise AssertionError(str(outcome))
        cls.original = database_picture(cls.cluster, "app")
        cls.cluster.sql(SOMETHING_NEWER, "app")
        cls.before = Picture(cls.cluster)
        cls.oid = cls.cluster.oid_of("app")

    def setUp(self):
        import random
        from support.case import SEED

        self.random = random.Random(f"{SEED} {self.id()}")
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tool = Tool(self.folder, self.cluster)
        self.fresh_copy()

    def fresh_copy(self):
        shutil.rmtree(self.tool.repository, ignore_errors=True)
        shutil.copytree(self.good, self.tool.repository)

    def objects(self, kind):
        return sorted(path for path in (self.tool.repository / kind).rglob("*") if path.is_file())

    def damage(self, path, change):
        content = bytearray(path.read_bytes())
        path.chmod(0o600)
        path.write_bytes(bytes(change(content)))

    def assert_restored_right_or_not_at_all(self):
        """Not every byte is needed for every restore. What comes out is right, or nothing is changed."""
        outcome = self.tool.run("restore", "database", "app", "--as", "probe", "--confirm", "--json")
        self.assert_sane(outcome)
        if outcome.code == 0:
            self.assert_holds(self.original, "probe")
            self.cluster.drop_database("probe")
        else:
            self.failed_with("CORRUPTED_BACKUP", outcome)
            self.assertEqual(["app"], self.cluster.user_databases())
        self.assertEqual(self.oid, self.cluster.oid_of("app"))
        self.assert_nothing_left()
        return outcome

    def assert_check_finds(self, *options):
        outcome = self.tool.run("check", *options, "--json")
        self.failed_with("CORRUPTED_BACKUP", outcome)
        self.assertFalse(outcome.document["sound"])
        self.assertTrue(outcome.document["findings"])
        return outcome.document

    def test_a_flipped_bit_anywhere_is_found_and_nothing_is_changed(self):
        for kind in ("packs", "index", "backups"):
            for _ in range(4):
                self.fresh_copy()
                path = self.random.choice(self.objects(kind))
                # Not in the sealed directory at the end of a pack: rows alone do not need it.
                place = self.random.randrange(int(path.stat().st_size * (0.5 if kind == "packs" else 1)))
                bit = 1 << self.random.randrange(8)
                with self.subTest(kind=kind, file=path.name, byte=place, bit=bit):
                    self.damage(path, lambda content: flipped(content, place, bit))
                    self.assert_check_finds("--read-data")
                    # A whole cluster needs every frame; its other databases are empty.
                    self.fails_with("CORRUPTED_BACKUP", "restore", "cluster", "latest", "--confirm")
                    self.assertEqual(self.oid, self.cluster.oid_of("app"))
                    self.assert_nothing_left()
        self.assert_same(self.before, self.picture())

    def test_every_kind_of_object_cut_or_emptied_or_lengthened_is_found(self):
        changes = {
            "cut in half": lambda content: content[: len(content) // 2],
            "last byte missing": lambda content: content[:-1],
            "emptied": lambda content: b"",
            "zeroes at the end": lambda content: content[:-64] + b"\0" * 64,
            "all zeroes": lambda content: b"\0" * len(content),
        }
        for kind in ("packs", "index", "backups"):
            for name, change in changes.items():
                with self.subTest(kind=kind, change=name):
                    self.fresh_copy()
                    for path in self.objects(kind):
                        self.damage(path, change)
                    self.assert_check_finds()
                    self.assert_restored_right_or_not_at_all()
        self.assert_same(self.before, self.picture())

    def test_a_missing_object_is_found_before_anything_is_changed(self):
        for kind in ("packs", "index", "keys"):
            with self.subTest(kind=kind):
                self.fresh_copy()
                for path in self.objects(kind):
                    path.unlink()
                outcome = self.tool.run("check", "--json")
                self.assertNotEqual(0, outcome.code, outcome)
                self.assert_sane(outcome)
                outcome = self.tool.run("restore", "database", "app", "--confirm", "--json")
                code = outcome.error["code"]
                self.assertIn(code, ("CORRUPTED_BACKUP",) if kind != "keys" else ("CORRUPTED_BACKUP", "NOT_A_REPOSITORY"))
                self.failed_with(code, outcome)
                self.assertEqual(self.oid, self.cluster.oid_of("app"))
                self.assert_nothing_left()
        self.assert_same(self.before, self.picture())

    def test_objects_that_were_swapped_with_each_other_are_found(self):
        self.succeeds("backup", "cluster")
        for kind in ("packs", "index", "backups"):
            paths = self.objects(kind)
            if len(paths) < 2:
                continue
            with self.subTest(kind=kind):
                first, second = paths[0].read_bytes(), paths[1].read_bytes()
                self.damage(paths[0], lambda content: second)
                self.damage(paths[1], lambda content: first)
                self.assert_check_finds()
                self.damage(paths[0], lambda content: first)
                self.damage(paths[1], lambda content: second)

    def test_a_damaged_manifest_does_not_hide_the_other_backups(self):
        self.cluster.sql("select 1", "app")
        good = self.back_up()
        [first] = [path for path in self.objects("backups") if good not in path.name]
        self.damage(first, lambda content: content[:50])
        outcome = self.tool.run("list", "--json")
        self.assert_sane(outcome)
        self.assertEqual([good], [backup["id"] for backup in outcome.document["backups"]])
        self.assertEqual(1, len(outcome.document["damaged"]))
        text = self.tool.run("list").text
        self.assertIn("damaged", text.lower())
        finding = self.assert_check_finds()["findings"]
        self.assertIn(first.name, json.dumps(finding))
        self.fails_with("CORRUPTED_BACKUP", "show", first.name)
        self.succeeds("restore", "database", "app", "--from", good, "--as", "copy", "--confirm")
        self.cluster.drop_database("copy")

    def test_latest_is_never_quietly_an_older_one(self):
        newest = self.back_up()
        self.damage(self.tool.repository / "backups" / newest, lambda content: content[:-1])
        for argv in (["restore", "cluster", "latest"], ["restore", "database", "app"]):
            outcome = self.fails_with("CORRUPTED_BACKUP", *argv, "--confirm")
            self.assertIn(newest, outcome.text)
        [older] = [path.name for path in self.objects("backups") if path.name != newest]
        self.assertIn(older, " ".join(outcome.error["solution"]))
        self.assertEqual(self.oid, self.cluster.oid_of("app"))

    def test_what_may_not_be_read_is_not_missing(self):
        prefix = []
        if os.geteuid() == 0:
            without = "-dac_override,-dac_read_search"
            prefix = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
        folders = [self.objects("packs")[0].parent, *(self.tool.repository / name for name in ("packs", "index", "backups"))]
        commands = (["repair", "index", "--confirm"], ["check"], ["prune", "--confirm"],
                    ["restore", "database", "app", "--confirm"])  # fmt: skip
        for folder in folders:
            folder.chmod(0)
            self.addCleanup(folder.chmod, 0o700)
            for command in commands:
                with self.subTest(folder=folder.name, command=command[0]):
                    outcome = self.fails_with("PERMISSION_DENIED", *command, prefix=prefix)
                    self.assertIn(str(folder), outcome.text)
            folder.chmod(0o700)
        self.succeeds("check", "--read-data", prefix=prefix)
        self.assertEqual(self.oid, self.cluster.oid_of("app"))

    def test_links_in_it_are_followed_by_every_command(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        for path in (self.tool.repository / "packs", self.tool.repository / "index", *self.objects("backups")):
            path.rename(elsewhere / path.name)
            path.symlink_to(elsewhere / path.name)
        pack_folder = next(path for path in (elsewhere / "packs").iterdir() if any(path.iterdir()))
        pack_folder.rename(elsewhere / "one")
        pack_folder.symlink_to(elsewhere / "one")
        self.assertEqual(1, len(self.succeeds("list", "--json").document["backups"]))
        self.assertTrue(self.succeeds("check", "--read-data", "--json").document["sound"])
        self.assertEqual(0, self.succeeds("prune", "--confirm", "--json").document["deleted_packs"])
        self.assertFalse(self.succeeds("repair", "index", "--json").document["needed"])
        self.back_up()
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.cluster.drop_database("copy")

    def test_a_link_that_leads_nowhere_hides_what_is_behind_it_and_loses_nothing(self):
        packs = self.tool.repository / "packs"
        for path in (packs, self.objects("packs")[0].parent, self.objects("packs")[0]):
            with self.subTest(link=path.name):
                path.rename(self.folder / "away")
                path.symlink_to(self.folder / "not mounted")
                self.assertNotEqual(0, self.tool.run("prune", "--confirm").code)
                for command in (["repair", "index", "--confirm"], ["check"]):
                    outcome = self.fails_with("STORAGE_FAILED", *command)
                    self.assertIn(f"{path} is a link that leads nowhere", outcome.text)
                path.unlink()
                (self.folder / "away").rename(path)
        self.succeeds("check", "--read-data")

    def test_a_manifest_that_cannot_be_read_keeps_its_data(self):
        [manifest] = self.objects("backups")
        manifest.rename(self.folder / "away")
        for make in (lambda: manifest.symlink_to(self.folder / "gone"), manifest.mkdir):
            make()
            check = self.tool.run("check", "--json")
            self.assertIn(check.error["code"], ("CORRUPTED_BACKUP", "STORAGE_FAILED"))
            self.failed_with(check.error["code"], check)
            self.assertIn(manifest.name, check.out)
            self.assertEqual(1, len(self.tool.run("list", "--json").document["damaged"]))
            packs = self.objects("packs")
            outcome = self.fails_with("CORRUPTED_BACKUP", "prune", "--confirm")
            self.assertIn(manifest.name, outcome.text)
            self.assertEqual(packs, self.objects("packs"))
            manifest.rmdir() if manifest.is_dir() else manifest.unlink()
        (self.folder / "away").rename(manifest)
        self.succeeds("check", "--read-data")

    def test_damage_names_the_backups_and_tables_that_it_hurts(self):
        path = max(self.objects("packs"), key=lambda p: p.stat().st_size)
        self.damage(path, lambda content: flipped(content, len(content) // 3, 4))
        report = self.assert_check_finds("--read-data")
        hurts = [backup for finding in report["findings"] for backup in finding["hurts"]]
        self.assertEqual([manifest.name for manifest in self.objects("backups")], sorted(set(hurts)))
        self.assertTrue([item for finding in report["findings"] for item in finding["hurt_items"]])
        self.assertIn(path.name, json.dumps(report["findings"]))

    def test_a_backup_after_damage_does_not_build_on_what_is_lost(self):
        for path in self.objects("packs"):
            path.unlink()
        outcome = self.tool.run("backup", "cluster", "--json")
        self.assert_sane(outcome)
        if outcome.code == 0:
            self.cluster.sql("select 1", "app")
            self.succeeds("restore", "database", "app", "--from", outcome.document["id"], "--as", "copy", "--confirm")
            self.assert_holds(database_picture(self.cluster, "app"), "copy")
            self.cluster.drop_database("copy")
        else:
            self.failed_with("CORRUPTED_BACKUP", outcome)

    def test_foreign_files_in_it_are_ignored(self):
        for place in ("packs/README", "backups/.nfs0001", "index/x y", "stray"):
            path = self.tool.repository / place
            path.write_text("not ours")
        self.succeeds("check", "--read-data")
        self.succeeds("list")

    def test_what_a_killed_backup_left_is_no_finding(self):
        for manifest in self.objects("backups"):
            manifest.unlink()
        report = self.succeeds("check", "--json").document
        self.assertTrue(report["sound"])

    def test_sabotage_of_one_byte_keeps_the_old_state(self):
        """What ./dev demo --sabotage does."""
        path = max(self.objects("packs"), key=lambda p: p.stat().st_size)
        self.damage(path, lambda content: flipped(content, 2000, 1))
        outcome = self.ended(self.tool.run("restore", "cluster", "latest", "--confirm"), 3)
        self.assertIn("Backup Damaged", outcome.err)
        self.assert_same(self.before, self.picture())
        self.assertEqual(self.oid, self.cluster.oid_of("app"))


def flipped(content, place, bit):
    content[place] ^= bit
    return content


if __name__ == "__main__":
    unittest.main()
