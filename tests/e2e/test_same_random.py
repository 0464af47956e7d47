"""A random source that gives the same bytes in every process, as on a cloned machine, repeats no key with a nonce and no name."""

import shutil
import struct
import unittest

from support.case import EndToEnd
from support.contents import wide_table
from support.power_loss import preloading
from support.program import Tool

BOX = struct.Struct("<4s 4B 3I 32s 12s")


class SameRandom(EndToEnd):
    def setUp(self):
        super().setUp()
        self.random_as_on_a_clone = preloading("same_random")
        self.init()
        self.cluster.create_database("app", contents=wide_table("wide", 2))

    def back_up_on_a_clone(self, tool=None):
        outcome = (tool or self.tool).run("backup", "cluster", "--json", env=self.random_as_on_a_clone)
        return self.ended(outcome, 0).document["id"]

    def host(self, name, cluster, repository):
        """A host of its own: what one remembers of a repository is nothing to the other."""
        (self.folder / name).mkdir()
        return Tool(self.folder / name, cluster, repository)

    def objects(self, *tools):
        """(name, content) of all objects of these repositories."""
        return {(str(path.relative_to(tool.repository)), path.read_bytes())
                for tool in tools for path in tool.repository_files()}  # fmt: skip

    def boxes(self, objects):
        """(kind, epoch, name, nonce) and what was sealed with them, of all boxes in these objects."""
        found = set()
        for name, content in objects:
            if name == "config" or name.startswith("keys/"):
                continue
            position, end = 0, len(content)
            if name.startswith("packs/"):
                position, end = 32, len(content) - 32
            while position < end:
                magic, kind, _, _, _, epoch, _, sealed, box_name, nonce = BOX.unpack_from(content, position)
                self.assertEqual(b"dbBX", magic, f"{name} at {position}")
                length = BOX.size + sealed + 16
                found.add(((kind, epoch, box_name, nonce), content[position : position + length]))
                position += length
        return found

    def assert_nothing_repeats(self, objects):
        self.assertGreater(len(objects), 5)
        for what, pairs in (("name", objects), ("key and nonce", self.boxes(objects))):
            seen = {}
            for key, content in pairs:
                self.assertIs(content, seen.setdefault(key, content), f"two contents with one {what}: {key}")

    def test_the_library_is_in_force(self):
        """That this test can fail: two repositories made on clones have the same id."""
        ids = set()
        for name in ("one", "other"):
            tool = self.host(name, self.cluster, self.folder / name / "repository")
            ids.add(self.ended(tool.run("init", "--json", env=self.random_as_on_a_clone), 0).document["id"])
        self.assertEqual(1, len(ids))

    def test_different_data_into_copies_of_one_repository(self):
        shutil.copytree(self.tool.repository, self.folder / "copy")
        other = self.host("other", self.cluster, self.folder / "copy")
        first = self.back_up_on_a_clone()
        self.cluster.sql("update wide set c = c + 1 where id % 10 = 0", "app")
        second = self.back_up_on_a_clone(other)
        self.assertNotEqual(first, second)
        self.assert_nothing_repeats(self.objects(self.tool, other))

    def test_different_data_into_copies_at_the_same_moment(self):
        """Two clones start together, each with a cluster of its own."""
        shutil.copytree(self.tool.repository, self.folder / "copy")
        elsewhere = self.another_cluster()
        elsewhere.create_database("app", contents=wide_table("wide", 1))
        other = self.host("other", elsewhere, self.folder / "copy")
        runs = [tool.start("backup", "cluster", "--json", env=self.random_as_on_a_clone) for tool in (self.tool, other)]
        ids = []
        for run in runs:
            self.addCleanup(run.close)
            ids.append(self.ended(run.finish(), 0).document["id"])
        self.assertEqual(2, len(set(ids)))
        self.assert_nothing_repeats(self.objects(self.tool, other))

    def test_two_processes_into_one_repository_at_the_same_moment(self):
        elsewhere = self.another_cluster()
        elsewhere.create_database("app", contents=wide_table("wide", 1))
        other = self.host("other", elsewhere, self.tool.repository)
        runs = [tool.start("backup", "cluster", "--json", env=self.random_as_on_a_clone) for tool in (self.tool, other)]
        for run in runs:
            self.addCleanup(run.close)
        ids = {self.ended(run.finish(), 0).document["id"] for run in runs}
        self.assertEqual(2, len(ids))
        self.assert_nothing_repeats(self.objects(self.tool))
        self.succeeds("check", "--read-data")

    def test_one_after_the_other_into_one_repository(self):
        for _ in range(3):
            self.back_up_on_a_clone()
            self.cluster.sql("update wide set c = c + 1 where id % 10 = 0", "app")
        self.assertEqual(3, len(self.succeeds("list", "--json").document["backups"]))
        self.assert_nothing_repeats(self.objects(self.tool))
        self.succeeds("check", "--read-data")


if __name__ == "__main__":
    unittest.main()
