"""The database that PostgreSQL's own regression tests leave behind comes back: thousands of objects, each odd in its way."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.clusters import give_to_server_user
from support.program import SOURCE


def pg_regress():
    """The program that runs the tests: the newest that this machine itself has, which can run those of other versions."""
    return max(Path("/usr/lib/postgresql").glob("*/lib/pgxs/src/test/regress/pg_regress"))


@unittest.skipUnless(os.environ.get("DBBACKUP_TEST_LONG"), "fetches the source of PostgreSQL; set DBBACKUP_TEST_LONG")
class RegressionDatabase(EndToEnd):
    settings = {"max_prepared_transactions": "2", "wal_level": "logical", "shared_buffers": "128MB", "max_wal_size": "2GB"}

    def fill(self):
        fetched = subprocess.run(
            [SOURCE / "tools/fetch_postgresql_source", str(self.cluster.major),
             SOURCE / "build/postgresql-source" / str(self.cluster.major)],
            capture_output=True, text=True, check=False)  # fmt: skip
        self.assertEqual(0, fetched.returncode, f"the source of PostgreSQL cannot be had:\n{fetched.stderr}")
        # The server reads files of it, and its user may not be able to enter the checkout.
        inputs, outputs = self.folder / "regress", self.folder / "out"
        shutil.copytree(fetched.stdout.strip(), inputs)
        (inputs / "results").mkdir(exist_ok=True)
        (outputs / "results").mkdir(parents=True)
        for folder in (inputs / "results", outputs, outputs / "results"):
            give_to_server_user(folder)
        self.fill_in_templates(inputs, outputs)
        done = subprocess.run(
            [pg_regress(), f"--host={self.cluster.socket}", f"--port={self.cluster.port}", "--user=postgres",
             f"--inputdir={inputs}", f"--outputdir={outputs}", f"--dlpath={inputs}", f"--bindir={self.cluster.bindir}",
             f"--schedule={inputs / 'parallel_schedule'}", "--max-connections=8"],
            env=self.cluster.environment(), cwd=outputs, capture_output=True, text=True, check=False)  # fmt: skip
        # Which of them pass is PostgreSQL's business; that it made what it makes is ours.
        said = done.stdout[-3000:] + done.stderr[-2000:]
        self.assertIn("regression", self.cluster.databases(), said)
        made = int(self.cluster.value("select count(*) from pg_class where oid >= 16384", "regression"))
        self.assertGreater(made, 1200, said)

    def fill_in_templates(self, inputs, outputs):
        """Before 15, pg_regress made some of its inputs of templates."""
        (outputs / "testtablespace").mkdir()
        give_to_server_user(outputs / "testtablespace")
        names = {"@abs_srcdir@": inputs, "@abs_builddir@": outputs, "@testtablespace@": outputs / "testtablespace",
                 "@libdir@": inputs, "@DLSUFFIX@": ".so"}  # fmt: skip
        for source, target, suffix in (("input", "sql", "sql"), ("output", "expected", "out")):
            for template in (inputs / source).glob("*.source"):
                text = template.read_text(errors="surrogateescape")
                for name, value in names.items():
                    text = text.replace(name, str(value))
                (inputs / target / f"{template.stem}.{suffix}").write_text(text, errors="surrogateescape")

    def test_the_regression_database_comes_back_as_it_was(self):
        self.fill()
        before = self.original()
        self.init()
        self.back_up(seconds=600)
        fresh = self.another_cluster(settings=self.settings)
        self.tool.talk_to(fresh)
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=900)
        self.assert_faithful(before, fresh)
        self.assert_nothing_left(fresh)


if __name__ == "__main__":
    unittest.main()
