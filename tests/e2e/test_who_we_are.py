"""Who our sessions are, and whether they are let in, whatever the database says to its users' sessions."""

import unittest

from support.case import EndToEnd
from support.clusters import MAJOR, StatementFailed
from support.contents import SMALL
from support.pictures import database_picture


class WhoWeAre(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()
        self.cluster.create_database("app", contents=SMALL)

    def test_a_role_that_the_database_sets_is_for_its_users(self):
        """Fidelity: settings of databases and roles: role and session_authorization of a database come back, and change nothing of how it is restored."""
        self.cluster.sql("create role small login; grant usage on schema stock to small; "
                         "create table hidden as select 1 as a; alter table hidden enable row level security", "app")  # fmt: skip
        before = database_picture(self.cluster, "app")
        self.cluster.sql("alter database app set role = 'small'; alter database app set session_authorization = 'small'")
        self.back_up()
        self.succeeds("restore", "database", "app", "--confirm")
        self.assertEqual("small", self.cluster.value("select current_user", "app"))
        self.assertEqual("{role=small,session_authorization=small}", self.cluster.value(
            "select setconfig from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = 'app')"))
        self.succeeds("restore", "table", "app", "stock.item", "--as", "again", "--confirm")
        self.cluster.sql("alter database app reset all")
        self.assertEqual("postgres", self.cluster.value(
            "select pg_get_userbyid(relowner) from pg_class where relname = 'again'", "app"))  # fmt: skip
        self.cluster.sql("drop table stock.again", "app")
        self.assert_holds(before, "app")

    def test_a_role_of_its_own_stays_with_a_role(self):
        """ALTER ROLE ... SET role says who somebody is, in every database."""
        self.cluster.sql("create role reads superuser; create role logs_in login; grant reads to logs_in; "
                         "alter role logs_in set role = 'reads'; alter database app set role = 'logs_in'")  # fmt: skip
        self.back_up("cluster", "-U", "logs_in")

    @unittest.skipUnless(MAJOR >= 17, "there are no such triggers before 17")
    def test_an_event_trigger_on_login_that_refuses_keeps_nobody_of_ours_out(self):
        """Fidelity: event triggers: those on login come back, and do not fire for backups and restores by a superuser."""
        self.cluster.sql("""create function no() returns event_trigger language plpgsql as $$ begin raise 'closed today'; end $$;
            create event trigger no on login execute function no(); alter event trigger no enable always""", "app")  # fmt: skip
        self.back_up()
        self.succeeds("restore", "database", "app", "--confirm")
        self.succeeds("restore", "database", "app", "--confirm")
        self.succeeds("restore", "table", "app", "stock.item", "--as", "again", "--confirm")
        self.succeeds("cleanup", "--confirm")
        self.assertIn("closed today", self.refused())
        self.cluster.sql("create role plain login; grant pg_read_all_data to plain")
        outcome = self.tool.run("backup", "database", "app", "--json", "-U", "plain")
        self.assertIn("closed today", outcome.text)

    def refused(self):
        try:
            self.cluster.sql("select 1", "app")
        except StatementFailed as error:
            return str(error)
        return ""


if __name__ == "__main__":
    unittest.main()
