"""Whether two clusters hold the same, judged by pg_dump and pg_dumpall; and if not, whether `pg_dumpall | psql` does better.

A portrait is taken apart into the entries of a dump ("-- Name: ...; Type: ...") because the order of entries depends on OIDs,
which no logical restore keeps. Everything within an entry counts, and so does where `SET default_tablespace` before it puts it.

A restore must give an equal portrait. Where it does not, the differences must be among those that PostgreSQL's own way, a
`pg_dumpall` of the source read by `psql` into a fresh cluster of the same version, makes too. That is found out by doing it,
in the same run: no list of tolerated differences is written anywhere.
"""

import difflib
import hashlib
import re
import subprocess
from collections import defaultdict

from support import pictures

HEADER = re.compile(r"-- (?:Data for )?Name: .*; Type: (.*); Schema: .*; Owner: ")
STATE = re.compile(r"SET (default_tablespace|default_table_access_method) = ")
# The kinds of entries that a state set before them has a say in.
PLACED = {
    "default_tablespace": {"TABLE", "MATERIALIZED VIEW", "INDEX", "CONSTRAINT"},
    "default_table_access_method": {"TABLE", "MATERIALIZED VIEW"},
}


def entries(text, together=()):
    """Header -> its bodies, each a tuple of lines. `together`: as in pictures.canonical."""
    found, state, heap = defaultdict(list), {}, []
    header, kind, body, rows = "head of the dump", None, [], None
    lines = text.split(b"\n")

    def close():
        kept = []
        for line in body:
            if STATE.match(line):
                state[STATE.match(line)[1]] = line
            else:
                kept.append(line)
        found[header].append(tuple(kept))

    for number, line in enumerate(lines):
        if rows is not None:
            if line != b"\\.":
                rows.append(line)
                continue
            table, columns = pictures.copied("\n".join(body)) if together else (None, None)  # a name may have several lines
            if table in together:
                body = []
                heap += pictures.by_name_of_column(columns, rows)
            else:
                body.append(_heap(rows))
            rows = None
            continue
        if not line or line == b"--" or pictures.RANDOM.match(line) or line.startswith(b"-- PostgreSQL database dump"):
            continue
        shown = line.decode("utf-8", "backslashreplace")
        begins = HEADER.match(shown)
        if begins and lines[number - 1] == b"--":
            close()
            kind = begins[1]
            header = shown
            body = [f"under {state[name]}" for name, kinds in PLACED.items() if kind in kinds and name in state]
            continue
        body.append(shown)
        if kind == "TABLE DATA" and line.endswith(b" FROM stdin;"):
            rows = []
    assert rows is None, "the dump ends within rows"
    close()
    if together:
        found[f"rows of {sorted(together)}"].append((_heap(heap),))
    return {key: sorted(bodies) for key, bodies in found.items()}


def _heap(rows):
    digest = hashlib.sha256(b"\n".join(sorted(rows))).hexdigest()[:32]
    return f"    {len(rows)} rows, sha256 {digest}"


class Portrait:
    """All of a cluster: globals, properties of databases, and every database that lets somebody in (or of `databases` only).

    `programs`: the directory of pg_dump and pg_dumpall, where the two clusters are of different versions.
    """

    def __init__(self, cluster, programs=None, databases=None):
        self.cluster = cluster
        self.programs = programs or cluster.bindir
        self.parts = {}
        lines = pictures.canonical(pictures.dump(cluster, "pg_dumpall", "postgres", "--globals-only", bindir=self.programs))
        self.parts["globals"] = {"globals": sorted((line,) for line in lines)}
        for name, properties in pictures.properties_of(cluster).items():
            if databases is not None and name not in databases:
                continue
            shown = sorted(f"{key}: {value!r}" for key, value in properties.items())
            self.parts[f"properties of {name!r}"] = {"pg_database": [tuple(shown)]}
            if properties["datallowconn"] and properties["datconnlimit"] != -2:
                together = {table for [table] in cluster.rows(pictures.PLACED_BY_OID, name)}
                self.parts[f"contents of {name!r}"] = entries(
                    pictures.dump(cluster, "pg_dump", name, bindir=self.programs), together)  # fmt: skip

    def differences(self, other):
        """A set of (part, entry, line), a line with the sign of where it is."""
        found = set()
        for part in self.parts.keys() | other.parts.keys():
            here, there = self.parts.get(part, {}), other.parts.get(part, {})
            for entry in here.keys() | there.keys():
                first, second = here.get(entry, []), there.get(entry, [])
                if first != second:
                    found |= {(part, entry, line) for line in _changes(first, second)}
        return found


def _changes(first, second):
    first, second = ([line for body in bodies for line in (*body, "")] for bodies in (first, second))
    changed = [line.rstrip("\n") for line in difflib.ndiff(first, second) if line[:2] in ("- ", "+ ") and line[2:].strip()]
    return changed or ["- (in another order)"]


def whole_dump(cluster, programs=None):
    """What pg_dumpall writes: everything a `psql` needs to do what dbbackup claims to do."""
    return pictures.dump(cluster, "pg_dumpall", "postgres", bindir=programs or cluster.bindir)


def read_by_psql(text, cluster):
    """The other way to restore: `pg_dumpall | psql`, which goes on after errors. Returns them."""
    done = subprocess.run([str(cluster.bindir / "psql"), "-X", "-q", "-o", "/dev/null", "-d", "postgres", "-f", "-"],
                          input=text, env=cluster.environment(), capture_output=True, check=False)  # fmt: skip
    return [line for line in done.stderr.decode(errors="replace").split("\n") if "ERROR" in line]


def shown(differences, limit=80):
    """Lines for people."""
    lines, last = [], None
    for part, entry, line in sorted(differences)[:limit]:
        if (part, entry) != last:
            lines.append(f"{part}: {entry}")
            last = (part, entry)
        lines.append(f"    {line[:400]}")
    if len(differences) > limit:
        lines.append(f"... and {len(differences) - limit} more lines")
    return lines
