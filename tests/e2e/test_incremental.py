"""A second backup stores what changed, and little else; every backup restores to its own moment."""

import unittest

from support.case import EndToEnd
from support.contents import SMALL, wide_table
from support.pictures import database_picture

MEBIBYTES = 24


class SecondBackup(EndToEnd):
    """Sizes are those of the files in the repository, not what dbbackup says of itself."""

    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL + wide_table("wide", MEBIBYTES) +
                                     "alter table wide add primary key (id);")  # fmt: skip

    def added_by_a_backup(self):
        before = self.tool.repository_bytes()
        backup = self.back_up("database", "app")
        return self.tool.repository_bytes() - before, backup

    def test_unchanged_data_adds_less_than_a_hundredth(self):
        first, _ = self.added_by_a_backup()
        self.assertGreater(first, MEBIBYTES * 1024 * 1024 // 4, "md5 sums do not compress to nothing")
        second, _ = self.added_by_a_backup()
        self.assertLess(second, first / 100)
        # VACUUM and ANALYZE change pages, not rows.
        self.cluster.sql("vacuum (freeze, analyze) wide", "app")
        third, _ = self.added_by_a_backup()
        self.assertLess(third, first / 100)

    def test_few_changed_rows_add_little_and_each_backup_is_its_own_moment(self):
        first_size, first = self.added_by_a_backup()
        original = database_picture(self.cluster, "app")
        self.cluster.sql("update wide set c = c + 1 where id % 1000 = 0", "app")
        changed_size, changed = self.added_by_a_backup()
        changed_picture = database_picture(self.cluster, "app")
        # 0.1 % of the rows lie in a tenth of the 4 KiB pieces at most, twice: where they were and where they are.
        self.assertLess(changed_size, first_size / 5)
        self.cluster.sql("delete from wide where id between 1000 and 2000", "app")
        self.cluster.sql("insert into wide select -i, 'new', 'row', i, md5(i::text) from generate_series(1, 500) i", "app")
        small_size, small = self.added_by_a_backup()
        small_picture = database_picture(self.cluster, "app")
        self.assertLess(small_size, first_size / 20)
        for backup, picture in ((first, original), (changed, changed_picture), (small, small_picture)):
            self.succeeds("restore", "database", "app", "--from", backup, "--confirm")
            self.assert_holds(picture, "app")
        self.assert_repository_sound()

    def test_appended_rows_cost_about_what_they_are(self):
        first, _ = self.added_by_a_backup()
        self.cluster.sql("insert into wide select i + 10000000, md5((i * 17)::text), md5((i * 19)::text), i, md5((i * 23)::text) "
                         "from generate_series(1, 1000) i", "app")  # fmt: skip
        second, _ = self.added_by_a_backup()
        self.assertLess(second, first / 25, "a thousand rows of 120,000")

    def test_a_restored_database_backs_up_for_little_again(self):
        first, backup = self.added_by_a_backup()
        self.succeeds("restore", "database", "app", "--from", backup, "--confirm")
        again, second = self.added_by_a_backup()
        self.assertLess(again, first / 20, "the rows lie in the order in which they were saved")
        picture = database_picture(self.cluster, "app")
        self.succeeds("restore", "database", "app", "--from", second, "--confirm")
        self.assert_holds(picture, "app")

    def test_cluster_backups_share_with_each_other_too(self):
        before = self.tool.repository_bytes()
        self.back_up("cluster")
        first = self.tool.repository_bytes() - before
        self.back_up("cluster")
        self.assertLess(self.tool.repository_bytes() - before - first, first / 100)

    def test_rows_that_were_removed_are_not_in_the_later_backup(self):
        self.cluster.sql("create table private (v text); insert into private values ('Erika Mustermann')", "app")
        first = self.back_up("database", "app")
        self.cluster.sql("truncate private; drop table wide", "app")
        second = self.back_up("database", "app")
        self.succeeds("restore", "database", "app", "--from", second, "--confirm")
        self.assertEqual("0", self.cluster.value("select count(*) from private", "app"))
        self.succeeds("restore", "database", "app", "--from", first, "--confirm")
        self.assertEqual("1", self.cluster.value("select count(*) from private", "app"))


if __name__ == "__main__":
    unittest.main()
