"""A PostgreSQL installation with three more extensions, without changing the machine's own.

PostgreSQL finds its share directory relative to its program, so a copy of the program with links beside it is an
installation of its own. The extension has configuration tables, one with a condition and one that refers to it, which
no extension of PostgreSQL itself has. The other stands in for TimescaleDB, which no Debian has: it wants to be told before and
after a restore, and to be of the very version that it was. The third stands in for pg_cron, which lives in one database only.
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

TIMESCALE_CONTROL = """comment = 'stands in for TimescaleDB, for the tests of dbbackup'
default_version = '2.0'
relocatable = false
"""

# What it notes is no configuration, so no backup holds it: what is there after a restore, the restore has called.
TIMESCALE_SCRIPT = """
create table @extschema@.called (what text, relations bigint, restoring text);
create function @extschema@.note(what text) returns void language sql as $$
    insert into @extschema@.called
        select what, (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
                       where c.oid >= 16384 and nspname = 'made'), current_setting('timescaledb.restoring', true) $$;
create function @extschema@.timescaledb_pre_restore() returns bool language plpgsql as $$ begin
    perform @extschema@.note('pre');
    execute format('alter database %I set timescaledb.restoring = on', current_database());
    return true; end $$;
create function @extschema@.timescaledb_post_restore() returns bool language plpgsql as $$ begin
    perform @extschema@.note('post');
    execute format('alter database %I reset timescaledb.restoring', current_database());
    return true; end $$;
-- A row that comes into a restored table while the extension does not know of the restore.
create function @extschema@.is_welcome() returns bool language sql as
    $$ select current_database() !~ 'staging' or current_setting('timescaledb.restoring', true) = 'on' $$;
"""

# Like the extension it is named after, it lives in one database only.
CRON_CONTROL = """comment = 'stands in for pg_cron, for the tests of dbbackup'
default_version = '1.4'
relocatable = false
schema = pg_catalog
"""

CRON_SCRIPT = """
do $$ begin
    if current_database() <> coalesce(nullif(current_setting('cron.database_name', true), ''), 'postgres') then
        raise exception 'can only create extension in database %', current_setting('cron.database_name', true);
    end if;
end $$;
create schema cron;
create table cron.job (jobid int primary key, command text);
select pg_catalog.pg_extension_config_dump('cron.job', '');
"""


def _directories():
    bindir = clusters.BINDIR
    root = bindir.parents[3]
    debian = {"bindir": bindir, "sharedir": root / "share/postgresql" / bindir.parts[-2], "pkglibdir": bindir.parent / "lib"}
    if debian["sharedir"].is_dir() and debian["pkglibdir"].is_dir():
        return debian
    ask = lambda key: subprocess.check_output([bindir / "pg_config", f"--{key}"], text=True).strip()  # noqa: E731
    return {key: Path(ask(key)) for key in debian}


def _linked_installation(folder):
    """A copy of the server's program, with links beside it; the directory of extensions is one of links. Returns the paths."""
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
    _link_all(where["pkglibdir"], moved["pkglibdir"])
    moved["sharedir"].mkdir(parents=True)
    for path in where["sharedir"].iterdir():
        if path.name != "extension":
            (moved["sharedir"] / path.name).symlink_to(path)
    _link_all(where["sharedir"] / "extension", moved["sharedir"] / "extension")
    return moved


def _link_all(source, target):
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if not (target / path.name).exists():
            (target / path.name).symlink_to(path)


def installation_with_fetched(folder, fetched):
    """With what tools/fetch_extensions has unpacked, copied to where the server's user can read it. Returns the directory of
    programs and what LD_LIBRARY_PATH must be for the server."""
    moved = _linked_installation(folder)
    shutil.copytree(fetched, Path(folder) / "fetched", symlinks=True)
    fetched = Path(folder) / "fetched"
    major = clusters.BINDIR.parts[-2]
    _link_all(fetched / "usr/share/postgresql" / major / "extension", moved["sharedir"] / "extension")
    _link_all(fetched / "usr/share/postgresql" / major, moved["sharedir"])
    _link_all(fetched / "usr/lib/postgresql" / major / "lib", moved["pkglibdir"])
    return moved["bindir"], ":".join(sorted({str(path.parent) for path in (fetched / "usr/lib").rglob("*.so.*")}))


def installation_with_extension(folder):
    """Returns its directory of programs."""
    moved = _linked_installation(folder)
    texts = {
        "dbbackup_test_configuration.control": CONTROL,
        "dbbackup_test_configuration--1.0.sql": SCRIPT,
        "pg_cron.control": CRON_CONTROL,
        "pg_cron--1.4.sql": CRON_SCRIPT,
        "timescaledb.control": TIMESCALE_CONTROL,
        "timescaledb--1.9.sql": TIMESCALE_SCRIPT,
        "timescaledb--2.0.sql": TIMESCALE_SCRIPT,
    }
    for name, text in texts.items():
        path = moved["sharedir"] / "extension" / name
        path.unlink(missing_ok=True)  # a link to the machine's own
        path.write_text(text)
    return moved["bindir"]
