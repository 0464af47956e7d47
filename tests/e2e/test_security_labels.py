"""Security labels, by the provider that PostgreSQL's own tests have: no package has one."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.clusters import give_to_server_user
from support.contents import SMALL
from support.program import SOURCE

LABELLED = """
create role clerk; create function f(int) returns int language sql as 'select $1'; create domain d as int;
create view v as select 1 as a; create sequence s; create schema filed; create type pair as (a int, b int);
create publication news;
security label for dummy on table stock.item is 'classified'; security label for dummy on column stock.item.name is 'secret';
security label for dummy on function f(int) is 'unclassified'; security label for dummy on domain d is 'classified';
security label for dummy on view v is 'top secret'; security label for dummy on sequence s is 'unclassified';
security label for dummy on schema filed is 'secret'; security label for dummy on type pair is 'unclassified';
security label for dummy on publication news is 'classified'; security label for dummy on role clerk is 'secret';
security label for dummy on database app is 'top secret'; security label for dummy on large object 4242 is 'classified';
alter table stock.item owner to clerk;
"""
ALL = "select objtype, objname, provider, label from pg_seclabels order by 1, 2"
COUNTED = "select count(*) from pg_seclabels where objtype <> 'role'"


@unittest.skipUnless(os.environ.get("DBBACKUP_TEST_LONG"), "fetches the source of PostgreSQL; set DBBACKUP_TEST_LONG")
class SecurityLabels(EndToEnd):
    @classmethod
    def setUpClass(cls):
        pass

    def setUp(self):
        self.folder = Path("/")
        self.cluster = self.another_cluster(settings={"wal_level": "logical"})
        self.with_provider(self.cluster)
        super().setUp()
        self.cluster.create_database("app", contents=SMALL)
        self.cluster.sql(LABELLED, "app")
        self.labels = self.cluster.rows(ALL, "app")
        self.init()

    def with_provider(self, cluster):
        fetched = subprocess.run(
            [SOURCE / "tools/fetch_postgresql_source", str(cluster.major), SOURCE / "build/postgresql-source" / str(cluster.major)],
            capture_output=True, text=True, check=False)  # fmt: skip
        self.assertEqual(0, fetched.returncode, f"the source of PostgreSQL cannot be had:\n{fetched.stderr}")
        # The server's user may not be able to enter the checkout.
        provider = cluster.folder / "dummy_seclabel.so"
        shutil.copy(Path(fetched.stdout.strip()) / "dummy_seclabel.so", provider)
        give_to_server_user(provider)
        cluster.sql(f"alter system set shared_preload_libraries = '{provider}'")
        cluster.stop()
        cluster.start()

    def test_labels_of_every_kind_come_back(self):
        """Fidelity: security labels: on every kind of object that pg_dump and pg_dumpall write them of, on databases, roles and large
        objects (tested with the provider of PostgreSQL's own tests)."""
        self.assertEqual(12, len(self.labels))
        self.back_up("cluster")
        self.cluster.sql("drop database app")
        self.cluster.sql("drop role clerk")
        plan = self.succeeds("restore", "cluster", "latest", "--json").document
        [line] = [line for line in plan["preflight"] if line["check"] == "security labels"]
        self.assertEqual("ok", line["verdict"])
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assertEqual(self.labels, self.cluster.rows(ALL, "app"))

    def test_a_target_without_the_provider_is_refused_and_without_labels_it_is_not(self):
        """Refused: security labels: a target that has not loaded their provider, by its name, before anything changes;
        --no-security-labels restores without them."""
        self.back_up("cluster")
        target = self.another_cluster(settings={"wal_level": "logical"})
        self.tool.talk_to(target)
        before = self.picture(target)
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")
        self.assertIn("their provider: dummy", outcome.text)
        self.assertIn("--no-security-labels", outcome.text)
        self.assert_same(before, self.picture(target))
        self.succeeds("restore", "cluster", "latest", "--no-security-labels", "--confirm")
        self.assertEqual("0", target.value("select count(*) from pg_seclabels", "app"))
        self.assertEqual("clerk", target.value("select relowner::regrole from pg_class where relname = 'item'", "app"))


if __name__ == "__main__":
    unittest.main()
