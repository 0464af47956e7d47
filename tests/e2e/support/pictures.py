"""What a cluster holds, as pg_dump, pg_dumpall and pg_database tell it. No code of dbbackup has a part in it.

A picture outlives what it shows: take one, drop everything, restore, take another, compare.
"""

import difflib
import hashlib
import json
import os
import re
import subprocess

# What differs between two dumps of the same thing: the random word that guards the text (CVE-2025-8714).
RANDOM = re.compile(rb"^\\(un)?restrict ")
QUOTED = re.compile(r'"(?:[^"]|"")*"|[^",\s]+')
COPY = re.compile(r'COPY ((?:"(?:[^"]|"")*"|[^" ])+)(?: \((.*)\))? +FROM stdin;$', re.DOTALL)


def dump(cluster, program, database, *options, bindir=None):
    environment = cluster.environment(database)
    del environment["PGCLIENTENCODING"]  # bytes as they are stored: a SQL_ASCII database holds anything
    environment["PATH"] = os.environ["PATH"]
    done = subprocess.run(
        [str((bindir or cluster.bindir) / program), *options], env=environment, capture_output=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{program} of {database}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def canonical(text, together=()):
    """The lines of a plain dump. The rows of a COPY, whose order means nothing, become their number and their hash.

    `together`: tables whose rows are taken as one heap, because which of them a row lies in is no property of the data.
    """
    lines, rows, copying, heap = [], [], False, []
    for line in text.split(b"\n"):
        if copying:
            if line != b"\\.":
                rows.append(line)
                continue
            table, columns = copied(lines[-1]) if together else (None, None)
            if table in together:
                heap += by_name_of_column(columns, rows)
            else:
                lines.append(_heap(rows))
            rows, copying = [], False
        elif line and line != b"--" and not RANDOM.match(line):
            lines.append(line.decode("utf-8", "backslashreplace"))
            copying = line.startswith(b"COPY ") and line.endswith(b" FROM stdin;")
    assert not copying, "the dump ends within rows"
    return [*lines, f"rows of {sorted(together)}:", _heap(heap)] if together else lines


def copied(text):
    """The table and the columns of a COPY as pg_dump writes it; of one without columns no columns."""
    table, columns = COPY.search(text).groups()
    return table, QUOTED.findall(columns or "")


def by_name_of_column(columns, rows):
    """The rows with their fields in the order of the names: partitions may have theirs in different orders."""
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    return [b"\t".join(fields[place] for place in order) for fields in (row.split(b"\t") for row in rows)]


def _heap(rows):
    digest = hashlib.sha256(b"\n".join(sorted(rows))).hexdigest()[:32]
    return f"    {len(rows)} rows, sha256 {digest}"


# A row's place among partitions by hash of an enum depends on the OIDs of the enum's values, which a restore changes.
# pg_dump names the root in the COPY of such a partition.
PLACED_BY_OID = """
    select distinct format('%I.%I', nspname, c.relname)
      from pg_inherits join pg_partitioned_table on partrelid = inhparent
      join pg_class c on c.oid in (inhrelid, pg_partition_root(inhrelid)) join pg_namespace n on n.oid = relnamespace
     where partstrat = 'h' and exists (
        select from pg_attribute a join pg_type t on t.oid = atttypid
         where attrelid = partrelid and attnum = any (partattrs::int2[]) and typtype = 'e')
"""


PROPERTIES = """
    select to_jsonb(d) - '{oid,datfrozenxid,datminmxid,datlastsysoid}'::text[]
        || jsonb_build_object(
            'datdba', pg_get_userbyid(datdba),
            'encoding', pg_encoding_to_char(encoding),
            'dattablespace', (select spcname from pg_tablespace t where t.oid = dattablespace),
            'datacl', (select jsonb_agg(entry::text order by entry::text) from unnest(datacl) entry),
            'comment', shobj_description(d.oid, 'pg_database'),
            'labels', (select jsonb_agg(array[provider, label] order by provider) from pg_shseclabel
                        where classoid = 'pg_database'::regclass and objoid = d.oid),
            'settings', (select jsonb_agg(jsonb_build_array(coalesce(rolname, '*'), setconfig) order by rolname)
                           from pg_db_role_setting s left join pg_roles r on r.oid = setrole
                          where setdatabase = d.oid))
      from pg_database d where datname <> 'template0'
"""


def properties_of(cluster):
    """Database name -> what pg_database and its companions say of it."""
    found = [json.loads(row) for [row] in cluster.rows(PROPERTIES)]
    return {one.pop("datname"): one for one in found}


def database_picture(cluster, name):
    placed_by_oid = {table for [table] in cluster.rows(PLACED_BY_OID, name)}
    return canonical(dump(cluster, "pg_dump", name), placed_by_oid)


def globals_picture(cluster):
    return canonical(dump(cluster, "pg_dumpall", "postgres", "--globals-only"))


class Picture:
    """All of a cluster, or some of its databases."""

    def __init__(self, cluster, databases=None):
        everything = properties_of(cluster)
        # A database that lets nobody in cannot be dumped by pg_dump either: its properties are all there is to see.
        self.properties = {name: p for name, p in everything.items() if databases is None or name in databases}
        self.databases = {name: database_picture(cluster, name)
                          for name, p in self.properties.items() if p["datallowconn"]}  # fmt: skip
        self.globals = globals_picture(cluster) if databases is None else []

    def differences(self, other):
        """Lines for people; empty when both show the same."""
        found = diff("globals", self.globals, other.globals)
        for name in sorted(self.properties.keys() | other.properties.keys()):
            if name not in self.properties or name not in other.properties:
                found.append(f"database {name!r} is only in the {'first' if name in self.properties else 'second'}")
                continue
            found += diff(f"properties of {name!r}", _lines(self.properties[name]), _lines(other.properties[name]))
            found += diff(f"contents of {name!r}", self.databases.get(name, []), other.databases.get(name, []))
        return found


def _lines(properties):
    return [f"{key}: {json.dumps(value, sort_keys=True)}" for key, value in sorted(properties.items())]


def diff(title, first, second):
    if first == second:
        return []
    lines = list(difflib.unified_diff(first, second, "first", "second", lineterm="", n=1))
    return [f"{title} differ:"] + ["    " + line[:300] for line in lines[:60]]
