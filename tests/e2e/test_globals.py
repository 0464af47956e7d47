"""Roles and tablespaces that exist: left alone, aligned with the backup, or not looked at."""

import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.pictures import diff, globals_picture

ROLES = """
create role keeper login password 'old' connection limit 5 valid until '2030-01-01';
create role boss createdb; create role clerk; create role quiet login;
grant boss to keeper with admin option; grant clerk to boss;
alter role keeper set work_mem = '3MB'; alter role clerk set search_path = a, "b c";
comment on role boss is 'who decides';
alter role quiet in database one set work_mem = '1MB';
"""
CHANGES = """
alter role keeper password 'new' createdb connection limit -1 valid until 'infinity';
alter role boss nocreatedb password 'secret'; alter role quiet nologin connection limit 7;
revoke boss from keeper; grant clerk to keeper; grant clerk to boss with admin option;
alter role keeper reset work_mem; alter role keeper set statement_timeout = '1h';
alter role clerk set search_path = c;
comment on role boss is null; comment on role clerk is 'new here';
"""


class GlobalsThatExist(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("one")
        self.cluster.sql(ROLES)
        self.tablespace = self.cluster.tablespace_folder(f"space_{self._testMethodName}")
        self.cluster.sql(f"create tablespace fast owner boss location '{self.tablespace}' with (random_page_cost = 2)")
        self.cluster.sql("grant create on tablespace fast to clerk")
        if MAJOR >= 15:
            self.cluster.sql("grant set on parameter log_statement to clerk")
        self.before = globals_picture(self.cluster)
        self.backup = self.back_up()
        self.cluster.sql(CHANGES)
        self.cluster.sql("alter tablespace fast owner to keeper; alter tablespace fast reset (random_page_cost)")
        self.cluster.sql("alter tablespace fast set (seq_page_cost = 3); grant create on tablespace fast to quiet")
        if MAJOR >= 15:
            self.cluster.sql("revoke set on parameter log_statement from clerk")
            self.cluster.sql("grant set on parameter log_duration to boss")

    def test_align_gives_them_what_the_backup_says(self):
        self.assertNotEqual(self.before, globals_picture(self.cluster))
        plan = self.succeeds("restore", "cluster", "latest", "--globals", "align", "--json")
        self.assertIn("ALTER ROLE keeper", plan.text)
        self.assertNotIn("SCRAM-SHA-256", plan.text)
        outcome = self.succeeds("restore", "cluster", "latest", "--globals", "align", "--confirm", "--json")
        self.assertEqual([], outcome.document["warnings"])
        self.assertGreater(outcome.document["globals_aligned"], 10)
        self.assertNotIn("SCRAM-SHA-256", outcome.text)
        self.assertEqual([], diff("globals", self.before, globals_picture(self.cluster)))

    def test_one_database_brings_the_groups_of_its_roles_and_the_owners_of_its_large_objects(self):
        """Fidelity: roles: one database brings those it refers to, of large objects too, and the groups they are members of."""
        self.cluster.sql("create role owns_object; create role may_read login; create role stranger login; grant clerk to stranger; "
                         "create role top; grant top to boss; alter database one owner to keeper; grant boss to keeper")  # fmt: skip
        self.cluster.sql("select lo_create(7); alter large object 7 owner to owns_object; grant select on large object 7 to may_read", "one")
        self.back_up("database", "one")
        self.cluster.wipe()
        plan = self.succeeds("restore", "database", "one", "--globals", "none", "--json").document
        refused = next(line for line in plan["preflight"] if line["check"] == "roles")
        self.assertEqual("refused", refused["verdict"])
        self.assertIn("owns_object", refused["finding"])
        self.cluster.sql("create role admin createdb login")
        plan = self.succeeds("restore", "database", "one", "--json", "-U", "admin", "--globals", "none").document
        self.assertIn("1 of owns_object", next(line for line in plan["preflight"] if line["check"].startswith("owners"))["finding"])
        for mapped in (["--map-role", "owns_object=admin", "--as", "two"], []):
            self.succeeds("restore", "database", "one", "--confirm", *mapped)
            roles = {role for [role] in self.cluster.rows("select rolname from pg_roles where oid >= 16384")}
            self.assertNotIn("stranger", roles)
            self.assertEqual("owns_object" in roles, not mapped)
        members = self.cluster.rows("select roleid::regrole, member::regrole from pg_auth_members where roleid >= 16384 order by 1, 2")
        self.assertEqual([["boss", "keeper"], ["clerk", "boss"], ["clerk", "keeper"], ["top", "boss"]], sorted(list(row) for row in members))

    def test_the_role_that_restores_is_never_changed(self):
        self.cluster.sql("create role admin superuser login; grant boss to admin")
        self.back_up()
        self.cluster.sql("alter role admin createdb connection limit 9; revoke boss from admin; grant clerk to admin")
        now = [line for line in globals_picture(self.cluster) if "admin" in line]
        self.succeeds("restore", "cluster", "latest", "--globals", "align", "--confirm", "-U", "admin")
        self.assertEqual(now, [line for line in globals_picture(self.cluster) if "admin" in line])

    def test_nothing_is_aligned_when_a_database_fails(self):
        self.cluster.sql("create table t as select generate_series(1, 10) a", "one")
        self.back_up("database", "one")
        changed = globals_picture(self.cluster)
        running = self.start("restore", "database", "one", "--globals", "align", "--confirm", "--json",
                             pause=["before-proof:one"]).wait_for("before-proof:one")  # fmt: skip
        self.cluster.sql("delete from t where a = 1", self.cluster.staging_database())
        self.failed_with("PROOF_FAILED", running.go("before-proof:one").finish())
        self.assertEqual([], diff("globals", changed, globals_picture(self.cluster)))

    def test_one_database_aligns_only_the_roles_it_refers_to(self):
        self.cluster.sql("alter database one owner to quiet")
        self.back_up("database", "one")
        self.cluster.sql("alter role quiet superuser; alter role clerk superuser")
        self.succeeds("restore", "database", "one", "--globals", "align", "--confirm")
        self.assertEqual("f", self.cluster.value("select rolsuper from pg_roles where rolname = 'quiet'"))
        self.assertEqual("t", self.cluster.value("select rolsuper from pg_roles where rolname = 'clerk'"))

    def test_none_creates_nothing_and_refuses_what_would_lack_an_owner(self):
        self.cluster.sql("alter tablespace fast owner to postgres; drop owned by clerk, quiet")
        self.cluster.sql("drop role clerk")
        changed = globals_picture(self.cluster)
        self.succeeds("restore", "cluster", "latest", "--globals", "none", "--confirm")
        self.assertEqual([], diff("globals", changed, globals_picture(self.cluster)))
        self.cluster.sql("create role owner; alter database one owner to owner")
        self.back_up()
        self.cluster.sql("alter database one owner to postgres; drop role owner")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--globals", "none", "--confirm")
        self.assertIn("--globals none", outcome.text)
        self.assertIn("owner", outcome.text)
        self.fails_with("USAGE", "restore", "cluster", "latest", "--globals", "some")


if __name__ == "__main__":
    unittest.main()
