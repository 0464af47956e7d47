"""Backups by a role that is not a superuser: what is not in them is said, with the statements that would help."""

import re
import unittest

from support.case import EndToEnd
from support.clusters import MAJOR
from support.contents import SMALL

GUARDED = """
create schema "closed off"; create table "closed off".ledger (id serial primary key, a int);
insert into "closed off".ledger (a) values (1);
create table rows_of (who name); insert into rows_of values ('limited'), ('other');
alter table rows_of enable row level security; create policy mine on rows_of using (who = current_user);
create view seen as select * from stock.item;
create foreign data wrapper nothing; create server far foreign data wrapper nothing;
create user mapping for postgres server far options (password 'secret');
create subscription feed connection 'dbname=nowhere password=secret' publication p with (connect = false);
"""


class LeastPrivilege(EndToEnd):
    settings = {"wal_level": "logical"}

    def setUp(self):
        super().setUp()
        self.cluster.sql("create role limited login; set password_encryption = 'scram-sha-256'; create role secretive login password 'x'")
        self.cluster.create_database("app", contents=SMALL + GUARDED)
        self.init()

    def tearDown(self):
        for name in ("app", "copy"):
            if name in self.cluster.databases():
                self.cluster.sql("alter subscription feed set (slot_name = none); drop subscription feed", name)
        super().tearDown()

    def back_up_as_limited(self):
        outcome = self.fails_with("BACKUP_INCOMPLETE", "backup", "database", "app", "-U", "limited")
        return outcome, outcome.document["databases"][0]

    def test_what_is_missing_is_listed_and_the_rest_can_be_restored(self):
        self.cluster.sql("grant usage on schema stock to limited; grant select on stock.item to limited", "app")
        outcome, record = self.back_up_as_limited()
        left_out = "\n".join(record["left_out"])
        for words in ("table stock.sale: the role may not read it (GRANT SELECT", "table closed off.ledger",
                      'GRANT USAGE ON SCHEMA "closed off" TO "limited"', "large object 4242", "subscription feed",
                      "user mapping of postgres on server far", "value of sequence"):  # fmt: skip
            self.assertIn(words, left_out)
        self.assertNotIn("stock.item:", left_out)
        self.assertIn("pg_authid", "\n".join(outcome.document["globals_left_out"]))
        self.assertIn("limited", "\n".join(outcome.error["solution"]))
        text = self.succeeds("show", outcome.document["id"]).out
        self.assertIn("passwords of roles", text)
        self.assertIn("subscription feed", text)
        restored = self.succeeds("restore", "database", "app", "--as", "copy", "--confirm", "--json")
        self.assertTrue(restored.document["databases"][0]["proven"])
        self.assertEqual("2000", self.cluster.value("select count(*) from seen", "copy"))
        self.assertIn("sales_by_item", "\n".join(restored.document["databases"][0]["warnings"]))
        self.cluster.drop_database("copy")

    def test_the_statements_that_are_named_help(self):
        self.cluster.sql("grant select on rows_of to limited", "app")
        for _ in range(3):  # what one grant opens may show what another one is needed for
            outcome, record = self.back_up_as_limited()
            if not record["grants"] and not outcome.document["globals_left_out"]:
                break
            for statement in record["grants"]:
                self.cluster.sql(statement + ("" if "gexec" in statement else ";"), "app")
            for line in outcome.document["globals_left_out"]:
                database, grant = re.search(r"\(in database (\S+): (.*)\)", line).groups()
                self.cluster.sql(grant, database)
        self.assertEqual([], outcome.document["globals_left_out"])
        self.assertEqual(["options of the user mapping of postgres on server far, if it has any: shown to superusers only",
                          "subscription feed: pg_dump shows it to superusers only"], sorted(record["left_out"]))  # fmt: skip
        self.assertIn("SCRAM-SHA-256", self.succeeds("cat", outcome.document["id"], "globals").out)

    @unittest.skipIf(MAJOR < 14, "pg_read_all_data came with 14")
    def test_with_pg_read_all_data_what_it_does_not_open_is_listed(self):
        self.cluster.sql("grant pg_read_all_data to limited", "app")
        outcome, record = self.back_up_as_limited()
        left_out = "\n".join(record["left_out"])
        for words in ("large object 4242", "subscription feed", "rows of table public.rows_of", "user mapping of postgres"):
            self.assertIn(words, left_out)
        self.assertNotIn("ledger", left_out)
        self.assertIn('ALTER ROLE "limited" BYPASSRLS', record["grants"])
        self.assertEqual([], outcome.document["globals_left_out"])

    def test_many_large_objects_are_summed_up(self):
        self.cluster.sql("select lo_create(0) from generate_series(1, 100)", "app")
        _, record = self.back_up_as_limited()
        left_out = "\n".join(record["left_out"])
        self.assertIn("81 more large objects", left_out)
        self.assertLess(left_out.count("large object "), 30)

    def test_the_owner_of_everything_needs_no_grant(self):
        self.cluster.sql("create database mine owner limited")
        self.cluster.sql("set role limited; create table t as select 1 a; select lo_create(77)", "mine")
        outcome = self.tool.run("backup", "database", "mine", "-U", "limited", "--json")
        self.assertEqual([], outcome.document["databases"][0]["left_out"])



