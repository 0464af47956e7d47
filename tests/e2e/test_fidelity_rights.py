"""Roles, passwords, memberships and privileges, by whom they were granted."""

import unittest

from support import judge
from support.case import EndToEnd
from support.clusters import MAJOR
from support.contents import SMALL
from support.restored import RestoredCluster

ROLES = """
set password_encryption = 'scram-sha-256';
create role boss login createrole createdb password 'scram secret' valid until '2040-01-01 00:00:00+00' connection limit 3;
set password_encryption = 'md5'; create role "Old Hash" login password 'md5 secret'; reset password_encryption;
create role reader; create role writer noinherit; create role "odd 'role"; create role replicator replication bypassrls;
grant reader to writer with admin option; set role writer; grant reader to "odd 'role"; reset role;
grant pg_monitor to boss with admin option;
comment on role reader is 'reads';
"""
ROLES_16 = """
grant reader to boss with inherit false, set true; grant writer to boss with inherit true, set false, admin true;
set role boss; grant writer to replicator; reset role;
"""
CONTENTS = """
create schema s; grant usage on schema s to reader, writer; grant create on schema s to writer with grant option;
-- before any default privilege: these have none, and must not get one by a restore
create table s.earlier (a int, b text); create function s.earlier_f() returns int language sql as 'select 1';
grant select on s.earlier to reader with grant option; grant select (a), update (b) on s.earlier to writer with grant option;
set role reader; grant select on s.earlier to "odd 'role"; reset role;
set role writer; grant select (a) on s.earlier to "Old Hash"; reset role;
create type s.t as enum ('x'); revoke usage on type s.t from public; grant usage on type s.t to reader;
create sequence s.q; grant usage, update on sequence s.q to writer; revoke all on function s.earlier_f() from public;
revoke all on s.earlier from postgres;
grant usage on language plpgsql to reader; revoke usage on language sql from public;
create foreign data wrapper w; grant usage on foreign data wrapper w to writer; create server v foreign data wrapper w; grant usage on foreign server v to reader;
select lo_create(5001); select lo_create(5002); alter large object 5002 owner to writer;
grant select on large object 5001 to reader with grant option; grant update on large object 5002 to public;
set role reader; grant select on large object 5001 to "odd 'role"; reset role;
revoke create on schema public from public; grant create on schema public to writer;
alter default privileges grant select on tables to reader; alter default privileges for role boss in schema s grant all on functions to writer with grant option;
alter default privileges for role boss revoke usage on types from public;
create table s.later (a int); grant all on s.later to writer with grant option;
alter default privileges for role boss grant all on tables to writer;
alter table s.earlier owner to boss;
"""


class Rights(RestoredCluster):
    @classmethod
    def fill(cls, cluster):
        cluster.sql(ROLES + (ROLES_16 if MAJOR >= 16 else ""))
        if MAJOR >= 15:
            cluster.sql("grant set on parameter log_min_messages to reader; grant alter system on parameter work_mem to writer with grant option")
        cluster.create_database("one", contents=CONTENTS)
        cls.passwords = cluster.rows("select rolname, rolpassword from pg_authid where rolpassword is not null order by 1")

    def test_all_of_it_is_as_pg_dump_saw_it(self):
        self.assert_faithful(self.before)

    def test_roles_and_passwords(self):
        """Fidelity: roles: attributes, passwords by their stored hash (SCRAM and md5), validity, limits, settings, comments."""
        self.assertEqual(self.passwords, self.cluster.rows("select rolname, rolpassword from pg_authid where rolpassword is not null order by 1"))
        self.assertEqual(["md5", "SCR"], sorted((hash[:3] for _, hash in self.passwords), reverse=True))

    def test_memberships(self):
        """Fidelity: memberships: with their options (ADMIN; INHERIT and SET from 16 on) and their grantors, also in pg_... roles."""
        self.holds(["\"odd 'role\"|writer|f", "writer|postgres|t"], """
            select member::regrole, grantor::regrole, admin_option from pg_auth_members where roleid = 'reader'::regrole
               and member <> 'boss'::regrole order by member::regrole::text""", "postgres")  # fmt: skip

    def test_privileges_by_grantor(self):
        """Fidelity: privileges: on tables, columns, sequences, schemas, functions, types, languages, wrappers, servers, large objects,
        databases, tablespaces and parameters, with grant options, by whom they were granted; also those that were revoked."""
        self.says(["=r/reader", "reader=r*/boss"], "select relacl::text from pg_class where relname = 'earlier'")
        self.says(["/writer"], "select attacl::text from pg_attribute where attrelid = 's.earlier'::regclass and attname = 'a'")
        self.says(["reader=r*/postgres", "/reader"], "select lomacl::text from pg_largeobject_metadata where oid = 5001")
        self.holds(["writer"], "select lomowner::regrole from pg_largeobject_metadata where oid = 5002")
        self.holds(["f"], "select has_function_privilege('reader', 's.earlier_f()', 'execute')")
        if MAJOR >= 15:
            self.holds(["log_min_messages", "work_mem"], "select parname from pg_parameter_acl order by 1")

    def test_default_privileges_are_for_what_comes_later(self):
        """Fidelity: default privileges: they come when every object is there, so that none gets a privilege it never had."""
        self.holds(["3|f"], "select count(*), bool_or(defaclobjtype is null) from pg_default_acl where defaclrole = 'boss'::regrole")
        self.cluster.sql("create table s.newest (a int)", "one")
        self.holds(["earlier|f", "later|t", "newest|t"], """
            select relname, coalesce(relacl::text ~ 'reader=r/postgres', false) from pg_class
             where relname in ('earlier', 'later', 'newest') order by 1""")  # fmt: skip
        self.cluster.sql("drop table s.newest", "one")


