"""One table out of a backup into a database that is in use."""

import signal
import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.pictures import database_picture
from support.waiting import wait_until

MORE = """
create role teller;
create table stock.account (id int generated always as identity primary key, code text not null unique, amount numeric check (amount >= 0),
    item int references stock.item, double numeric generated always as (amount * 2) stored);
insert into stock.account (code, amount, item) select 'c' || i, i, 1 + i % 100 from generate_series(1, 500) i;
create index account_amount on stock.account (amount desc);
create statistics stock.account_stats on amount, item from stock.account;
comment on table stock.account is 'money'; comment on column stock.account.code is 'a code';
comment on index stock.account_amount is 'large first';
grant select on stock.account to teller; grant update (amount) on stock.account to teller;
alter table stock.account enable row level security; create policy p on stock.account to teller using (id > 0);
create trigger touched before update on stock.account for each row execute function touch();
create view rich as select * from stock.account where amount > 100;
alter table stock.sale add column account int references stock.account;
alter table stock.account cluster on account_amount; alter table stock.account replica identity using index account_code_key;
create schema "Odd S"; create table "Odd S"."T.1" ("Id" serial primary key, t text default 'Odd S."T.1"');
insert into "Odd S"."T.1" select from generate_series(1, 7);
"""


class OneTable(EndToEnd):
    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL + MORE)
        self.init()
        self.back_up("database", "app")

    def restore(self, table, *options, **more):
        return self.succeeds("restore", "table", "app", table, "--confirm", "--json", *options, **more).document

    def describe(self, table, database="app"):
        """What psql says of it, with the table's own name taken out."""
        text = self.cluster.sql(f"\\d+ {table}", database)
        lines = sorted(line for line in text.splitlines() if "Referenced by" not in line and "stock.sale" not in line)
        return [line.replace("account_copy", "account") for line in lines]

    def test_a_lost_table_comes_back_as_it_was(self):
        self.cluster.sql("alter table stock.sale drop column account; drop view rich", "app")
        before = database_picture(self.cluster, "app")
        self.cluster.sql("drop table stock.account", "app")
        result = self.restore("stock.account")
        self.assertTrue(result["proven"])
        self.assertEqual([], result["not_restored"])
        self.assert_holds(before, "app")
        self.assertEqual("501", self.cluster.value(
            "insert into stock.account (code, amount) values ('new', 1) returning id", "app"))  # fmt: skip
        self.assert_nothing_left()

    def test_a_copy_stands_beside_the_table_that_is_there(self):
        self.cluster.sql("delete from stock.account where id < 400", "app")
        whole = database_picture(self.cluster, "app")
        result = self.restore("stock.account", "--as", "account_copy")
        self.assertEqual(500, result["rows"])
        self.assertEqual("500", self.cluster.value("select count(*) from stock.account_copy", "app"))
        self.assertEqual("101", self.cluster.value("select count(*) from stock.account", "app"))
        expected = self.describe("stock.account")
        actual = self.describe("stock.account_copy")
        self.assertEqual([l.replace(" ", "") for l in expected if "amount" not in l and "stats" not in l],
                         [l.replace(" ", "") for l in actual if "amount" not in l and "stats" not in l])  # fmt: skip
        self.assertEqual("6", self.cluster.value(
            "select count(*) from pg_index where indrelid in ('stock.account'::regclass, 'stock.account_copy'::regclass)", "app"))
        self.assertEqual("2", self.cluster.value("select count(*) from pg_statistic_ext", "app"))
        self.cluster.sql("drop table stock.account_copy", "app")
        self.assert_holds(whole, "app")

    def test_what_is_there_is_not_overwritten_unless_told_to_and_then_kept(self):
        self.cluster.sql("delete from stock.account where id not in (select account from stock.sale where account is not null)", "app")
        before = database_picture(self.cluster, "app")
        for name in ([], ["--as", "stock.item"], ["--as", "public.rich", "--replace"]):
            self.fails_with("TARGET_EXISTS", "restore", "table", "app", "stock.account", "--confirm", *name)
        self.fails_with("USAGE", "restore", "table", "app", "stock.account", "--as", "nowhere.x", "--confirm")
        self.assert_holds(before, "app")
        plan = self.succeeds("restore", "table", "app", "stock.account", "--replace", "--json").document
        self.assertFalse(plan["executed"])
        self.assertIn("view public.rich", str(plan["still_refer"]).replace("view rich", "view public.rich"))
        self.assert_holds(before, "app")
        result = self.restore("stock.account", "--replace")
        self.assertEqual("500", self.cluster.value("select count(*) from stock.account", "app"))
        self.assertEqual("0", self.cluster.value(f"select count(*) from stock.\"{result['kept_as']}\"", "app"))
        self.assertEqual("account_pkey", self.cluster.value(
            "select conname from pg_constraint where contype = 'p' and conrelid = 'stock.account'::regclass", "app"))

    def test_odd_names_and_their_sequences(self):
        self.cluster.sql('drop table "Odd S"."T.1"', "app")
        self.assertEqual([], self.restore('"Odd S"."T.1"')["not_restored"])
        self.assertEqual("8", self.cluster.value('insert into "Odd S"."T.1" default values returning "Id"', "app"))
        self.assertEqual("Odd S.\"T.1\"", self.cluster.value('select t from "Odd S"."T.1" where "Id" = 8', "app"))
        self.assertEqual("Odd S", self.cluster.value(
            "select nspname from pg_class c join pg_namespace n on n.oid = relnamespace where relname = 'T.1_Id_seq'", "app"))

    def test_into_a_database_that_lacks_what_it_refers_to(self):
        self.cluster.create_database("bare", contents="create schema stock")
        self.cluster.sql("drop owned by teller", "app")
        self.cluster.sql("drop role teller")
        result = self.restore("account", "--into", "bare")
        text = "\n".join(result["not_restored"])
        for words in ("FK CONSTRAINT account account_item_fkey", "TRIGGER account touched", "teller"):
            self.assertIn(words, text)
        self.assertEqual("500", self.cluster.value("select count(*) from stock.account", "bare"))

    def test_foreign_keys_whose_rows_are_gone_are_left_out(self):
        self.cluster.sql("drop table stock.account cascade; delete from stock.sale; delete from stock.item where id = 5", "app")
        result = self.restore("stock.account")
        self.assertIn("FK CONSTRAINT", "\n".join(result["not_restored"]))

    def test_names_that_are_none_are_answered_kindly(self):
        for name in ("stock.nothing", "nothing", "a.b.c", "stock.", "expensive"):
            outcome = self.fails_with("USAGE", "restore", "table", "app", name)
            self.assertTrue(outcome.error["solution"])
        self.fails_with("DATABASE_NOT_FOUND", "restore", "table", "nowhere", "t")
        self.cluster.sql("create schema other; create table other.item (a int)", "app")
        self.back_up("database", "app")
        self.assertIn("Several schemas", self.fails_with("USAGE", "restore", "table", "app", "item").error["message"])

    def test_a_stop_or_a_failure_leaves_the_database_as_it_was(self):
        before = database_picture(self.cluster, "app")
        running = self.start("restore", "table", "app", "stock.account", "--as", "again", "--confirm",
                             pause=["table-built:app"]).wait_for("table-built:app")  # fmt: skip
        running.send(signal.SIGINT).go("table-built:app")
        self.ended(running.finish(), 130)
        self.assert_holds(before, "app")
        running = self.start("restore", "table", "app", "stock.account", "--as", "again", "--confirm", "--json",
                             pause=["table-built:app"]).wait_for("table-built:app")  # fmt: skip
        schema = self.cluster.value("select nspname from pg_namespace where nspname ~ '^dbbackup_restore_'", "app")
        self.cluster.sql(f"delete from {schema}.account where id = 3", "app")
        self.failed_with("PROOF_FAILED", running.go("table-built:app").finish())
        self.assert_holds(before, "app")
        self.assert_nothing_left()

    def test_what_a_killed_one_left_is_known_to_cleanup_and_to_the_next_one(self):
        before = database_picture(self.cluster, "app")
        for remove in (["cleanup", "--confirm"], ["restore", "table", "app", "log_line_2025", "--as", "lines", "--confirm"]):
            running = self.start("restore", "table", "app", "stock.account", "--as", "again", "--confirm", pause=["table-built:app"])
            running.wait_for("table-built:app")
            alive = self.succeeds("cleanup", "--confirm", "--json").document["leftovers"]
            self.assertEqual([("app", "schema", "stock.account", True, False)],
                             [(one["database"], one["kind"], one["original"], one["in_use"], one["removed"]) for one in alive])
            running.send(signal.SIGKILL).finish(30)
            wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
            self.succeeds(*remove)
            self.assertEqual("0", self.cluster.value("select count(*) from pg_namespace where nspname ~ '^dbbackup'", "app"))
            self.cluster.sql("drop table if exists lines", "app")
            self.assert_holds(before, "app")

    def test_what_somebody_else_made_of_it_is_not_dropped_with_it(self):
        running = self.start("restore", "table", "app", "stock.account", "--as", "again", "--confirm", pause=["table-built:app"])
        running.wait_for("table-built:app").send(signal.SIGKILL).finish(30)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)
        schema = self.cluster.value("select nspname from pg_namespace where nspname ~ '^dbbackup_restore_'", "app")
        self.cluster.sql(f"create view mine as select * from {schema}.account; create schema dbbackup_restore_0123456789abcdef", "app")
        outcome = self.fails_with("RESTORE_FAILED", "cleanup", "--confirm")
        self.assertIn("mine", outcome.error["message"])
        self.assertEqual("500", self.cluster.value("select count(*) from mine", "app"))
        self.cluster.sql("drop view mine", "app")
        self.succeeds("cleanup", "--confirm")
        self.assertEqual("dbbackup_restore_0123456789abcdef",
                         self.cluster.value("select nspname from pg_namespace where nspname ~ '^dbbackup'", "app"))

    def test_a_partition_comes_back_as_a_table_of_its_own(self):
        result = self.restore("log_line_2025", "--as", "lines")
        self.assertIn("TABLE ATTACH", str(result["plan"]["left_behind"]))
        self.assertEqual("214", self.cluster.value("select count(*) from lines", "app"))


