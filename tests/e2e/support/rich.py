"""A cluster with one of everything that has bitten a dump program: see rich/*.sql."""

from pathlib import Path

from support.clusters import give_to_server_user

SQL = Path(__file__).resolve().parents[1] / "rich"


def make_rich(cluster, tablespaces):
    """`tablespaces`: an existing folder below which the server may write."""
    folders = {}
    for name in ("fast", "slow"):
        folders[name] = Path(tablespaces) / name
        folders[name].mkdir(mode=0o700)
        give_to_server_user(folders[name])
    variables = [text for name, folder in folders.items() for text in ("-v", f"{name}={folder}")]
    cluster.psql((SQL / "globals.sql").read_text(), options=variables)
    cluster.psql((SQL / "databases.sql").read_text())
    cluster.psql((SQL / "app.sql").read_text(), "app")
    _, *parts = (SQL / "others.sql").read_text().split("\n-- database ")
    for part in parts:
        name, statements = part.split("\n", 1)
        cluster.psql(statements, name)
    # Bytes that are no text in any one encoding.
    cluster.psql(b"create table mixed (id int, t text);\ninsert into mixed values (1, '\xe4\xf6\xfc'), (2, '\xc3\xa4'), "
                 b"(3, E'\\\\x\xff\xfe');\n", "ascii", encoding="SQL_ASCII")  # fmt: skip
