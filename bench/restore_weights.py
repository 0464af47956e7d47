#!/usr/bin/python3
"""Measures what docs/decisions/0029 rests on: the phases of restores of unlike databases beside what was foretold, and what
PostgreSQL itself takes for an index, by what is sorted. Some ten minutes; the machine should do nothing else.

usage: restore_weights.py DBBACKUP [DATABASE]...
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
os.environ["DBBACKUP"] = str(Path(sys.argv[1]).resolve())

from support.clusters import Cluster, temporary_folder  # noqa: E402
from support.contents import wide_table  # noqa: E402
from support.program import Tool  # noqa: E402

WIDE_INDEXES = "alter table wide add primary key (id); create index on wide (a); create index on wide (c);"
CONTENTS = {
    "wide_200": wide_table("wide", 200) + WIDE_INDEXES,
    "wide_2000": wide_table("wide", 2048) + WIDE_INDEXES,
    "numbers": """
        create table n (id bigint, k int, v numeric(12,2), at timestamptz, f float8);
        insert into n select i, i * 7919 % 1999993, i % 99991 * 1.37, timestamptz '2026-01-01 00:00Z' - i * interval '1 s', i * 0.37
          from generate_series(1, 8000000) i;
        alter table n add primary key (id); create index on n (k); create index on n (at);""",
    "short_text": """
        create table s (id int, name text, city text, email text, active bool);
        insert into s select i, initcap(substr(md5(i::text), 1, 10)), (array['Hamburg', 'Berlin', 'Oslo'])[1 + i % 3] || i % 500,
            substr(md5((-i)::text), 1, 8) || '@example.org', i % 2 = 0 from generate_series(1, 6000000) i;
        alter table s add primary key (id); create index on s (email); create index on s (city);""",
    "long_text": """
        create table l (id int, title text, body text);
        insert into l select i, 'The story of ' || md5(i::text),
            (select string_agg(md5((i * 31 + j)::text) || ' word ', '') from generate_series(1, 30 + i % 20) j)
          from generate_series(1, 350000) i;
        alter table l add primary key (id); create index on l (title);""",
    "many_tables": "".join(f"""
        create table t{t} (id int, name text, v numeric, at date);
        insert into t{t} select i, md5((i * {t})::text), i * 1.5, date '2026-01-01' + i % 1000 from generate_series(1, 3000) i;
        alter table t{t} add primary key (id); create index on t{t} (name);""" for t in range(1500)),
}  # fmt: skip
INDEXES = {
    "wide_200": ["id", "c", "a", 'a collate "C"', 'a collate "en-x-icu"'],
    "wide_2000": ["id", "c", "a", 'a collate "C"'],
    "numbers": ["k", "v", "at", "f"],
    "short_text": ["name", 'name collate "C"', 'name collate "en-x-icu"', "city", "email", 'email collate "C"'],
    "long_text": ["title", 'title collate "C"'],
}
TABLES = {"wide_200": "wide", "wide_2000": "wide", "numbers": "n", "short_text": "s", "long_text": "l"}


def measure_restore(cluster, tool, name):
    cluster.drop_database(name)
    argv = [os.environ["DBBACKUP"], "restore", "database", name, "--confirm", "--json", "--progress", "json"]
    child = subprocess.Popen(argv, env=tool.environment, cwd=tool.folder, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    events = [json.loads(line) for line in child.stderr if line.startswith("{")]
    [result] = json.loads(child.stdout.read())["databases"]
    child.wait()
    said = next(event["left_seconds"] for event in events if event["event"] == "progress")
    print(f"{name}: {result['row_bytes'] / 1e6:.0f} MB in {result['rows']} rows: rows {result['load_seconds']:.1f} s, indexes "
          f"{result['index_seconds']:.1f} s, proof {result['proof_seconds']:.1f} s, all {result['seconds']:.1f} s; "
          f"foretold at first: {said} s", flush=True)  # fmt: skip


def measure_index(cluster, name, expression, memory="1GB"):
    begun = time.monotonic()
    cluster.sql(f"set maintenance_work_mem = '{memory}'; set max_parallel_maintenance_workers = 0; "
                f"create index measured on {TABLES[name]} ({expression})", name)  # fmt: skip
    seconds = time.monotonic() - begun
    rows, size = (int(cluster.value(query, name)) for query in (
        f"select count(*) from {TABLES[name]}", "select pg_relation_size('measured')"))  # fmt: skip
    cluster.sql("drop index measured", name)
    print(f"{name} ({expression}), {memory}: {seconds:.1f} s, {seconds / rows * 1e6:.2f} us a row, {size / 1e6:.0f} MB", flush=True)


def main():
    folder = temporary_folder()
    cluster = Cluster(settings={"shared_buffers": "128MB", "max_wal_size": "2GB"})
    try:
        tool = Tool(folder, cluster)
        tool.run("init")
        chosen = sys.argv[2:] or CONTENTS
        for name in chosen:
            cluster.create_database(name, contents=CONTENTS[name])
        tool.run("backup", "cluster", "--json", seconds=1800)
        for name in chosen:
            measure_restore(cluster, tool, name)
        for name in chosen:
            for expression in INDEXES.get(name, []):
                measure_index(cluster, name, expression)
                if name == "wide_2000":
                    measure_index(cluster, name, expression, "64MB")
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


main()