TREES = """
create role keeper; create schema parts;
create type shade as enum ('red', 'green', 'blue');
create table seen (id bigint generated always as identity, at date not null, kind text not null default 'k', n serial, primary key (id, at, kind),
    check (n > 0)) partition by range (at);
create table seen_2025 partition of seen for values from ('2025-01-01') to ('2026-01-01');
create table parts.seen_2026 partition of seen for values from ('2026-01-01') to ('2027-01-01') partition by list (kind);
create table parts.seen_2026_a partition of parts.seen_2026 for values in ('a');
create table parts.rest partition of parts.seen_2026 default;
create table seen_other (kind text not null default 'o', dropped int, n int not null default 5, at date not null, id bigint not null,
    constraint seen_n_check check (n > 0));
alter table seen_other drop column dropped; alter table seen attach partition seen_other default;
create index seen_kind on seen (kind); create index only_there on parts.rest (n);
create statistics seen_both on kind, n from seen;
insert into seen (at, kind) select '2025-12-01'::date + i, (array['a', 'b', 'c'])[1 + i % 3] from generate_series(1, 400) i;
create trigger touched before update on seen for each row execute function touch();
alter table parts.rest disable trigger touched;
comment on table parts.rest is 'the rest'; comment on column seen.kind is 'which'; comment on index seen_kind is 'by kind';
grant select on seen to keeper; grant insert (at) on seen_2025 to keeper; alter table seen_other owner to keeper;
create table coloured (s shade, i int) partition by hash (s);
create table coloured_0 partition of coloured for values with (modulus 2, remainder 0);
create table coloured_1 partition of coloured for values with (modulus 2, remainder 1);
insert into coloured select (array['red', 'green', 'blue']::shade[])[1 + i % 3], i from generate_series(1, 300) i;
create table place (id int primary key, name text); create table town (people int) inherits (place);
create table capital (land text) inherits (town); create table other_side (x int);
create table harbour (ships int) inherits (place, other_side);
insert into place values (1, 'p'); insert into town values (2, 't', 9); insert into capital values (3, 'c', 8, 'l');
insert into harbour values (4, 'h', 1, 2);
create view all_seen as select * from seen;
"""


