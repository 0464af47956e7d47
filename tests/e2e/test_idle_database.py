"""Two backups of a database that nobody changed, by different roles, add next to nothing."""

import unittest

from support.case import EndToEnd
from support.contents import wide_table

MEBIBYTES = 64


class IdleDatabase(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=wide_table("wide", MEBIBYTES))

    def added_by_a_backup(self, *options):
        before = self.tool.repository_bytes()
        self.back_up("database", "app", *options)
        return self.tool.repository_bytes() - before

    def test_a_backup_by_another_role_adds_less_than_a_thousandth(self):
        self.cluster.sql("create role saver login superuser; create role reader login in role pg_read_all_data", "postgres")
        self.cluster.sql("checkpoint", "app")
        first = self.added_by_a_backup()
        second = self.added_by_a_backup("--username", "saver")
        self.assertLess(second, first / 1000)
        third = self.added_by_a_backup("--username", "reader")
        self.assertLess(third, first / 1000)


if __name__ == "__main__":
    unittest.main()
