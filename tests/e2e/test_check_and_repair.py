"""Checking, repairing and measuring a repository from the command line."""

import shutil
import unittest

from support.case import EndToEnd
from support.contents import SMALL, wide_table
from support.pictures import database_picture


class CheckAndRepair(EndToEnd):
    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", 4))
        self.init()
        self.first = self.back_up()
        self.cluster.sql("update wide set c = c + 1 where id % 1000 = 0", "app")
        self.second = self.back_up()
        self.original = database_picture(self.cluster, "app")

    def objects(self, kind):
        return sorted(path for path in (self.tool.repository / kind).rglob("*") if path.is_file())

    def largest_pack(self):
        return max(self.objects("packs"), key=lambda path: path.stat().st_size)

    def assert_second_restores(self):
        self.succeeds("restore", "database", "app", "--from", self.second, "--as", "copy", "--confirm")
        self.assert_holds(self.original, "copy")
        self.cluster.drop_database("copy")

    def test_a_sample_reads_a_share_and_the_same_one_for_the_same_seed(self):
        everything = self.succeeds("check", "--read-data", "--json").document
        report = self.succeeds("check", "--sample", "20%", "--sample-seed", "7", "--json").document
        self.assertEqual((0.2, 7), (report["sample"], report["sample_seed"]))
        self.assertGreaterEqual(report["frames_read"], report["packs"], "one of each pack at least")
        self.assertLess(report["frames_read"], everything["frames_read"])
        again = self.succeeds("check", "--sample", "20%", "--sample-seed", "7", "--json").document
        self.assertEqual(report["read_bytes"], again["read_bytes"])
        whole = self.succeeds("check", "--sample", "100%", "--json").document
        self.assertEqual(everything["read_bytes"], whole["read_bytes"])
        text = self.succeeds("check", "--sample", "20%").text
        self.assertIn("--sample-seed ", text, "the seed is told, so that a finding can be found again")

    def test_a_sample_of_all_finds_what_reading_all_finds(self):
        path = self.largest_pack()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)
        for options in (["--read-data"], ["--sample", "100%"]):
            outcome = self.fails_with("CORRUPTED_BACKUP", "check", *options)
            self.assertEqual(3, outcome.code)
        text = self.tool.run("check", "--read-data").text
        self.assertIn("hurts backup " + self.second, text)
        self.assertIn("table database/app/table/public/", text)

    def test_what_makes_no_sense_together_is_a_usage_error(self):
        for options in (["--sample", "0%"], ["--sample", "5"], ["--sample", "101%"], ["--sample", "x%"], ["--sample-seed", "1"],
                        ["--sample", "5%", "--read-data"], ["--sample", "5%", "--sample-seed", "x"]):  # fmt: skip
            with self.subTest(options=options):
                self.fails_with("USAGE", "check", *options)

    def test_a_lost_index_is_rebuilt_from_the_packs(self):
        plan = self.succeeds("repair", "index", "--json").document
        self.assertFalse(plan["needed"])
        shutil.rmtree(self.tool.repository / "index")
        self.fails_with("CORRUPTED_BACKUP", "check")
        text = self.succeeds("repair", "index").text
        self.assertIn("--confirm", text)
        self.assertEqual([], self.objects("index"), "a plan changes nothing")
        done = self.succeeds("repair", "index", "--confirm", "--json").document
        self.assertTrue(done["executed"])
        self.assertEqual([], done["losses"])
        self.assert_repository_sound()
        self.assert_second_restores()

    def test_a_pack_that_was_cut_costs_what_was_cut_off_and_no_more(self):
        path = self.largest_pack()
        content = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(content[: len(content) // 2])
        outcome = self.fails_with("CORRUPTED_BACKUP", "repair", "index", "--confirm")
        document = outcome.document
        self.assertTrue(document["executed"])
        self.assertGreater(sum(pack["copied_frames"] for pack in document["broken_packs"]), 0)
        self.assertTrue([loss for loss in document["losses"] if loss["hurt_items"]])
        # The next backup stores again what it needs of what is lost.
        newest = self.back_up()
        hurt = [backup for finding in self.fails_with("CORRUPTED_BACKUP", "check", "--read-data").document["findings"]
                for backup in finding["hurts"]]  # fmt: skip
        self.assertNotIn(newest, hurt)
        self.second = newest
        self.assert_second_restores()

    def test_stats_add_up(self):
        stats = self.succeeds("stats", "--json").document
        self.assertEqual([self.second, self.first], [backup["id"] for backup in stats["backups"]])
        newest, oldest = stats["backups"]
        self.assertEqual(oldest["stored_bytes"] + newest["stored_bytes"], newest["stored_so_far_bytes"])
        self.assertGreater(newest["dedup_ratio"], 2)
        self.assertAlmostEqual(oldest["new_bytes"] / oldest["stored_bytes"], oldest["compression_ratio"])
        repository = stats["repository"]
        files = [path for path in self.tool.repository.rglob("*") if path.is_file()]
        self.assertEqual(sum(path.stat().st_size for path in files), repository["bytes"])
        self.assertEqual(len(self.objects("packs")), repository["packs"])
        one = self.succeeds("stats", "latest", "--json").document
        self.assertEqual(self.second, one["id"])
        self.assertIn("table", [kind["kind"] for kind in one["kinds"]])
        text = self.succeeds("stats").text
        for word in (self.first, self.second, "DEDUP", "COMPRESSION"):
            self.assertIn(word, text)
        self.fails_with("BACKUP_NOT_FOUND", "stats", "1999")


if __name__ == "__main__":
    unittest.main()