class Trees(EndToEnd):
    """A table that has others below it: it comes back with them."""

    def setUp(self):
        super().setUp()
        self.cluster.create_database("app", contents=SMALL + TREES)
        self.init()
        self.back_up("database", "app")

    restore = OneTable.restore

    def test_a_lost_tree_of_partitions_comes_back_as_it_was(self):
        """Fidelity: one table: `restore table` of a partitioned table brings its partitions at any depth, in their schemas, with
        indexes attached, keys, triggers, statistics objects, owners, privileges and comments."""
        self.cluster.sql("drop view all_seen", "app")
        before = database_picture(self.cluster, "app")
        self.cluster.sql("drop table seen", "app")
        result = self.restore("seen")
        self.assertTrue(result["proven"])
        self.assertEqual([], result["not_restored"])
        self.assertEqual(400, result["rows"])
        self.assert_holds(before, "app")
        self.assertEqual("0", self.cluster.value("select count(*) from pg_index where not indisvalid", "app"))
        self.assertEqual("401", self.cluster.value("insert into seen (at, kind) values ('2026-03-01', 'a') returning id", "app"))
        self.assertEqual("t", self.cluster.value("select exists (select from pg_stats where tablename = 'seen' and inherited)", "app"))
        self.assert_nothing_left()

    def test_rows_of_hashed_enums_find_their_partition_anew(self):
        before = database_picture(self.cluster, "app")
        self.cluster.sql("drop table coloured", "app")
        self.assertTrue(self.restore("coloured")["proven"])
        self.assert_holds(before, "app")

    def test_a_copy_of_a_tree_stands_beside_it(self):
        before = database_picture(self.cluster, "app")
        result = self.restore("seen", "--as", "copy")
        self.assertTrue(result["proven"])
        self.assertEqual(
            ["copy", "copy_2025", "copy_other", "parts.copy_2026", "parts.copy_2026_a", "parts.rest_copy"],
            sorted(self.cluster.sql("select relid from pg_partition_tree('copy')", "app").split()))  # fmt: skip
        self.assertEqual("400", self.cluster.value("select count(*) from copy", "app"))
        self.cluster.sql("drop table copy", "app")
        self.assert_holds(before, "app")

    def test_in_the_place_of_a_tree_which_is_kept(self):
        self.cluster.sql("delete from seen where kind = 'a'; create table seen_2030 partition of seen for values from "
                         "('2030-01-01') to ('2031-01-01')", "app")  # fmt: skip
        left = self.cluster.value("select count(*) from seen", "app")
        result = self.restore("public.seen", "--replace")
        self.assertEqual("400", self.cluster.value("select count(*) from seen", "app"))
        self.assertEqual("400", self.cluster.value("select count(*) from seen_2025 full join parts.seen_2026 on false full join seen_other on false", "app"))
        self.assertEqual(left, self.cluster.value(f'select count(*) from "{result["kept_as"]}"', "app"))
        self.assertEqual(result["kept_as"], self.cluster.value(
            "select replace(inhparent::regclass::text, '\"', '') from pg_inherits where inhrelid = 'seen_2030'::regclass", "app"))

    def test_a_part_of_a_tree_comes_back_as_a_tree_of_its_own(self):
        result = self.restore("parts.seen_2026", "--as", "public.year")
        self.assertIn("TABLE ATTACH", str(result["plan"]["left_behind"]))
        self.assertEqual("p", self.cluster.value("select relkind from pg_class where oid = 'year'::regclass", "app"))
        self.assertEqual(self.cluster.value("select count(*) from parts.seen_2026", "app"),
                         self.cluster.value("select count(*) from year", "app"))  # fmt: skip
        self.cluster.sql("drop schema parts cascade", "app")
        self.assertIn("no schema", self.fails_with("USAGE", "restore", "table", "app", "seen", "--as", "again").text)

    def test_a_parent_comes_back_with_its_children(self):
        """Fidelity: one table: `restore table` of a table that others inherit from brings these, too.
        Limit: one table: a partition or a child that is named itself comes back as a table of its own, without its parents; what
        refers to a table that was replaced goes on referring to the old one, which is kept."""
        self.cluster.sql("alter table harbour no inherit other_side", "app")
        before = database_picture(self.cluster, "app")
        self.cluster.sql("drop table place cascade", "app")
        result = self.restore("place")
        self.assertIn("INHERITS TABLE public.other_side", str(result["plan"]["left_behind"]))
        self.assert_holds(before, "app")
        self.assertEqual("4", self.cluster.value("select count(*) from place", "app"))

    def test_a_child_comes_back_without_its_parents_rows_or_eyes(self):
        self.restore("town", "--as", "city")
        self.assertEqual("4", self.cluster.value("select count(*) from place", "app"), "the copies are no children of it")
        self.assertEqual("2", self.cluster.value("select count(*) from city", "app"))
        self.assertEqual("8", self.cluster.value("select people from capital_city", "app"))

    def test_a_database_of_such_trees_comes_back(self):
        """Fidelity: triggers: also where the schema of the partition whose trigger is disabled comes first by its name, in whose
        order pg_dump writes them."""
        before = database_picture(self.cluster, "app")
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm")
        self.assert_holds(before, "copy")

    def test_a_stop_leaves_the_tree_as_it_was(self):
        before = database_picture(self.cluster, "app")
        running = self.start("restore", "table", "app", "seen", "--replace", "--confirm",
                             pause=["before-move:app"]).wait_for("before-move:app")  # fmt: skip
        running.send(signal.SIGINT).go("before-move:app")
        self.ended(running.finish(), 130)
        self.assert_holds(before, "app")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
