"""One restored table among what surrounds it in a database: default privileges, parents, publications, names like its own."""

import unittest

from support.case import EndToEnd
from support.waiting import wait_until

PRIVATE = """
create role peek; create role friend; create role boss;
create table secret (id serial primary key, t text); insert into secret (t) values ('a'), ('b');
create table shared (id int generated always as identity, t text); grant select on shared to friend;
alter table shared owner to boss; revoke delete on shared from boss;
"""

OPEN_BY_DEFAULT = """
alter default privileges grant select, insert on tables to peek, public;
alter default privileges grant usage on sequences to peek;
alter default privileges grant usage on schemas to peek;
alter default privileges revoke update on tables from current_user;
"""

FAMILY = """
create table parent (id int not null, t text default 'p', constraint positive check (id > 0));
create table child (extra int) inherits (parent);
insert into parent values (100); insert into child values (1), (2);
create schema tenant; create table tenant.parent (note text) inherits (public.parent); insert into tenant.parent values (3, 'x', 'y');
"""

LIKE_NAMES = """
create function public.f() returns trigger language plpgsql as $$ begin new.src := new.src || tg_argv[0]; return new; end $$;
create sequence counter;
create table audit (id serial primary key, src text default 'public.audit', n int default nextval('public.counter'),
    late int default nextval('public.audit_id_seq'::text), self oid default 'public.audit'::regclass,
    by_text oid default ('public.audit'::text)::regclass);
comment on table audit is 'public.audit';
create trigger tg before insert on audit for each row execute function f('public.audit');
insert into audit (src) values ('x');
create type status as enum ('x', 'y');
create collation orders from "C";
create table orders (id serial, s status default 'x'::status, t text collate orders, w text check (w <> 'public.orders'));
create index status on orders (s) where s = 'y'::status;
comment on index status is 'an index';
alter index status set (fillfactor = 60);
insert into orders (s) values ('x'), ('y');
"""


