#!/usr/bin/python3
"""Measures what the phases of a restore take for a byte: the weights of src/logical/work_estimate.cc.

usage: restore_weights.py DBBACKUP [MEGABYTES]
"""

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
os.environ["DBBACKUP"] = str(Path(sys.argv[1]).resolve())

from support.clusters import Cluster, temporary_folder  # noqa: E402
from support.contents import wide_table  # noqa: E402
from support.program import Tool  # noqa: E402

MEGABYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 200
CONTENTS = {
    "wide": wide_table("a", MEGABYTES * 0.6) + wide_table("b", MEGABYTES * 0.4) + """
        alter table a add primary key (id); create index on a (a);
        alter table b add primary key (id); create index on b (c);""",
    "narrow": f"""
        create table n (id bigint, k int, v numeric(12,2), at timestamptz);
        insert into n select i, i % 1000, i * 1.37, timestamptz '2026-01-01 00:00Z' - i * interval '1 s'
          from generate_series(1, {int(MEGABYTES * 1e6 / 45)}) i;
        alter table n add primary key (id); create index on n (k); create index on n (at);""",
}  # fmt: skip


def measure(cluster, tool, name):
    outcome = tool.run("restore", "database", name, "--confirm", "--json", seconds=1800)
    [result] = outcome.document["databases"]
    indexes = int(cluster.value("select sum(pg_indexes_size(oid)) from pg_class where relkind = 'r' and oid >= 16384", name))
    row_byte = result["load_seconds"] / result["row_bytes"]
    print(f"{name}: {1e-6 / row_byte:.1f} MB/s of rows; of a byte of rows: a byte of index "
          f"{result['index_seconds'] / indexes / row_byte:.2f}, of proof {result['proof_seconds'] / result['load_seconds']:.2f}",
          flush=True)  # fmt: skip


def main():
    folder = temporary_folder()
    cluster = Cluster(settings={"shared_buffers": "128MB", "max_wal_size": "2GB"})
    try:
        tool = Tool(folder, cluster)
        tool.run("init")
        for name, contents in CONTENTS.items():
            cluster.create_database(name, contents=contents)
        tool.run("backup", "cluster", "--json", seconds=1800)
        for name in CONTENTS:
            measure(cluster, tool, name)
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


main()
