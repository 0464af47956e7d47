"""One cluster, filled by a class, backed up, wiped and restored once; its tests look at what came back.

A line of a test's docstring that begins with "Fidelity:", "Refused:" or "Limit:" is a line of docs/fidelity.md.
"""

import shutil

from support.case import EndToEnd
from support.clusters import Cluster, temporary_folder
from support.judge import Portrait, whole_dump
from support.program import Tool


class RestoredCluster(EndToEnd):
    """`fill(cluster)` makes what is backed up. Afterwards `before` is its portrait, `backup_said` and `restore_said` are outcomes."""

    initdb = ()
    backup_code = 0

    @classmethod
    def fill(cls, cluster):
        raise NotImplementedError

    @classmethod
    def after_backup(cls, cluster):
        """Between the backup and the restore: by default everything is gone."""
        cluster.wipe()

    @classmethod
    def setUpClass(cls):
        cls.shared = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.cluster = Cluster(settings=cls.settings, initdb=cls.initdb)
        cls.addClassCleanup(cls.cluster.close)
        cls.fill(cls.cluster)
        cls.before = Portrait(cls.cluster)
        cls.before.whole_dump = whole_dump(cls.cluster)
        tool = Tool(cls.shared, cls.cluster)
        cls.checked(tool.run("init"))
        cls.backup_said = cls.checked(tool.run("backup", "cluster", "--json", seconds=600), cls.backup_code)
        cls.after_backup(cls.cluster)
        cls.restore_said = cls.checked(tool.run("restore", "cluster", "latest", "--confirm", "--json", seconds=900))

    @classmethod
    def checked(cls, outcome, code=0):
        if outcome.code != code:
            raise AssertionError(f"exit code {code} expected:\n{outcome}")
        return outcome

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tool = Tool(self.folder, self.cluster, self.shared / "repository")

    def holds(self, expected, query, database="one"):
        """The query's rows, each as one text with "|" between the fields."""
        self.assertEqual(expected, ["|".join(field or "" for field in row) for row in self.cluster.rows(query, database)])

    def says(self, lines, query, database="one"):
        """A text of the catalog has all of these pieces."""
        text = "\n".join(row[0] or "" for row in self.cluster.rows(query, database))
        for line in lines:
            self.assertIn(line, text)
