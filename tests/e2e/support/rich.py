"""A cluster with one of everything that has bitten a dump program: see rich/*.sql."""

import re
from pathlib import Path

from support.clusters import give_to_server_user

SQL = Path(__file__).resolve().parents[1] / "rich"


def statements(file, major):
    """The text without what this major does not know."""
    kept = []
    for line in (SQL / file).read_text().split("\n"):
        bound = re.search(r" -- (since|before) (\d+)$", line)
        if not bound or (bound[1] == "since") == (major >= int(bound[2])):
            kept.append(line)
    text = "\n".join(kept)
    if major < 14:  # no multiranges, no infinite numeric
        text = text.replace("nummultirange", "text").replace("e308', 'Infinity'", "e308', 'NaN'")
    return text


def make_rich(cluster, tablespaces):
    """`tablespaces`: an existing folder below which the server may write."""
    folders = {}
    for name in ("fast", "slow"):
        folders[name] = Path(tablespaces) / name
        folders[name].mkdir(mode=0o700)
        give_to_server_user(folders[name])
    variables = [text for name, folder in folders.items() for text in ("-v", f"{name}={folder}")]
    cluster.psql(statements("globals.sql", cluster.major), options=variables)
    cluster.psql(statements("databases.sql", cluster.major))
    cluster.psql(statements("app.sql", cluster.major), "app")
    _, *parts = statements("others.sql", cluster.major).split("\n-- database ")
    for part in parts:
        name, text = part.split("\n", 1)
        name, _, since = name.partition(" since ")
        if cluster.major >= int(since or 0):
            cluster.psql(text, name)
    # Bytes that are no text in any one encoding.
    cluster.psql(b"create table mixed (id int, t text);\ninsert into mixed values (1, '\xe4\xf6\xfc'), (2, '\xc3\xa4'), "
                 b"(3, E'\\\\x\xff\xfe');\n", "ascii", encoding="SQL_ASCII")  # fmt: skip
