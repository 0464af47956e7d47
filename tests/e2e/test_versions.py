"""Between versions: upward everything comes back as `pg_dumpall | psql` of the target's version brings it; downward nothing begins."""

import os
import random
import shutil
import subprocess
import unittest
from pathlib import Path

from support import judge
from support.case import SEED, EndToEnd
from support.clusters import MAJOR, temporary_folder
from support.contents import SMALL
from support.program import SOURCE, Tool
from support.random_schema import random_database, roles_sql

from test_fidelity_objects import CONTENTS as OBJECTS
from test_fidelity_rights import CONTENTS as RIGHTS
from test_fidelity_rights import ROLES, ROLES_16
from test_fidelity_rows import CONTENTS as ROWS

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
PLACES = ["/usr/lib/postgresql/{0}/bin", "/opt/*/usr/lib/postgresql/{0}/bin", "/var/tmp/dbbackup-postgresql/{0}/usr/lib/postgresql/{0}/bin"]


def programs_of(major):
    """Where this major is installed; it is fetched when it is nowhere."""
    for place in PLACES:
        for found in Path("/").glob(place.format(major).lstrip("/")):
            if (found / "initdb").exists() and (found / "pg_dump").exists():
                return found
    return Path(subprocess.check_output(
        [SOURCE / "tools/fetch_postgresql", str(major), f"/var/tmp/dbbackup-postgresql/{major}"], text=True).strip())  # fmt: skip


@unittest.skipUnless(LONG and MAJOR == 15, "fetches other versions of PostgreSQL; set DBBACKUP_TEST_LONG, once is enough")
class Versions(EndToEnd):
    @classmethod
    def setUpClass(cls):
        print(f"DBBACKUP_TEST_SEED={SEED}", flush=True)

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tool = Tool(self.folder)

    def source(self, major):
        cluster = self.another_cluster(bindir=programs_of(major), settings={"wal_level": "logical"})
        cluster.sql(roles_sql())
        cluster.sql(ROLES + (ROLES_16 if major >= 16 else ""))
        cluster.create_database("random", contents=random_database(random.Random(f"{SEED} {major}"), 0, 6, major))
        cluster.create_database("rights", contents=RIGHTS)
        cluster.create_database("rows", contents=ROWS)
        cluster.create_database("objects", contents=OBJECTS.replace("create role reader;", ""))
        return cluster

    def upward(self, old, new):
        source, target = self.source(old), self.another_cluster(bindir=programs_of(new), settings={"wal_level": "logical"})
        self.begin_with(source, target)
        databases = source.user_databases()
        before = judge.Portrait(source, target.bindir, databases)
        text = judge.whole_dump(source, target.bindir)
        self.init()
        self.back_up(seconds=600)
        self.tool.talk_to(target)
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=900)
        differences = before.differences(judge.Portrait(target, databases=databases))
        other = self.another_cluster(bindir=target.bindir, settings={"wal_level": "logical"})
        errors = judge.read_by_psql(text, other)
        excess = differences - before.differences(judge.Portrait(other, databases=databases))
        if excess:
            self.fail("\n".join(["What only dbbackup does not give back:", *judge.shown(excess), "psql said:", *errors[:10]]))
        return target

    def begin_with(self, source, target):
        """The program finds the client programs of both."""
        self.tool.environment["PATH"] = f"{source.bindir}:{target.bindir}:{os.environ['PATH']}"
        self.tool.talk_to(source)

    def test_13_to_15(self):
        """Fidelity: versions: an upgrade from 13 to 15 is what pg_dumpall of 15 makes of it: what the older pg_dump leaves out because
        it was the default then (schema public open to all, grantors, logged sequences, options of subscriptions) is said.
        Limit: versions: a database postgres or template1 that has no contents keeps the target's rights on schema public."""
        target = self.upward(13, 15)
        for database, may_create in (("template1", "f"), ("random", "t")):
            self.assertEqual(may_create, target.value(
                "select coalesce(bool_or(grantee = 0), false) from pg_namespace, aclexplode(nspacl) "
                "where nspname = 'public' and privilege_type = 'CREATE'", database))  # fmt: skip

    def test_15_to_17(self):
        """Fidelity: versions: an upgrade from 15 to 17."""
        self.upward(15, 17)

    def test_17_to_18(self):
        """Fidelity: versions: an upgrade from 17 to 18."""
        self.upward(17, 18)

    def test_13_to_18(self):
        """Fidelity: versions: an upgrade over several majors, from 13 to 18."""
        self.upward(13, 18)

    def test_a_downgrade_is_refused_before_anything_happens(self):
        """Refused: versions: a target of an older major than the source, before anything changes."""
        source = self.another_cluster(bindir=programs_of(15))
        source.create_database("one", contents=SMALL)
        source.sql("create role somebody")
        target = self.another_cluster(bindir=programs_of(13))
        self.begin_with(source, target)
        self.init()
        self.back_up()
        before = judge.Portrait(target)
        self.tool.talk_to(target)
        self.fails_with("VERSION_DOWNGRADE", "restore", "cluster", "latest", "--confirm")
        self.fails_with("VERSION_DOWNGRADE", "restore", "database", "one", "--confirm")
        self.assertEqual(set(), before.differences(judge.Portrait(target)))


if __name__ == "__main__":
    unittest.main()
