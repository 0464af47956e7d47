"""Names of every kind come through: on the command line, on the server, in the repository, in messages."""

import unittest

from support.case import EndToEnd
from support.clusters import identifier, literal
from support.pictures import database_picture

NAMES = [
    "with space",
    " leading and trailing ",
    'double"quote',
    "single'quote",
    "back\\slash",
    "a=b",
    "dbname=postgres host=elsewhere",
    "postgresql://elsewhere/db",
    "-h",
    "--confirm",
    "list",
    "latest",
    "UPPER lower",
    "ünï©ödé 中文 🐘",
    "per%cent %s %n",
    "$HOME `id` $(id) ; rm -rf /",
    "*",
    "../../etc/passwd",
    "a/b",
    ".",
    "tab\there",
    "x" * 63,
    "ä" * 31 + "x",
]

CONTENTS = 'create table "t ""of"" it" as select i, md5(i::text) from generate_series(1, 50) i'


class Names(EndToEnd):
    def setUp(self):
        super().setUp()
        self.init()

    def test_databases_of_every_name_are_backed_up_and_restored_in_place(self):
        for name in NAMES:
            self.cluster.create_database(name, contents=CONTENTS)
        before = self.picture()
        self.back_up()
        for name in NAMES[::2]:
            self.cluster.drop_database(name)
        for name in NAMES[1::2]:
            self.cluster.sql('drop table "t ""of"" it"', name)
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(before, self.picture())
        self.assert_nothing_left()
        shown = self.succeeds("show", "latest", "--json").document
        self.assertEqual(sorted([*NAMES, "postgres", "template1"]), sorted(d["name"] for d in shown["databases"]))
        self.succeeds("show", "latest")
        self.succeeds("list")

    def test_each_name_is_an_argument_of_its_own(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.cluster.create_database(name, contents=CONTENTS)
                picture = database_picture(self.cluster, name)
                # A name that looks like an option comes after "--", as with every program.
                dashes = ["--"] if name.startswith("-") else []
                self.back_up_named("backup", "database", "--json", *dashes, name)
                self.cluster.drop_database(name)
                self.succeeds("restore", "database", "--confirm", *dashes, name)
                self.assert_holds(picture, name)
                self.cluster.drop_database(name)

    def back_up_named(self, *argv):
        return self.succeeds(*argv).document["id"]

    def test_names_for_as_are_taken_as_they_are(self):
        self.cluster.create_database("app", contents=CONTENTS)
        self.back_up("database", "app")
        for name in NAMES:
            with self.subTest(name=name):
                self.succeeds("restore", "database", "app", f"--as={name}", "--confirm")
                self.assertEqual("50", self.cluster.value('select count(*) from "t ""of"" it"', name))
                self.cluster.drop_database(name)

    def test_kept_names_fit_and_are_unique_for_names_that_differ_only_at_the_end(self):
        long_names = ["n" * 62 + end for end in "abc"] + ["é" * 31 + end for end in "xy"]
        oids = {}
        for name in long_names:
            self.cluster.create_database(name, contents=CONTENTS)
            oids[name] = self.cluster.oid_of(name)
        self.back_up()
        self.succeeds("restore", "cluster", "latest", "--confirm", "--old", "keep")
        kept = {name: self.cluster.database_of(oid) for name, oid in oids.items()}
        self.assertEqual(len(long_names), len(set(kept.values()) - {None}), kept)
        for name in kept.values():
            self.assertLessEqual(len(name.encode()), 63)
            self.assertIn("_before_", name)
        self.succeeds("cleanup", "--kept", "--confirm")
        self.assertEqual(sorted(long_names), sorted(self.cluster.user_databases()))

    def test_schemas_tables_columns_and_roles_of_every_name_come_back(self):
        names = NAMES + ["new\nline", "carriage\rreturn", "\\.", "\\N", "NULL", "select"]
        statements = []
        for number, name in enumerate(names):
            quoted, sequence = identifier(name), identifier(name[:20] + f" {number}")
            statements.append(f"create schema {quoted}; create table {quoted}.{quoted} ({quoted} int primary key, v text); "
                              f"insert into {quoted}.{quoted} values (1, 'v'); create sequence {quoted}.{sequence}; "
                              f"select setval({literal(quoted + '.' + sequence)}, 42);")  # fmt: skip
        self.cluster.create_database("app")
        self.cluster.sql("set standard_conforming_strings = on;\n" + "\n".join(statements), "app")
        for name in NAMES:
            self.cluster.sql(f"create role {identifier(name)}")
            self.cluster.sql(f"alter table {identifier(name)}.{identifier(name)} owner to {identifier(name)}", "app")
        before = self.picture()
        self.back_up()
        self.cluster.drop_database("app")
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm")
        self.assert_same(before, self.picture())

    def test_names_with_newlines_that_old_servers_allowed_do_not_break_anything(self):
        name = "two\nlines"
        self.cluster.create_database(name, contents=CONTENTS)
        outcome = self.tool.run("backup", "cluster", "--json")
        self.assert_sane(outcome)
        self.assertIn(outcome.code, (0, 4), outcome)
        if outcome.code == 4:
            [record] = [d for d in outcome.document["databases"] if d["name"] == name]
            self.assertEqual("failed", record["state"])

    def test_a_name_that_is_no_text_in_utf8_comes_through(self):
        """A database made by a client of another encoding: bytes that are no UTF-8."""
        cluster = self.another_cluster()
        cluster.create_database("door", "template template0 encoding 'SQL_ASCII' locale 'C'")
        cluster.psql(b"create database \"latin\xe4\" template template0 encoding 'SQL_ASCII' locale 'C'", "door",
                     encoding="SQL_ASCII")  # fmt: skip
        self.tool.talk_to(cluster)
        outcome = self.tool.run("backup", "cluster", "--json")
        self.assert_sane(outcome)
        self.assertIn(outcome.code, (0, 4), outcome)
        self.assertEqual(4, len(outcome.document["databases"]), "the document parses and lists all")


if __name__ == "__main__":
    unittest.main()
