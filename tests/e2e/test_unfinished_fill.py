"""A restore into postgres or template1, which are filled in place, that was killed: the next one knows, and begins again."""

import signal
import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.waiting import wait_until

MORE = """
create role keeper; create role reader;
create extension hstore; create table marked (h hstore); insert into marked values ('a=>1');
create type mood as enum ('glad', 'sad'); create domain few as int check (value < 10);
create table left_one (id int primary key); create table right_one (id int primary key references left_one);
alter table left_one add foreign key (id) references right_one deferrable initially deferred;
create function noticed() returns event_trigger language plpgsql as 'begin end';
create event trigger noticed on ddl_command_end execute function noticed();
alter event trigger noticed disable;
create publication told for table stock.item;
create cast (few as text) with inout as assignment;
create server away foreign data wrapper postgres_fdw; create user mapping for keeper server away;
alter default privileges for role keeper grant select on tables to reader;
alter default privileges for role keeper in schema public grant execute on functions to reader;
alter default privileges for role keeper revoke execute on functions from public;
grant create on schema public to keeper; comment on schema public is 'ours';
create schema "Odd S" authorization keeper; create view "Odd S".v as select * from stock.item;
"""
STEPS = ["filling-begun", "pre-data-done", "rows-done", "post-data-done", "before-proof", "proof-done"]
MARK = "select setconfig::text from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where datname = 'postgres'"


