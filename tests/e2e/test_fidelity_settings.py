"""Rows and schemas are the same whatever the settings are under which roles, databases and servers speak."""

import os
import shutil
import subprocess
import unittest

from support.clusters import Cluster, give_to_server_user, temporary_folder
from support.restored import RestoredCluster

FORMATS = """
set xmloption = content;
create table said (m money, t timestamptz, d date, i interval, f float8, r real, b bytea, x xml, n numeric, s tsvector);
insert into said values (12345, '2026-03-29 01:30:00.123456+00', '2026-02-01', '1 year 2 mons -3 days 04:05:06.7', 0.1 + 0.2, 1e-7, '\\x00ff',
                         '<a>1</a>', 1e-20, 'a fat cat'),
                        (-1, 'infinity', '-infinity', '-1 mon +1 day', '-0', 'nan', '', '<b/>text', 'nan', '');
create table priced (cost money default '1234567'::money check (cost > '-5'::money));
insert into priced values (default), (7);
create function tenant() returns text immutable language sql as $$ select pg_catalog.current_setting('my.tenant') $$;
create table owned (id int, who text generated always as (id || tenant()) stored); insert into owned values (1);
create index by_tenant on owned ((tenant() || id)); create materialized view of_tenant as select tenant() as who;
"""
SETTINGS = {
    "lc_monetary": "ja_JP.UTF-8", "timezone": "Australia/Lord_Howe", "datestyle": "German, DMY", "intervalstyle": "sql_standard",
    "extra_float_digits": "-10", "bytea_output": "escape", "xmloption": "document", "my.tenant": "seven",
    "quote_all_identifiers": "on", "default_text_search_config": "pg_catalog.german",
}  # fmt: skip


class OtherSettings(RestoredCluster):
    """The backed-up database and its role speak otherwise than the server, and than the server it is restored into."""

    @classmethod
    def setUpClass(cls):
        # PostgreSQL gets locales of its own to choose from, since few are installed on a machine.
        locales = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, locales, ignore_errors=True)
        for name in ("ja_JP", "da_DK"):
            subprocess.run(["localedef", "-i", name, "-f", "UTF-8", str(locales / f"{name}.UTF-8")], capture_output=True, check=True)
        give_to_server_user(locales)
        os.environ["LOCPATH"] = str(locales)
        cls.addClassCleanup(os.environ.pop, "LOCPATH")
        super().setUpClass()

    @classmethod
    def fill(cls, cluster):
        cluster.create_database("one")
        for name, value in SETTINGS.items():
            cluster.sql(f"alter database one set {name} = {value if ',' in value else repr(value)}")
        cluster.sql(FORMATS, "one")
        cluster.sql("alter role postgres set timezone = 'Asia/Kathmandu'; alter role postgres set lc_monetary = 'da_DK.UTF-8'")
        cls.source = cls.values(cluster)

    @staticmethod
    def values(cluster):
        """As neutral as it gets: money as the number that is stored."""
        fixed = "set lc_monetary = 'C'; set timezone = 'UTC'; set extra_float_digits = 3;"
        return [
            cluster.psql(fixed + query, "one")
            for query in (
                "select m::numeric, t, d, i, f, r, b, x, n, s from said",
                "select cost::numeric from priced",
                "table owned",
                "table of_tenant",
            )
        ]

    @classmethod
    def after_backup(cls, cluster):
        cluster.wipe()
        cluster.configure(timezone="'America/New_York'", datestyle="'SQL, MDY'", lc_monetary="'da_DK.UTF-8'", bytea_output="'escape'")
        cluster.reload()

    def test_values_are_the_same_under_other_settings(self):
        """Fidelity: rows: values whose text depends on settings (money, times, floats, bytea, XML) come back as they were, whatever locale,
        time zone and styles the database, the role and the two servers have set.
        """
        self.assertEqual(self.source, self.values(self.cluster))

    def test_the_proof_holds_under_other_settings(self):
        """Fidelity: proof: fingerprints do not depend on the settings of servers, databases and roles."""
        [one] = [database for database in self.restore_said.document["databases"] if database["name"] == "one"]
        self.assertTrue(one["proven"], one)

    def test_functions_find_the_variables_of_their_database(self):
        """Fidelity: settings of databases and roles: variables that functions of the database read count while columns, indexes and views are built."""
        self.holds(["1seven"], "select who from owned")
        self.holds(["seven"], "select who from of_tenant")

    def test_defaults_keep_their_value(self):
        """Fidelity: tables: defaults and checks of type money are written and read under one locale, C, whatever the roles have set."""
        insert = "set lc_monetary = 'C'; begin; insert into priced values (default) returning cost::numeric; rollback"
        made = self.cluster.psql(insert, "one")
        self.assertEqual(self.source[1].split()[0], made.strip())


if __name__ == "__main__":
    unittest.main()
