"""Several servers that back up into one repository: each gets its own back, unless another's is named."""

import tempfile
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.program import Tool


class SharedRepository(EndToEnd):
    def setUp(self):
        super().setUp()
        self.other = self.another_cluster()
        self.other_tool = self.tool_of(self.other)
        self.init()

    def tool_of(self, cluster):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return Tool(folder, cluster, self.tool.repository)

    def back_up_other(self, *argv):
        return self.ended(self.other_tool.run("backup", *argv, "--json"), 0).document["id"]

    def shops(self):
        self.cluster.create_database("shop", contents="create table mine (a int); insert into mine values (1)")
        self.other.create_database("shop", contents="create table theirs (a int)")

    def tables(self, cluster, database):
        return cluster.value("select string_agg(tablename, ',') from pg_tables where schemaname = 'public'", database)

    def test_without_from_a_server_gets_its_own_backup_back(self):
        self.shops()
        own = self.back_up()
        newer = self.back_up_other("cluster")
        self.succeeds("restore", "database", "shop", "--confirm")
        self.assertEqual("mine", self.tables(self.cluster, "shop"))
        self.assertEqual(own, self.succeeds("restore", "cluster", "latest", "--json").document["backup"])
        listed = self.succeeds("list", "--json").document["backups"]
        self.assertEqual([newer, own], [backup["id"] for backup in listed])
        self.assertNotEqual(*[backup["source"] for backup in listed])
        self.assertIn("SERVER", self.succeeds("list").out)

    def test_a_backup_of_another_server_is_taken_by_name_and_the_old_database_is_kept(self):
        self.shops()
        self.back_up()
        other = self.back_up_other("database", "shop")
        argv = ["restore", "database", "shop", "--from", other]
        plan = self.succeeds(*argv, "--json").document
        self.assertEqual(["warning"], [line["verdict"] for line in plan["preflight"] if line["check"] == "source"])
        self.assertFalse(plan["databases"][0]["drop_old"])
        dropping = self.succeeds(*argv, "--old", "drop", "--json").document
        self.assertTrue(dropping["databases"][0]["drop_old"])
        result = self.succeeds(*argv, "--confirm", "--json").document
        self.assertEqual("theirs", self.tables(self.cluster, "shop"))
        self.assertEqual("mine", self.tables(self.cluster, result["databases"][0]["kept_as"]))

    def test_a_server_with_no_backup_takes_the_newest_of_one_and_must_choose_among_several(self):
        self.other.create_database("shop", contents="create table theirs (a int)")
        first = self.back_up_other("cluster")
        plan = self.succeeds("restore", "database", "shop", "--json").document
        self.assertEqual(first, plan["backup"])
        self.assertNotIn("source", [line["check"] for line in plan["preflight"]], "nothing is replaced")
        third = self.another_cluster()
        third.create_database("shop")
        second = self.ended(self.tool_of(third).run("backup", "cluster", "--json"), 0)
        for argv in (["restore", "database", "shop"], ["restore", "cluster", "latest"], ["restore", "table", "shop", "theirs"]):
            with self.subTest(command=argv):
                outcome = self.fails_with("BACKUP_AMBIGUOUS", *argv)
                for backup in (first, second.document["id"]):
                    self.assertIn(backup, " ".join(outcome.error["solution"]))
        self.succeeds("restore", "database", "shop", "--from", first, "--confirm")
        self.assertEqual("theirs", self.tables(self.cluster, "shop"))


if __name__ == "__main__":
    unittest.main()
