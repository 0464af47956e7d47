"""Forgetting backups, holding them, and freeing the space of what nobody needs."""

import unittest

from support.case import EndToEnd
from support.contents import SMALL, wide_table
from support.pictures import database_picture


class Prune(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 8))

    def document(self, *argv):
        return self.succeeds(*argv, "--json").document

    def test_forgotten_backups_give_their_space_back_and_the_others_restore(self):
        self.back_up("database", "app")
        self.cluster.sql("update wide set a = reverse(a)", "app")
        kept = self.back_up("database", "app")
        picture = database_picture(self.cluster, "app")

        plan = self.document("forget", "--keep-last", "1")
        self.assertEqual([entry["forget"] for entry in plan["backups"]], [False, True])
        self.assertEqual(len(self.document("list")["backups"]), 2, "without --confirm nothing happens")
        self.succeeds("forget", "--keep-last", "1", "--confirm")
        self.assertEqual([backup["id"] for backup in self.document("list")["backups"]], [kept])

        before = self.tool.repository_bytes()
        planned = self.document("prune")
        self.assertGreater(planned["bytes_to_free"], before // 4)
        self.assertEqual(self.tool.repository_bytes(), before, "without --confirm nothing happens")
        done = self.document("prune", "--confirm")
        self.assertGreater(done["freed_bytes"], before // 4)
        self.assertLess(self.tool.repository_bytes(), before - done["freed_bytes"] // 2)
        self.assert_repository_sound()
        self.succeeds("restore", "database", "app", "--from", kept, "--confirm")
        self.assert_holds(picture, "app")
        self.assertIn("nothing to delete", self.succeeds("prune").text)

    def test_what_is_held_or_the_last_good_one_is_not_forgotten(self):
        first = self.back_up("database", "app")
        second = self.back_up("database", "app")
        self.succeeds("hold", first, "--reason", "before the upgrade")
        held = {backup["id"]: backup["held"] for backup in self.document("list")["backups"]}
        self.assertEqual("before the upgrade", held[first]["reason"])
        self.assertIsNone(held[second])
        self.assertIn("before the upgrade", self.succeeds("list").text)
        outcome = self.fails_with("BACKUP_HELD", "forget", first, "--confirm")
        self.assertIn("before the upgrade", outcome.error["cause"])
        self.fails_with("BACKUP_IS_LAST", "forget", second, "--confirm")
        self.succeeds("forget", "--keep-last", "1", "--confirm")
        self.assertEqual(len(self.document("list")["backups"]), 2)
        self.succeeds("release", first)
        self.succeeds("forget", first, "--confirm")
        self.succeeds("forget", second, "--last-too", "--confirm")
        self.assertEqual(self.document("list")["backups"], [])
        self.succeeds("prune", "--confirm")
        self.assertLess(self.tool.repository_bytes(), 64 * 1024)

    def test_a_policy_keeps_the_last_of_every_database(self):
        self.cluster.create_database("other", contents=SMALL)
        for name in ("app", "other", "app", "app"):
            self.back_up("database", name)
        plan = self.document("forget", "--keep-last", "1", "--confirm")
        kept = sorted(entry["group"] for entry in plan["backups"] if not entry["forget"])
        self.assertEqual(kept, ["database app", "database other"])

    def test_what_was_typed_wrong_is_refused_before_anything_happens(self):
        self.back_up("database", "app")
        self.fails_with("USAGE", "forget")
        self.fails_with("USAGE", "forget", "--keep-last", "0", "--confirm")
        self.fails_with("USAGE", "prune", "--max-waste", "101")
        self.fails_with("BACKUP_NOT_FOUND", "forget", "2020", "--confirm")
        self.assertEqual(len(self.document("list")["backups"]), 1)


if __name__ == "__main__":
    unittest.main()
