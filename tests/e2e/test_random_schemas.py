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
