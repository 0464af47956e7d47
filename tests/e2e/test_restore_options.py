"""What is restored of a database and whose it becomes: the options that pg_restore's users know."""

import os
import subprocess
import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.pictures import canonical, diff

OWNED = """
alter schema stock owner to alice; alter table stock.item owner to alice; alter table stock.sale owner to alice;
alter view expensive owner to alice; alter materialized view sales_by_item owner to alice; alter function touch() owner to alice;
alter large object 4242 owner to alice; grant select on large object 4242 to bob;
grant usage on schema stock to bob; grant select, update (name) on stock.item to bob with grant option;
set session authorization bob; grant select on stock.item to carol; reset session authorization;
alter default privileges for role alice in schema stock grant select on tables to bob;
comment on table stock.item is 'what alice sells'; comment on database app is 'the app';
alter table stock.item enable row level security; create policy own on stock.item to bob using (id > 0);
create publication news for table stock.item; comment on publication news is 'n';
create subscription feed connection 'dbname=nowhere' publication news with (connect = false, enabled = false);
grant create on database app to bob; alter role bob in database app set work_mem = '1MB';
create table placed (a int) tablespace fast;
"""


class WhoseItBecomes(EndToEnd):
    settings = {"wal_level": "logical"}

    def setUp(self):
        super().setUp()
        self.cluster.sql("create role alice; create role bob login; create role carol; create role dave")
        folder = self.cluster.tablespace_folder(f"fast_{self._testMethodName}")
        self.cluster.sql(f"create tablespace fast location '{folder}'")
        self.cluster.create_database("app", "owner alice", SMALL)
        self.cluster.sql(OWNED, "app")
        self.init()
        self.back_up("database", "app")

    def pg_dump(self, database, *options):
        environment = self.cluster.environment(database)
        environment["PATH"] = os.environ["PATH"]
        done = subprocess.run([str(self.cluster.bindir / "pg_dump"), *options], env=environment,
                              capture_output=True, check=True)  # fmt: skip
        return [line for line in canonical(done.stdout) if not line.startswith("SET default_tablespace = ''")]

    def restore(self, *options, database="copy", **more):
        return self.succeeds("restore", "database", "app", "--as", database, "--confirm", "--json", *options, **more)

    def owners(self, database):
        """Of everything a user made there, the database included."""
        return set(self.cluster.sql("""
            select distinct pg_get_userbyid(o) from (
                select relowner from pg_class where oid >= 16384
                union all select proowner from pg_proc where oid >= 16384
                union all select lomowner from pg_largeobject_metadata
                union all select nspowner from pg_namespace where oid >= 16384 and nspname !~ '^pg_'
                union all select datdba from pg_database where datname = current_database()) t(o)""", database).split())

    def test_each_option_leaves_out_what_pg_dump_leaves_out_with_it(self):
        options = ["--no-owner", "--no-acl", "--no-comments", "--no-publications", "--no-security-labels",
                   "--no-subscriptions", "--no-tablespaces"]  # fmt: skip
        self.restore(*options)
        self.assertEqual([], diff("the copy", self.pg_dump("app", *options), self.pg_dump("copy", "--no-owner")))
        self.assertEqual({"postgres"}, self.owners("copy"))
        self.assertIsNone(self.cluster.value(
            "select coalesce(shobj_description(oid, 'pg_database'), datacl::text) from pg_database where datname = 'copy'"))

    def test_without_owners_privileges_are_given_all_the_same(self):
        self.restore("--no-owner")
        self.assertEqual({"postgres"}, self.owners("copy"))
        self.assertEqual("t", self.cluster.value("select has_table_privilege('bob', 'stock.item', 'select')", "copy"))
        self.assertEqual("t", self.cluster.value("select has_database_privilege('bob', 'copy', 'create')"))

    def test_without_privileges_owners_are_given_all_the_same(self):
        self.restore("--no-acl")
        self.assertEqual({"alice", "postgres"}, self.owners("copy"))
        self.assertEqual("f", self.cluster.value("select has_table_privilege('bob', 'stock.item', 'select')", "copy"))
        self.assertEqual([], diff("the copy", self.pg_dump("app", "--no-acl", "--no-comments"),
                                  self.pg_dump("copy", "--no-comments")))  # fmt: skip

    def test_roles_are_renamed_wherever_they_stand(self):
        expected = [line if line.startswith("COMMENT ON") else line.replace("alice", "dave") for line in self.pg_dump("app")]
        self.restore("--map-role", "alice=dave")
        self.assertEqual([], diff("the copy", expected, self.pg_dump("copy")))
        self.assertNotIn("alice", self.owners("copy"))
        self.assertEqual("dave", self.cluster.value(
            "select pg_get_userbyid(lomowner) from pg_largeobject_metadata where oid = 4242", "copy"))

    def test_a_renamed_role_is_not_created_and_the_new_one_must_be_there(self):
        self.cluster.sql("alter subscription feed set (slot_name = none); drop subscription feed", "app")
        self.cluster.drop_database("app")
        self.cluster.sql("drop role alice")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "database", "app", "--map-role", "alice=nobody_here", "--confirm")
        self.assertIn("nobody_here", outcome.text)
        self.succeeds("restore", "database", "app", "--map-role", "alice=dave", "--confirm")
        self.assertEqual("0", self.cluster.value("select count(*) from pg_roles where rolname = 'alice'"))
        self.assertEqual("dave", self.cluster.value("select pg_get_userbyid(datdba) from pg_database where datname = 'app'"))

    def test_a_pair_that_is_none_is_refused(self):
        for wrong in ("alice", "alice=", "=bob"):
            outcome = self.fails_with("USAGE", "restore", "database", "app", "--map-role", wrong)
            self.assertIn("--map-role old_name=new_name", outcome.text)

    def test_materialized_views_stay_unpopulated_where_asked(self):
        self.restore("--no-refresh")
        self.assertEqual("f", self.cluster.value("select relispopulated from pg_class where relname = 'sales_by_item'", "copy"))

    def test_everything_is_done_as_another_role(self):
        self.cluster.sql("create role builder createdb; create role login_only login; grant builder to login_only")
        self.restore("--role", "builder", "--no-owner", "--no-acl", "--no-subscriptions", "--no-publications",
                     "--no-tablespaces", "-U", "login_only")  # fmt: skip
        self.assertEqual({"builder"}, self.owners("copy"))
        self.fails_with("SERVER_ERROR", "restore", "database", "app", "--as", "other", "--role", "no_such_role")

    def test_a_part_is_restored_without_what_refers_to_the_rest(self):
        self.cluster.sql("create schema extra; create table extra.root (a int) partition by list (a);"
                         "create table extra.leaf partition of extra.root for values in (1);"
                         "create view extra.v as select * from stock.item; insert into extra.root values (1)", "app")  # fmt: skip
        backup = self.back_up("database", "app", "--table", "extra.leaf", "--table", "extra.v", "--table", "stock.sale")
        outcome = self.succeeds("restore", "database", "app", "--from", backup, "--as", "copy", "--confirm", "--json")
        warnings = "\n".join(outcome.document["databases"][0]["warnings"])
        self.assertIn("extra.v", warnings)
        self.assertIn("TABLE ATTACH", warnings)
        self.assertIn("FK CONSTRAINT", warnings)
        self.assertEqual("1", self.cluster.value("select count(*) from extra.leaf", "copy"))
        self.assertEqual("5000", self.cluster.value("select count(*) from stock.sale", "copy"))
        self.assertTrue(outcome.document["databases"][0]["proven"])


if __name__ == "__main__":
    unittest.main()