class IncompleteBackup(EndToEnd):
    """What it lacks is nowhere else but in the database that a restore would replace."""

    def setUp(self):
        super().setUp()
        self.cluster.sql("create role low login")
        self.cluster.create_database("app", contents="""create table hidden (id int); create table seen (x int) inherits (hidden);
            insert into seen values (1, 1), (2, 2); create table fine (a int); insert into fine values (1); grant select on seen, fine to low""")  # fmt: skip
        self.init()
        self.fails_with("BACKUP_INCOMPLETE", "backup", "database", "app", "-U", "low")

    def test_the_database_it_replaces_is_kept(self):
        outcome = self.fails_with("RESTORE_INCOMPLETE", "restore", "database", "app", "--confirm")
        self.assertEqual(4, outcome.code)
        database = outcome.document["databases"][0]
        self.assertIn("TABLE public.seen was not restored", database["missing"][0])
        self.assertIn("2 rows", database["missing"][0])
        self.assertFalse(database["proven"])
        self.assertEqual((1, 1), (database["tables"], database["rows"]))
        self.assertEqual("2", self.cluster.value("select count(*) from hidden", database["kept_as"]))
        self.assertEqual("1", self.cluster.value("select count(*) from fine", "app"))


class Owner(EndToEnd):
    """A restore by a role that owns its database and may create others, and is no superuser."""

    def test_what_an_owner_closed_stays_closed(self):
        """Fidelity: privileges: of what belongs to the restoring role, also when it is no superuser."""
        self.cluster.sql("create role keeper login createdb; create role friend; create database app owner keeper")
        self.cluster.sql("""set role keeper; create schema s;
            create function s.secret() returns text language sql security definer as 'select current_user::text';
            revoke execute on function s.secret() from public; create table s.t (a int); grant select on s.t to friend""", "app")  # fmt: skip
        acl = "select proacl from pg_proc where proname = 'secret' union all select relacl from pg_class where relname = 't'"
        before = self.cluster.rows(acl, "app")
        self.init()
        self.tool.run("backup", "database", "app", "-U", "keeper")
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm", "-U", "keeper")
        self.assertEqual(before, self.cluster.rows(acl, "copy"))

    def test_who_could_connect_can_connect(self):
        """Fidelity: privileges: to connect to the database, of whoever had it, after a restore by its owner, too."""
        self.cluster.sql("create role keeper login createdb; create role friend login; create role other login")
        may = "select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname in ('friend', 'other', 'keeper') and has_database_privilege(rolname, 'app', 'connect')"
        self.cluster.sql("create database app owner keeper")
        self.init()
        for grants, expected in (("", "friend keeper other"),
                                 ("revoke connect on database app from public; grant connect on database app to friend", "friend keeper")):  # fmt: skip
            with self.subTest(expected):
                if grants:
                    self.cluster.sql(f"set role keeper; {grants}")
                self.assertEqual(expected, self.cluster.value(may))
                self.tool.run("backup", "database", "app", "-U", "keeper")
                self.succeeds("restore", "database", "app", "--confirm", "-U", "keeper")
                self.assertEqual(expected, self.cluster.value(may))


if __name__ == "__main__":
    unittest.main()
