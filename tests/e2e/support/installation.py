"""A PostgreSQL installation with one more extension, without changing the machine's own.

PostgreSQL finds its share directory relative to its program, so a copy of the program with links beside it is an
installation of its own. The extension has configuration tables, one with a condition and one that refers to it, which
no extension of PostgreSQL itself has.
"""

import os
import shutil
import subprocess
from pathlib import Path

from support import clusters

CONTROL = """comment = 'configuration tables, for the tests of dbbackup'
default_version = '1.0'
relocatable = false
"""

SCRIPT = """
create table @extschema@.setting (name text primary key, value text, builtin bool not null default false);
insert into @extschema@.setting values ('version', '1', true);
create sequence @extschema@.setting_detail_id;
create table @extschema@.setting_detail (
    id int primary key default nextval('@extschema@.setting_detail_id'),
    name text references @extschema@.setting, detail text);
create table @extschema@.not_configuration (a int);
insert into @extschema@.not_configuration values (1);
-- The one that refers comes first: whoever loads in this order fails.
select pg_catalog.pg_extension_config_dump('@extschema@.setting_detail', '');
select pg_catalog.pg_extension_config_dump('@extschema@.setting', 'WHERE NOT builtin');
select pg_catalog.pg_extension_config_dump('@extschema@.setting_detail_id', '');
"""


def _directories():
    bindir = clusters.BINDIR
    root = bindir.parents[3]
    debian = {"bindir": bindir, "sharedir": root / "share/postgresql" / bindir.parts[-2], "pkglibdir": bindir.parent / "lib"}
    if debian["sharedir"].is_dir() and debian["pkglibdir"].is_dir():
        return debian
    ask = lambda key: subprocess.check_output([bindir / "pg_config", f"--{key}"], text=True).strip()  # noqa: E731
    return {key: Path(ask(key)) for key in debian}


def installation_with_extension(folder):
    """Returns its directory of programs."""
    where = _directories()
    # The layout below the common root must be the same, or the relative paths lead elsewhere.
    common = os.path.commonpath([str(path) for path in where.values()])
    moved = {key: Path(folder) / "installation" / path.relative_to(common) for key, path in where.items()}
    moved["bindir"].mkdir(parents=True)
    for program in where["bindir"].iterdir():
        if program.name in ("postgres", "initdb"):
            shutil.copy(program, moved["bindir"])
        else:
            (moved["bindir"] / program.name).symlink_to(program)
    moved["pkglibdir"].symlink_to(where["pkglibdir"])
    (moved["sharedir"] / "extension").mkdir(parents=True)
    for path in where["sharedir"].iterdir():
        if path.name != "extension":
            (moved["sharedir"] / path.name).symlink_to(path)
    for path in (where["sharedir"] / "extension").iterdir():
        (moved["sharedir"] / "extension" / path.name).symlink_to(path)
    (moved["sharedir"] / "extension" / "dbbackup_test_configuration.control").write_text(CONTROL)
    (moved["sharedir"] / "extension" / "dbbackup_test_configuration--1.0.sql").write_text(SCRIPT)
    return moved["bindir"]