class UnfinishedFill(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()

    def fill(self, name="postgres"):
        """The database with contents, a backup of it, and what it is to look like; then everything is gone."""
        self.cluster.sql("create extension postgres_fdw;" + SMALL + MORE, name)
        self.cluster.sql(f"alter database {name} set work_mem = '5MB'; comment on database {name} is 'of ours'")
        before = self.original()
        self.back_up()
        self.cluster.wipe()
        return before

    def restore_killed_at(self, step, *argv):
        running = self.start("restore", "cluster", "latest", "--confirm", *argv, pause=[step]).wait_for(step)
        running.send(signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, running.finish(30).code)
        wait_until(lambda: not self.cluster.sessions_of_dbbackup(), "sessions end", 30)

    def begun_line(self, outcome):
        return next(line for line in outcome.document["preflight"] if line["check"].startswith("begun"))

    def test_a_killed_fill_is_begun_again_from_every_step(self):
        """Fidelity: postgres and template1: a restore into them that was killed is known as such by the next, which begins again."""
        before = self.fill()
        for step in STEPS:
            with self.subTest(step=step):
                self.restore_killed_at(f"{step}:postgres")
                plan = self.succeeds("restore", "cluster", "latest", "--json")
                self.assertEqual("warning", self.begun_line(plan)["verdict"])
                self.assertTrue(plan.document["databases"][0]["begun_by"])
        self.assertNotEqual("0", self.cluster.value("select count(*) from stock.item"))
        self.assertIn("removed what restore", self.succeeds("restore", "cluster", "latest", "--confirm").err)
        self.assert_faithful(before)
        self.assertNotIn("dbbackup", self.cluster.value(MARK))
        again = self.succeeds("restore", "cluster", "latest", "--confirm", "--json")
        self.assertTrue(next(d for d in again.document["databases"] if d["name"] == "postgres")["skipped"])
        self.assert_nothing_left()

    def test_template1_and_a_kill_while_emptying(self):
        before = self.fill("template1")
        self.restore_killed_at("rows-done:template1")
        self.restore_killed_at("unfinished-removed:template1")
        outcome = self.succeeds("restore", "database", "template1", "--confirm", "--json")
        self.assertTrue(outcome.document["databases"][0]["proven"])
        self.assert_faithful(before)

    def test_what_somebody_else_put_there_meanwhile_is_never_removed(self):
        """Refused: a restore into postgres or template1 that was killed is not begun again where anything of somebody else may be."""
        self.fill()
        changes = {
            "create table mine (a int)": "TABLE public.mine",
            "insert into stock.item values (-5, 'mine', 0, null)": "stock.item",
            "update stock.item set name = 'mine' where id = 7": "stock.item",
            "create view mine as select 1 as a": "VIEW public.mine",
            "alter table stock.item add column mine int": "stock.item",
            "select lo_create(77)": "large object",
            "create function touch(int) returns int language sql as 'select 1'": "FUNCTION",
        }
        for change, named in changes.items():
            with self.subTest(change=change):
                self.restore_killed_at("rows-done:postgres")
                self.cluster.sql(change)
                before = self.picture()
                outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")
                self.assertIn(named, outcome.error["cause"])
                self.assertIn("RESET dbbackup.filling", "\n".join(outcome.error["solution"]))
                self.assert_same(before, self.picture())
                self.cluster.wipe()

    def test_rows_that_came_after_the_plan_are_found_too(self):
        self.fill()
        self.restore_killed_at("rows-done:postgres")
        running = self.start("restore", "cluster", "latest", "--confirm", "--json", pause=["globals-done"]).wait_for("globals-done")
        self.cluster.sql("insert into log_line values ('2025-02-02', 'mine')")
        outcome = self.failed_with("TARGET_EXISTS", running.go("globals-done").finish())
        self.assertIn("log_line_2025", outcome.error["cause"])
        self.assertEqual("1", self.cluster.value("select count(*) from log_line where line = 'mine'"))

    def test_the_remedy_leaves_what_is_there_to_its_owner(self):
        self.fill()
        self.restore_killed_at("rows-done:postgres")
        self.cluster.sql("create table mine (a int); alter database postgres reset dbbackup.filling")
        outcome = self.succeeds("restore", "cluster", "latest", "--confirm", "--json")
        self.assertTrue(outcome.document["databases"][0]["skipped"])
        self.assertEqual("0", self.cluster.value("select count(*) from mine"))

    def test_a_fill_beside_other_contents_is_not_taken_back(self):
        self.fill()
        self.cluster.sql("create table mine (a int)")
        self.restore_killed_at("rows-done:postgres", "--system-databases", "merge")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--system-databases", "merge", "--confirm")
        self.assertIn("merged", outcome.error["cause"])

    def test_a_fill_that_failed_is_begun_again_too(self):
        before = self.fill()
        running = self.start("restore", "cluster", "latest", "--confirm", "--json", pause=["rows-done:postgres"])
        running.wait_for("rows-done:postgres")
        self.cluster.sql("insert into left_one values (1)")  # breaks the foreign key
        self.failed_with("SERVER_ERROR", running.go("rows-done:postgres").finish())
        self.assertEqual("refused", self.begun_line(self.tool.run("restore", "cluster", "latest", "--json"))["verdict"])
        self.cluster.sql("delete from left_one")
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_faithful(before)

    def test_a_restore_that_is_at_work_is_left_alone(self):
        self.fill()
        running = self.start("restore", "cluster", "latest", "--confirm", pause=["rows-done:postgres"])
        running.wait_for("rows-done:postgres")
        outcome = self.fails_with("PREFLIGHT_REFUSED", "restore", "cluster", "latest", "--confirm")
        self.assertIn("at work", outcome.error["cause"])
        self.ended(running.go("rows-done:postgres").finish(), 0)

    def test_a_backup_in_between_says_so_and_does_not_take_the_mark_along(self):
        self.fill()
        self.restore_killed_at("rows-done:postgres")
        outcome = self.succeeds("backup", "cluster", "--json")
        self.assertIn("database-unfinished", str(outcome.document["warnings"]))
        self.assertEqual([], self.succeeds("cleanup", "--json").document["leftovers"])
        self.assertNotIn("dbbackup.filling", self.succeeds("show", "latest", "--json").out)


if __name__ == "__main__":
    unittest.main()
