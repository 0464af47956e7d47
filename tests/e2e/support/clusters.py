"""A private PostgreSQL server: own directory, Unix socket only, gone at the end of the test, whatever happens."""

import csv
import io
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

from support.waiting import wait_until

BINDIR = Path(os.environ.get("DBBACKUP_TEST_BINDIR", "/usr/lib/postgresql/15/bin"))


def major_of(bindir):
    return int(re.search(r"\) (\d+)", subprocess.check_output([bindir / "postgres", "--version"], text=True))[1])


MAJOR = major_of(BINDIR)
# PostgreSQL refuses to be run by root; as anybody else, the server belongs to whoever runs the test.
SERVER_USER = None
if os.geteuid() == 0:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    SERVER_USER = known.get("postgres") or known["nobody"]

DEFAULT_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "max_wal_size": "512MB",
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] %a %d '",
    "logging_collector": "off",
    "jit": "off",
}


# Settings of roles and databases, which tests make to disturb dbbackup, do not disturb the tests.
UNDISTURBED = ("-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 "
               "-c default_transaction_read_only=off")  # fmt: skip
UNDISTURBED_SINCE_14 = UNDISTURBED + " -c idle_session_timeout=0"


class StatementFailed(Exception):
    """psql ended with an error; the text is what it said."""


def temporary_folder():
    """A directory that the server's user can pass through. The name is short: a socket's path has 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="dbb-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def give_to_server_user(path):
    if SERVER_USER:
        os.chown(path, SERVER_USER.pw_uid, SERVER_USER.pw_gid)


def as_server_user(argv):
    """The command, run by the server's user, and ended by the kernel when the test process dies."""
    if not SERVER_USER:
        return ["setpriv", "--pdeathsig", "QUIT", *argv]
    return [
        "setpriv", "--pdeathsig", "QUIT", f"--reuid={SERVER_USER.pw_uid}", f"--regid={SERVER_USER.pw_gid}",
        "--clear-groups", *argv,
    ]  # fmt: skip


def run_checked(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, check=False, **options)
    if done.returncode:
        output = (done.stdout + done.stderr).decode(errors="replace")
        raise AssertionError(f"{argv}: exit {done.returncode}: {output}")
    return done.stdout