class Neighbours(EndToEnd):
    settings = {"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10"}

    def prepare(self, contents):
        self.cluster.create_database("app", contents=contents)
        self.init()
        self.back_up("database", "app")

    def plan(self, table, *options):
        return self.succeeds("restore", "table", "app", table, "--json", *options).document

    def restore(self, table, *options):
        return self.succeeds("restore", "table", "app", table, "--confirm", "--json", *options).document

    def value(self, query, database="app"):
        return self.cluster.value(query, database)

    def privileges(self, *relations):
        """(relation, grantor, grantee, privilege, grantable), the owner's own included."""
        names = ", ".join(f"'{relation}'::regclass" for relation in relations)
        return sorted(self.cluster.rows(
            f"""select c.oid::regclass, a.grantor::regrole, case when a.grantee = 0 then 'public' else a.grantee::regrole::text end,
                   a.privilege_type, a.is_grantable
               from pg_class c, aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a
               where c.oid in ({names})""", "app"))  # fmt: skip

    def test_default_privileges_of_the_database_give_nobody_a_restored_table(self):
        """Fidelity: one table: A restored table and its sequences have the privileges of the backup and no others, whatever the
        default privileges of the database are; with --no-privileges, its owner alone has any."""
        self.prepare(PRIVATE)
        relations = ("secret", "secret_id_seq", "shared", "shared_id_seq")
        before = self.privileges(*relations)
        self.cluster.sql(OPEN_BY_DEFAULT, "app")
        for table in ("public.secret", "public.shared"):
            self.assertEqual([], self.restore(table, "--replace")["not_restored"])
        self.assertEqual(before, self.privileges(*relations))
        self.restore("public.shared", "--as", "quiet", "--no-privileges")
        self.assertEqual({"boss"}, {row[2] for row in self.privileges("quiet")})

    def test_nobody_reads_a_table_while_it_is_built(self):
        self.prepare(PRIVATE)
        self.cluster.sql(OPEN_BY_DEFAULT, "app")
        running = self.start("restore", "table", "app", "public.secret", "--as", "again", "--confirm",
                             pause=["table-built:app"]).wait_for("table-built:app")  # fmt: skip
        schema = self.value("select nspname from pg_namespace where nspname ~ '^dbbackup_restore_'")
        self.assertEqual([["f", "f"]], self.cluster.rows(
            f"select has_schema_privilege('peek', '{schema}', 'usage'), has_table_privilege('peek', '{schema}.secret', 'select')", "app"))  # fmt: skip
        self.ended(running.go("table-built:app").finish(), 0)

    def test_text_that_reads_like_the_name_stays_as_it_is(self):
        """Fidelity: one table: Under another name, only what is bound to the table, its sequences and indexes follows; text in
        defaults, arguments of triggers, checks and comments that reads like their names stays as it is."""
        self.prepare(LIKE_NAMES)
        self.assertEqual([], self.restore("public.audit", "--as", "audit_1")["not_restored"])
        defaults = dict(self.cluster.rows(
            "select attname, pg_get_expr(adbin, adrelid) from pg_attrdef d join pg_attribute a on a.attrelid = adrelid and attnum = adnum "
            "where adrelid = 'public.audit_1'::regclass", "app"))  # fmt: skip
        self.assertEqual("'public.audit'::text", defaults["src"])
        self.assertEqual("nextval('audit_1_id_seq'::regclass)", defaults["id"])
        self.assertEqual("nextval('counter'::regclass)", defaults["n"])
        self.assertEqual("nextval(('public.audit_id_seq'::text)::regclass)", defaults["late"])
        self.assertIn("'public.audit'::text", defaults["by_text"])
        self.assertEqual("public.audit", self.value("select obj_description('public.audit_1'::regclass)"))
        self.assertEqual("ypublic.audit", self.value("insert into audit_1 (src) values ('y') returning src"))
        self.assertEqual("t", self.value("select self = 'public.audit_1'::regclass from audit_1 where src ~ '^y'"))

    def test_types_and_collations_that_share_a_name_with_an_index_or_the_table(self):
        self.prepare(LIKE_NAMES)
        self.assertEqual([], self.restore("public.orders", "--as", "orders_1")["not_restored"])
        self.assertEqual("status", self.value(
            "select atttypid::regtype from pg_attribute where attrelid = 'orders_1'::regclass and attname = 's'"))  # fmt: skip
        self.assertEqual("an index", self.value("select obj_description('status_orders_1'::regclass)"))
        self.assertEqual("2", self.value("select count(*) from orders_1"))
        self.assertIn("'public.orders'::text", self.value(
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'orders_1'::regclass and contype = 'c'"))  # fmt: skip

    def test_a_copy_of_a_child_is_no_child(self):
        """Limit: one table: A copy of a table that inherits from another, made with `--as`, stands for itself, with all columns
        and checks it had; the plan says so."""
        self.prepare(FAMILY)
        plan = self.plan("public.child", "--as", "copy")
        self.assertIn("INHERITS TABLE public.parent", str(plan["left_behind"]))
        running = self.start("restore", "table", "app", "public.child", "--as", "copy", "--confirm",
                             pause=["table-built:app"]).wait_for("table-built:app")  # fmt: skip
        self.assertEqual("4", self.value("select count(*) from parent"))
        self.ended(running.go("table-built:app").finish(), 0)
        self.assertEqual("4", self.value("select count(*) from parent"))
        self.assertEqual("2", self.value("select count(*) from copy"))
        columns = ("select string_agg(format('%s %s %s', attname, atttypid::regtype, attnotnull), ',' order by attnum) "
                   "from pg_attribute where attnum > 0 and attrelid = '{}'::regclass")  # fmt: skip
        self.assertEqual(self.value(columns.format("child")), self.value(columns.format("copy")))
        self.assertEqual("positive", self.value(
            "select conname from pg_constraint where contype = 'c' and conrelid = 'copy'::regclass"))  # fmt: skip
        # A parent of the same name in another schema; and nothing is asked of what is there now.
        self.cluster.sql("alter table parent drop column t cascade", "app")
        self.restore("tenant.parent", "--as", "tenant.parent_copy")
        self.assertEqual("3|x|y", self.value("select id || '|' || t || '|' || note from tenant.parent_copy"))
        self.cluster.create_database("bare")
        self.restore("public.child", "--into", "bare")
        self.assertEqual("2", self.value("select count(*) from child", "bare"))
        self.assertEqual("child", self.value(
            "select string_agg(relname, ',') from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
            "bare"))  # fmt: skip
        self.assert_nothing_left()

    def test_a_child_that_is_replaced_hands_its_place_over(self):
        """Fidelity: one table: With --replace the restored table takes the old one's place among the children of its parents, where
        it fits below them; else the old one stays their child, with a warning."""
        self.prepare(FAMILY)
        self.cluster.sql("insert into child select 7 from generate_series(1, 10)", "app")
        plan = self.plan("public.child", "--replace")
        self.assertIn("INHERITS public.parent", str(plan["entries"]))
        self.assertEqual([], plan["left_behind"])
        result = self.restore("public.child", "--replace")
        self.assertEqual([], result["not_restored"])
        self.assertEqual("4", self.value("select count(*) from parent"))
        children = ("select string_agg(inhrelid::regclass::text, ',') from pg_inherits "
                    "where inhparent = 'parent'::regclass and inhrelid <> 'tenant.parent'::regclass")  # fmt: skip
        self.assertEqual("child", self.value(children))
        self.assertEqual("10", self.value(f"select count(*) from public.\"{result['kept_as']}\" where id = 7"))
        # Where it does not fit any more.
        self.cluster.sql(f"drop table public.\"{result['kept_as']}\"", "app")
        self.cluster.sql("alter table parent add column later int not null default 5", "app")
        result = self.restore("public.child", "--replace")
        self.assertIn("public.parent", "\n".join(result["not_restored"]))
        self.assertEqual("4", self.value("select count(*) from parent"))
        self.assertEqual("2", self.value("select count(*) from child"))
        self.assertEqual("2", self.value(f"select count(*) from public.\"{result['kept_as']}\" where later = 5"))

    def test_subscribers_of_all_tables_go_on_while_a_copy_is_made(self):
        """Fidelity: one table: Rows of a restored table are not sent to the subscribers of a publication of all tables, which could not
        take them under the name they have meanwhile; the plan names the publications the table is in when it is there."""
        self.prepare("create table live (id int primary key, t text); insert into live select i, i from generate_series(1, 1000) i;"
                     "create unlogged table fleeting (id int);")  # fmt: skip
        self.cluster.create_database("there", contents="create table live (id int primary key, t text)")
        self.cluster.sql("create publication everything for all tables", "app")
        self.cluster.sql("select pg_create_logical_replication_slot('live', 'pgoutput')", "app")
        self.cluster.sql(f"create subscription s connection 'host={self.cluster.socket} port={self.cluster.port} user=postgres dbname=app' "
                         "publication everything with (create_slot = false, slot_name = 'live')", "there")  # fmt: skip
        self.addCleanup(self.end_subscription)
        arrived = "select count(*) from live"
        wait_until(lambda: self.value(arrived, "there") == "1000", "the first copy of the rows")
        self.assertIn("publication everything (all tables)", str(self.plan("public.live", "--as", "copy")["publications"]))
        self.assertEqual([], self.restore("public.live", "--as", "copy")["not_restored"])
        self.assertEqual("p", self.value("select relpersistence from pg_class where oid = 'copy'::regclass"))
        self.restore("public.fleeting", "--as", "fleeting_copy")
        self.assertEqual("u", self.value("select relpersistence from pg_class where oid = 'fleeting_copy'::regclass"))
        self.cluster.sql("insert into live values (1001)", "app")
        wait_until(lambda: self.value(arrived, "there") == "1001", "a row that was inserted after the restore")

    def end_subscription(self):
        self.cluster.sql("alter subscription s disable", "there")
        self.cluster.sql("alter subscription s set (slot_name = none)", "there")
        self.cluster.sql("drop subscription s", "there")
        active = "select count(*) from pg_replication_slots where active"
        wait_until(lambda: self.value(active) == "0", "the end of the subscriber")
        self.cluster.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots", "app")


if __name__ == "__main__":
    unittest.main()
