"""What may stand between dbbackup and a server: relays that distribute, lie or cut, and a real pooler."""

import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

from support import clusters
from support.clusters import MAJOR
from support.waiting import wait_until


class Relay:
    """A Unix socket that passes every connection on to one of the servers, in turn.

    `rewrite` changes what the server says: a function from bytes to bytes of equal length, so that no message is torn.
    """

    def __init__(self, *servers, rewrite=lambda data: data):
        self.folder = clusters.temporary_folder()
        self._servers = [str(server.socket / f".s.PGSQL.{server.port}") for server in servers]
        self._rewrite = rewrite
        self._next = 0
        self._open = set()
        self._guard = threading.Lock()
        self.connections = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        os.chmod(self.folder / ".s.PGSQL.5432", 0o777)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def environment(self):
        return {"PGHOST": str(self.folder), "PGPORT": "5432"}

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            with self._guard:
                self.connections += 1
                target = self._servers[self._next % len(self._servers)]
                self._next += 1
            try:
                server.connect(target)
            except OSError:
                client.close()
                continue
            with self._guard:
                self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client, server):
        try:
            while True:
                readable, _, _ = select.select([client, server], [], [])
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    (server if end is client else client).sendall(data if end is client else self._rewrite(data))
        except (OSError, ValueError):
            return
        finally:
            self._shut(client, server)

    def _shut(self, *ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        with self._guard:
            self._open -= set(ends)

    def cut(self):
        """Every connection there is now ends without a word, as a network does."""
        with self._guard:
            ends = list(self._open)
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.cut()
        self._thread.join(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def pretend_major(major):
    """A `rewrite` that makes the server call itself one of another major, in the startup message and when it is asked.

    `major` has two digits, as the real one has: the texts keep their lengths.
    """
    real = str(MAJOR).encode()

    def rewrite(data):
        data = re.sub(rb"(?<=server_version\0)" + real + rb"(?=\.\d)", b"%d" % major, data)
        return re.sub(rb"(?<=\0\0\0\x06)" + real + rb"(?=\d{4}(?!\d))", b"%d" % major, data)  # a field of six bytes

    return rewrite


class Pooler:
    """pgbouncer, each transaction on any server connection: what an address with a pooler behind it looks like."""

    def __init__(self, cluster, **settings):
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/sbin")
        if not program:
            raise AssertionError("the Debian package pgbouncer is missing (see packages.txt)")
        self.folder = clusters.temporary_folder()
        clusters.give_to_server_user(self.folder)
        # pgbouncer, like PostgreSQL, does not run as root.
        users = self.folder / "users"
        users.write_text(f'"{cluster.superuser}" ""\n')
        options = {
            "listen_port": "6432", "listen_addr": "", "unix_socket_dir": self.folder, "auth_type": "trust",
            "auth_file": users, "pool_mode": "transaction", "max_client_conn": "100", "default_pool_size": "3",
            "pidfile": self.folder / "pid", **settings,
        }  # fmt: skip
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n* = host={cluster.socket} port={cluster.port}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in options.items())
        )
        self._log = open(self.folder / "log", "wb")
        self._process = subprocess.Popen(
            clusters.as_server_user([program, str(configuration)]), stdout=self._log, stderr=self._log, cwd="/"
        )

        def ready():
            if self._process.poll() is not None:
                raise AssertionError("pgbouncer did not start:\n" + Path(self.folder / "log").read_text())
            return (self.folder / ".s.PGSQL.6432").exists()

        wait_until(ready, "pgbouncer listens")

    @property
    def environment(self):
        return {"PGHOST": str(self.folder), "PGPORT": "6432"}

    def close(self):
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def server_user_name():
    return (clusters.SERVER_USER or pwd.getpwuid(os.geteuid())).pw_name