class Cluster:
    def __init__(self, *, settings=None, bindir=BINDIR, initdb=(), password=None, place=None, standby_of=None,
                 libraries=None, superuser="postgres"):  # fmt: skip
        """`password`: given to the superuser, and asked of everybody (scram); otherwise everybody is trusted.
        `place`: an existing directory to live in, for a file system of its own. `standby_of`: a cluster to follow.
        `libraries`: what LD_LIBRARY_PATH is for the server."""
        self.libraries = libraries
        self.bindir = Path(bindir)
        self.major = major_of(self.bindir)
        self.superuser = superuser
        self.password = password
        self.folder = temporary_folder()
        self.place = Path(place) if place else self.folder
        self.data = self.place / "data"
        self.socket = self.folder / "socket"
        self.log = self.folder / "server.log"
        self.port = 5432
        self._process = None
        try:
            give_to_server_user(self.place)
            self.socket.mkdir()
            give_to_server_user(self.socket)
            if standby_of:
                self._copy(standby_of)
            else:
                self._initialise(list(initdb))
            self.configure(**{**DEFAULT_SETTINGS, **(settings or {})})
            self.start()
        except BaseException:
            self.close()
            raise

    def _initialise(self, extra):
        authentication = ["--auth=trust"]
        if self.password:
            password_file = self.folder / "initdb-password"
            password_file.write_text(self.password + "\n")
            give_to_server_user(password_file)
            authentication = ["--auth=scram-sha-256", f"--pwfile={password_file}"]
        run_checked(as_server_user([
            str(self.bindir / "initdb"), "--pgdata", str(self.data), "--username", self.superuser, "--no-sync",
            "--encoding=UTF8", "--locale=C.UTF-8", *authentication, *extra,
        ]), cwd="/")  # fmt: skip

    def _copy(self, primary):
        run_checked(as_server_user([
            str(self.bindir / "pg_basebackup"), "-D", str(self.data), "-R", "-c", "fast", "-X", "fetch",
        ]), cwd="/", env=primary.environment())  # fmt: skip

    # Life and death

    def configure(self, **settings):
        """Appends to postgresql.conf; takes effect at the next start or reload()."""
        with open(self.data / "postgresql.conf", "a") as configuration:
            for name, value in settings.items():
                configuration.write(f"{name} = {value}\n")

    def start(self):
        assert not self.running
        log = open(self.log, "ab")
        self._process = subprocess.Popen(
            as_server_user([str(self.bindir / "postgres"), "-D", str(self.data), "-k", str(self.socket)]),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env={**os.environ, "LD_LIBRARY_PATH": self.libraries} if self.libraries else None,
        )  # fmt: skip
        log.close()

        def ready():
            if self._process.poll() is not None:
                raise AssertionError("the server did not start:\n" + self.log.read_text(errors="replace"))
            try:
                lines = (self.data / "postmaster.pid").read_text().split("\n")
            except FileNotFoundError:
                return False
            return lines[0] == str(self._process.pid) and len(lines) > 7 and lines[7].strip() == "ready"

        wait_until(ready, "the server accepts connections", seconds=60)

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown; SIGQUIT: immediate, as a crash would be."""
        if not self.running:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        self._process = None

    def crash(self):
        self.stop(signal.SIGQUIT)

    def restart(self, **settings):
        self.stop()
        self.configure(**settings)
        self.start()

    def reload(self):
        self.sql("select pg_reload_conf()")

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def close(self):
        self.stop()
        shutil.rmtree(self.place / "data", ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # Talking to it

    def environment(self, database=None):
        """For client programs. The database goes by environment: no name is ever read as a connection string."""
        variables = {"PATH": os.environ["PATH"], "PGHOST": str(self.socket), "PGPORT": str(self.port),
                     "PGUSER": self.superuser, "LC_ALL": "C.UTF-8", "PGCLIENTENCODING": "UTF8",
                     "PGOPTIONS": UNDISTURBED_SINCE_14 if self.major >= 14 else UNDISTURBED}  # fmt: skip
        if self.password:
            variables["PGPASSWORD"] = self.password
        if database:
            variables["PGDATABASE"] = database
        return variables

    def psql(self, text, database="postgres", *, role=None, options=(), encoding="UTF8"):
        environment = self.environment(database)
        environment["PGCLIENTENCODING"] = encoding
        if role:
            environment["PGUSER"] = role
        done = subprocess.run(
            [str(self.bindir / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options, "-f", "-"],
            input=text.encode() if isinstance(text, str) else text, capture_output=True, env=environment, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StatementFailed(done.stderr.decode(errors="replace"))
        return done.stdout

    def sql(self, text, database="postgres", **options):
        """Runs statements; returns what they printed, without the last newline."""
        return self.psql(text, database, **options).decode().rstrip("\n")

    def rows(self, query, database="postgres", **options):
        """The rows of one query, as lists of text. NULL is None."""
        null = "\\N"
        printed = self.psql(query, database, options=("--csv", "-P", f"null={null}"), **options).decode()
        return [[None if field == null else field for field in row] for row in csv.reader(io.StringIO(printed, ""))]

    def value(self, query, database="postgres", **options):
        [[value]] = self.rows(query, database, **options)
        return value

    def databases(self):
        return [name for [name] in self.rows("select datname from pg_database order by datname collate \"C\"")]

    def user_databases(self):
        return [name for name in self.databases() if name not in ("postgres", "template0", "template1")]

    def oid_of(self, database):
        """None when there is no such database."""
        found = self.rows(f"select oid from pg_database where datname = {literal(database)}")
        return int(found[0][0]) if found else None

    def database_of(self, oid):
        """The name it has now; None when it is gone."""
        found = self.rows(f"select datname from pg_database where oid = {oid}")
        return found[0][0] if found else None

    def create_database(self, name, options="", contents=""):
        self.sql(f"create database {identifier(name)} {options}")
        if contents:
            self.sql(contents, name)

    def drop_database(self, name):
        self.sql(f"""
            update pg_database set datistemplate = false, datallowconn = true where datname = {literal(name)};
            drop database {identifier(name)} with (force)""")

    def wipe(self):
        """Back to what initdb made: no database, role or tablespace of a user, nothing in the system databases."""
        for [transaction, database] in self.rows("select gid, database from pg_prepared_xacts"):
            self.sql(f"rollback prepared {literal(transaction)}", database)
        for [slot] in self.rows("select slot_name from pg_replication_slots"):
            self.sql(f"select pg_drop_replication_slot({literal(slot)})")
        for [name, database] in self.rows(
                "select subname, datname from pg_subscription s join pg_database d on d.oid = subdbid"):  # fmt: skip
            self.sql(f"alter subscription {identifier(name)} disable; alter subscription {identifier(name)} "
                     f"set (slot_name = none); drop subscription {identifier(name)}", database)  # fmt: skip
        for name in self.user_databases():
            self.drop_database(name)
        for name, other in (("template1", "postgres"), ("postgres", "template1")):
            if name not in self.databases() or self._is_touched(name):
                self._make_anew(name, other)
        for [name] in self.rows("select spcname from pg_tablespace where spcname !~ '^pg_'"):
            self.sql(f"drop tablespace {identifier(name)}")
        roles = [identifier(role) for [role] in self.rows(
            f"select rolname from pg_roles where oid >= 16384 and rolname <> {literal(self.superuser)}")]
        if roles:  # their rights on parameters and tablespaces go with them
            self.sql(f"drop owned by {', '.join(roles)} cascade; drop role {', '.join(roles)}")
        self.sql(f"alter role {identifier(self.superuser)} reset all; alter role all reset all")

    def _is_touched(self, name):
        return self.value("""
            select exists (select from pg_class where oid >= 16384) or exists (select from pg_proc where oid >= 16384)
                or exists (select from pg_namespace where oid >= 16384 and nspname !~ '^pg_(toast_)?temp_')
                or exists (select from pg_largeobject_metadata) or exists (
                    select from pg_db_role_setting where setdatabase = (
                        select oid from pg_database where datname = current_database()))
                or (select shobj_description(oid, 'pg_database') not like 'default %' or datcollate <> 'C.UTF-8'
                        or datacl::text ~ '[,{][^,=]+=' and datname = 'postgres'
                      from pg_database where datname = current_database())""", name) == "t"

    def _make_anew(self, name, other):
        template = name == "template1"
        comment = "default template for new databases" if template else "default administrative connection database"
        if name in self.databases():
            self.sql(f"""update pg_database set datistemplate = false, datallowconn = true where datname = '{name}';
                         drop database {name} with (force)""", other)
        self.sql(f"create database {name} template template0 is_template {template}", other)
        self.sql(f"comment on database {name} is '{comment}'", other)
        if template:
            self.sql("revoke temporary on database template1 from public", other)

    def sessions_of_dbbackup(self):
        return self.rows("""select pid, application_name, datname, query from pg_stat_activity
            where application_name ilike '%dbbackup%' or application_name in ('pg_dump', 'pg_restore', 'pg_dumpall')
            order by pid""")

    def marked_databases(self):
        """Databases that look like debris of dbbackup: by name or by comment."""
        return [name for [name] in self.rows("""
            select datname from pg_database
             where datname ~ '^_?dbbackup_' or shobj_description(oid, 'pg_database') ~* 'dbbackup'
             order by 1""")]

    def staging_database(self):
        """The one staging database that is there now."""
        [[name]] = self.rows("select datname from pg_database where datname ~ '^dbbackup_staging_'")
        return name

    def session(self, database="postgres", **options):
        return Session(self, database, **options)

    def tablespace_folder(self, name):
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        give_to_server_user(folder)
        return folder


class Session:
    """A psql that stays connected, for transactions and locks that are held while something else goes on."""

    def __init__(self, cluster, database="postgres", *, role=None, application_name="somebody"):
        environment = cluster.environment(database)
        environment["PGAPPNAME"] = application_name
        if role:
            environment["PGUSER"] = role
        self._process = subprocess.Popen(
            [str(cluster.bindir / "psql"), "-X", "-q", "-A", "-t"], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        )  # fmt: skip
        self.pid = int(self.run("select pg_backend_pid()"))

    def send(self, statement):
        """Does not wait for the answer."""
        self._process.stdin.write(statement + ";\n")
        self._process.stdin.flush()

    def run(self, statement):
        """What the statement printed, errors included; also when the server has ended the session meanwhile."""
        marker = uuid.uuid4().hex
        try:
            self.send(statement)
            self._process.stdin.write(f"\\echo {marker}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # psql is gone; what it said last is still to be read
        lines = []
        for line in self._process.stdout:
            if line.rstrip("\n") == marker:
                break
            lines.append(line)
        return "".join(lines).rstrip("\n")

    def close(self):
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    if "\\" in text:
        return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"
