"""What the tests share that break dbbackup while it stores something."""

import os

LONG = bool(os.environ.get("DBBACKUP_TEST_LONG"))
BACKUP = ("backup", "cluster")
PRUNE = ("prune", "--confirm")
REPAIR = ("repair", "index", "--confirm")


def two_tables(rows):
    """Statements that make a database."""
    return f"""
create table rows (id int primary key, t text);
insert into rows select i, md5(i::text) from generate_series(1, {rows}) i;
create table other (v text); insert into other values ('one');
"""
