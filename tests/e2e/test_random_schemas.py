"""Schemas nobody wrote come back as they were: pg_dump sees no difference, or none that `pg_dumpall | psql` does not make too."""

import os
import unittest

from support.case import EndToEnd
from support.random_schema import random_database, roles_sql

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
DATABASES, SCHEMAS = (30, 10) if LONG else (6, 9)


class RandomSchemas(EndToEnd):
    settings = {"wal_level": "logical"}

    def test_random_schemas_come_back_as_they_were(self):
        """Fidelity: schemas: with owners and privileges, under names of any characters and of all 63 bytes.
        Fidelity: types: enums (values in their order), composites, domains with checks, ranges with their multiranges.
        Fidelity: functions: SQL with strings and with bodies (14 and on), PL/pgSQL, procedures, with settings, costs, defaults.
        Fidelity: operators, aggregates, casts: with the functions they need, in the order that lets each be created.
        Fidelity: collations and text search: ICU collations, dictionaries, configurations with their mappings.
        Fidelity: inheritance: merged columns, overridden defaults, constraints that are not inherited.
        Fidelity: indexes: every method, on expressions, partial, INCLUDE, operator classes, storage options, statistics targets,
        CLUSTER and REPLICA IDENTITY.
        Fidelity: views: with options, also those that need a primary key or a function with a body to be there first.
        Fidelity: row security: policies for all commands and roles, permissive and restrictive."""
        self.cluster.sql(roles_sql())
        for number in range(DATABASES):
            text = random_database(self.random, number, SCHEMAS, self.cluster.major)
            (self.folder / f"random_{number}.sql").write_text(text)
            self.cluster.create_database(f"random_{number}", contents=text)
        before = self.original()
        self.init()
        self.back_up()
        self.cluster.wipe()
        self.succeeds("restore", "cluster", "latest", "--confirm", seconds=900)
        self.assert_faithful(before)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
