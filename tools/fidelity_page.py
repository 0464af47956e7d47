#!/usr/bin/env python3
"""Writes docs/fidelity.md out of the docstrings of the end-to-end tests, so that it says nothing that is not tested.

    tools/fidelity_page.py            prints the page
    tools/fidelity_page.py --write    writes it
    tools/fidelity_page.py --check    exits non-zero when the page in docs/ is another

In the docstring of a test, a line "Fidelity: <kind>: <sentence>" (which may go on over further lines) says what comes back,
"Limit: <kind>: ..." what does not, "Refused: <kind>: ..." what is refused rather than done halfway.
"""

import argparse
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/fidelity.md"
MARK = re.compile(r"^(Fidelity|Limit|Refused): ([^:]+): ")

# Section -> by which means, and its kinds in the order of the page. A kind that is not here is a mistake in a test.
SECTIONS = {
    "The cluster": (
        "`pg_dumpall --globals-only` writes the statements; those for what the target lacks are run, the rest is compared.",
        ["roles", "memberships", "tablespaces", "versions"],
    ),
    "Databases": (
        "Read from `pg_database` and its companions, given to the staging database before the swap.",
        ["databases", "settings of databases and roles", "encodings", "collation versions", "postgres and template1",
         "invalid databases"],
    ),
    "Objects": (
        "`pg_dump` writes the statements; dbbackup runs them, each as it is.",
        ["schemas", "extensions", "TimescaleDB", "pg_cron", "types", "functions", "operators, aggregates, casts", "collations and text search",
         "tables", "inheritance", "partitions", "constraints", "indexes", "invalid indexes", "sequences", "views", "materialized views",
         "rules", "triggers", "event triggers", "row security", "statistics objects", "foreign tables", "publications",
         "subscriptions", "privileges", "default privileges", "comments", "security labels"],
    ),
    "Rows": (
        "`COPY` as text, each table (or range of its blocks) under the snapshot of its database; read again and compared before"
        " the swap.",
        ["parts", "one table", "rows", "standbys", "large objects", "rows of more than 1 GiB as text", "statistics", "proof"],
    ),
}  # fmt: skip

INTRODUCTION = """# Fidelity: what comes back

What a logical backup and restore preserve, kind by kind, and what they do not. The judge is PostgreSQL's own dump: a restored
cluster must give the text that the original gave, or differ only where `pg_dumpall | psql` of the same cluster differs, too
([testing](testing.md)). This page is written by `tools/fidelity_page.py` out of the tests it names; `./dev lint` compares.

In no logical backup, by its nature: configuration files, replication slots, prepared transactions, temporary tables, what was
counted in `pg_stat_...`, WAL.
"""


def claims():
    """(kind, what, sentence, test)"""
    for path in sorted((ROOT / "tests/e2e").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            what = kind = None
            sentence = ""
            for line in [*(ast.get_docstring(node) or "").split("\n"), ""]:
                mark = MARK.match(line)
                if what and (mark or not line.strip()):
                    yield kind, what, sentence, f"{path.stem}: {node.name.removeprefix('test_').replace('_', ' ')}"
                    what = None
                if mark:
                    what, kind, sentence = mark[1], mark[2], line[mark.end() :].strip()
                elif what:
                    sentence += " " + line.strip()


def page():
    by_kind = {}
    for kind, what, sentence, test in claims():
        by_kind.setdefault(kind, []).append((what, sentence, test))
    known = [kind for _, kinds in SECTIONS.values() for kind in kinds]
    if unknown := sorted(by_kind.keys() - set(known)):
        sys.exit(f"fidelity_page: no section has the kinds {unknown}")
    if untested := [kind for kind in known if kind not in by_kind]:
        sys.exit(f"fidelity_page: no test says anything of {untested}")

    lines = [INTRODUCTION]
    word = {"Fidelity": "", "Limit": "**Not:** ", "Refused": "**Refused:** "}
    for section, (means, kinds) in SECTIONS.items():
        lines += [f"## {section}", "", means, "", "| kind | what comes back | tested by |", "|---|---|---|"]
        for kind in kinds:
            for what, sentence, test in sorted(by_kind[kind], key=lambda claim: list(word).index(claim[0])):
                lines.append(f"| {kind} | {word[what]}{sentence[0].upper()}{sentence[1:]} | `{test.split(': ')[0]}`: {test.split(': ')[1]} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = page()
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    elif arguments.check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            print("docs/fidelity.md is not what the tests say. Write it by: tools/fidelity_page.py --write")
            return 1
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