class OtherSuperuser(EndToEnd):
    def test_a_target_whose_first_superuser_has_another_name_gets_all_that_psql_would_give_it(self):
        """Fidelity: roles: the source's first superuser becomes one of a target whose own has another name, and owns and grants as it did.
        Limit: memberships: from 16 on, those that it had given are given by the target's own, since no other may."""
        self.cluster.sql(ROLES + (ROLES_16 if MAJOR >= 16 else ""))
        self.cluster.create_database("one", contents=CONTENTS)
        before, text, members = judge.Portrait(self.cluster), judge.whole_dump(self.cluster), self.members(self.cluster)
        self.init()
        self.back_up()
        target, other = (self.another_cluster(superuser="admin") for _ in range(2))
        self.tool.talk_to(target)
        self.succeeds("restore", "cluster", "latest", "--confirm")
        judge.read_by_psql(text, other)
        excess = before.differences(judge.Portrait(target)) - before.differences(judge.Portrait(other))
        given = {change for change in excess if change[2].startswith("+ GRANT ") and change[2].endswith(" GRANTED BY admin;")}
        self.assertEqual(set(), excess - given, "\n".join(judge.shown(excess - given)))
        self.assertEqual(MAJOR >= 16, bool(given), "psql gives none of these")
        self.assertEqual(members, self.members(target))
        self.assertEqual("postgres", target.value("select datdba::regrole from pg_database where datname = 'one'"))

    def members(self, cluster):
        return cluster.rows("""
            select roleid::regrole, member::regrole, to_jsonb(m) - '{oid,roleid,member,grantor}'::text[] from pg_auth_members m
             where roleid > 16383 or member > 16383 order by roleid::regrole::text, member::regrole::text, 3::text""")  # fmt: skip


class RowSecurity(EndToEnd):
    def test_rows_hidden_by_a_policy_are_never_left_out_unnoticed(self):
        """Fidelity: row security: policies, whether it is enabled, and forced for the owner.
        Refused: row security: a role that a policy hides rows from gets no table with a part of its rows: the table is left
        out, named, and the backup marked incomplete."""
        self.cluster.sql("create role dumper login")
        if MAJOR < 14:
            self.skipTest("pg_read_all_data is new in 14")
        self.cluster.sql("grant pg_read_all_data to dumper")
        self.cluster.create_database("one", contents=SMALL.split("select lo_from")[0] + """;
            create table secrets (id int, who name); insert into secrets values (1, 'dumper'), (2, 'other');
            alter table secrets enable row level security; alter table secrets force row level security;
            create policy own on secrets to public using (who = current_user);""")  # fmt: skip
        self.init()
        said = self.tool.run("backup", "database", "one", "--json", env={"PGUSER": "dumper"})
        self.ended(said, 4)
        self.assertIn("secrets", said.text)
        before = self.original()
        self.back_up()
        self.cluster.drop_database("one")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_faithful(before)
        self.assertEqual([["t", "t"]], self.cluster.rows("select relrowsecurity, relforcerowsecurity from pg_class where relname = 'secrets'", "one"))
        self.assertEqual("2", self.cluster.value("select count(*) from secrets", "one"))


if __name__ == "__main__":
    unittest.main()
