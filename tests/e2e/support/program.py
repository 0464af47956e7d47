"""dbbackup, run as a person runs it: an argument vector, an environment, text that comes back, an exit code."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

from support.waiting import wait_until

SOURCE = Path(__file__).resolve().parents[3]


def binary():
    path = os.environ.get("DBBACKUP")
    if not path or not os.access(path, os.X_OK):
        raise AssertionError("set DBBACKUP to the built program; it is " + repr(path))
    return str(Path(path).resolve())


# The part of the interface that scripts live by: docs/exit-codes.md. test_errors holds it against the source.
EXIT_CODES = {
    "BACKUP_HELD": 5,
    "BACKUP_IS_LAST": 5,
    "PACK_DELETED": 6,
    "SESSION_SILENT": 6,
    "USAGE": 64,
    "CONFIG_INVALID": 64,
    "AUTH_FAILED": 1,
    "CONNECTION_REFUSED": 1,
    "CONNECTION_LOST": 1,
    "PERMISSION_DENIED": 1,
    "POOLER_IN_BETWEEN": 1,
    "TOPOLOGY_SPLIT": 1,
    "DATABASE_NOT_FOUND": 1,
    "SERVER_UNSUPPORTED": 5,
    "SERVER_ERROR": 6,
    "CLIENT_PROGRAM_MISSING": 5,
    "CLIENT_PROGRAM_OLDER": 5,
    "CLIENT_PROGRAM_FAILED": 6,
    "LOCK_TIMEOUT": 6,
    "LOCK_EXHAUSTION": 6,
    "TABLE_CHANGED": 6,
    "DISK_FULL": 2,
    "STORAGE_FAILED": 6,
    "REPOSITORY_NOT_FOUND": 7,
    "REPOSITORY_EXISTS": 7,
    "NOT_A_REPOSITORY": 7,
    "REPOSITORY_TOO_NEW": 7,
    "REPOSITORY_READ_ONLY": 7,
    "CORRUPTED_BACKUP": 3,
    "BACKUP_NOT_FOUND": 5,
    "BACKUP_AMBIGUOUS": 5,
    "BACKUP_INCOMPLETE": 4,
    "TARGET_EXISTS": 5,
    "NAME_ILLEGAL": 5,
    "VERSION_DOWNGRADE": 5,
    "ARCHIVE_TOO_NEW": 5,
    "PREFLIGHT_REFUSED": 5,
    "PROOF_FAILED": 3,
    "SWAP_FAILED": 6,
    "RESTORE_FAILED": 6,
    "RESTORE_INCOMPLETE": 4,
    "KEY_NEEDED": 7,
    "KEY_REFUSED": 7,
    "KEY_IS_LAST": 5,
    "ENCRYPTION_DOWNGRADED": 3,
    "OBJECT_SWAPPED": 3,
    "REPOSITORY_ROLLED_BACK": 3,
    "SESSION_SILENT": 6,
    "PACK_DELETED": 6,
    "BACKUP_HELD": 5,
    "BACKUP_IS_LAST": 5,
    "CONFIRMATION_NEEDED": 5,
    "CANCELLED": 130,
    "INTERNAL": 70,
}

# What a sanitizer prints when it has found something; then no exit code of ours means anything.
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "ThreadSanitizer", ": runtime error: ")


class Outcome:
    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    @property
    def text(self):
        return self.out + self.err

    @property
    def document(self):
        """What --json printed: one document."""
        try:
            return json.loads(self.out)
        except ValueError as problem:
            raise AssertionError(f"not one JSON document ({problem}):\n{self}") from None

    @property
    def error(self):
        """The error of --json: code, message, cause, solution."""
        document = self.document
        if "error" not in document:
            raise AssertionError(f"no error in the document:\n{self}")
        return document["error"]

    def __str__(self):
        return f"$ dbbackup {' '.join(self.argv)}\nexit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Pause:
    """Holds dbbackup at named steps: DBBACKUP_TEST_PAUSE. A step is "rows-done" or "rows-done:app"."""

    def __init__(self, folder, *steps):
        self._folders = {}
        for step in steps:
            directory = Path(folder) / f"pause-{uuid.uuid4().hex[:8]}"
            directory.mkdir(mode=0o777)
            directory.chmod(0o777)
            self._folders[step] = directory

    @property
    def variable(self):
        return ";".join(f"{step}={directory}" for step, directory in self._folders.items())

    def _file(self, step, kind):
        return self._folders[step] / f"{step.split(':')[0]}.{kind}"

    def reached(self, step):
        return self._file(step, "reached").exists()

    def go(self, step):
        self._file(step, "go").touch()

    def go_everywhere(self):
        for step in self._folders:
            self.go(step)

    def close_again(self, step):
        """The next time the step is reached, dbbackup waits again. Only while it is held at another one."""
        self._file(step, "go").unlink(missing_ok=True)
        self._file(step, "reached").unlink(missing_ok=True)


class Running:
    """dbbackup in the background."""

    def __init__(self, tool, argv, environment, pause, prefix=(), **options):
        self.argv = argv
        self.pause = pause
        self._out = open(tool.folder / f"out-{uuid.uuid4().hex[:8]}", "w+b")
        self._err = open(tool.folder / f"err-{uuid.uuid4().hex[:8]}", "w+b")
        options = {"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._err, **options}
        self._process = subprocess.Popen([*prefix, binary(), *argv], env=environment, cwd=tool.folder, **options)

    @property
    def pid(self):
        return self._process.pid

    def wait_for(self, step, seconds=90):
        def there():
            if self.pause.reached(step):
                return True
            if self._process.poll() is not None:
                raise AssertionError(f"ended before it came to {step}:\n{self.finish()}")
            return False

        wait_until(there, f"dbbackup comes to {step}", seconds)
        return self

    def go(self, step):
        self.pause.go(step)
        return self

    def send(self, number):
        self._process.send_signal(number)
        return self

    def pending(self, number):
        """Whether the signal was sent and not yet taken."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except FileNotFoundError:
            return False
        masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
        return any(mask & 1 << number - 1 for mask in masks)

    @property
    def ended(self):
        return self._process.poll() is not None

    def finish(self, seconds=120):
        """Waits for the end."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            self._process.wait()
            raise AssertionError(f"did not end within {seconds} s:\n{self._outcome(None)}") from None
        return self._outcome(code)

    def _outcome(self, code):
        texts = []
        for stream in (self._out, self._err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        return Outcome(self.argv, code, *texts)

    def events(self):
        """What --progress json has written until now. The file is opened anew: the child shares our offset."""
        lines = Path(self._err.name).read_text(errors="replace").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def close(self):
        """Whatever the test came to: nothing of it runs on."""
        if not self.ended:
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._err.close()


class Tool:
    """The program with its surroundings: home, temporary directory, repository, and the server it talks to."""

    def __init__(self, folder, cluster=None, repository=None):
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.temporary = self.folder / "temporary"
        self.home.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        self.repository = Path(repository) if repository else self.folder / "repository"
        self.marker = uuid.uuid4().hex  # inherited by every child: what is left can be found by it
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "DBBACKUP_REPOSITORY": str(self.repository),
            "DBBACKUP_TEST_MARKER": self.marker,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        if cluster:
            self.talk_to(cluster)

    def talk_to(self, cluster):
        self.environment.update(PGHOST=str(cluster.socket), PGPORT=str(cluster.port), PGUSER=cluster.superuser)
        if cluster.password:
            self.environment["PGPASSWORD"] = cluster.password
        return self

    def _environment(self, changes):
        """None takes a variable away."""
        merged = {**self.environment, **(changes or {})}
        return {name: str(value) for name, value in merged.items() if value is not None}

    def run(self, *argv, env=None, prefix=(), seconds=180, **options):
        argv = [str(argument) for argument in argv]
        options = {"stdin": subprocess.DEVNULL, **options}
        try:
            done = subprocess.run([*prefix, binary(), *argv], env=self._environment(env), cwd=self.folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False,
                                  **options)  # fmt: skip
        except subprocess.TimeoutExpired as late:
            said = [(text or b"").decode(errors="replace") for text in (late.stdout, late.stderr)]
            raise AssertionError(f"did not end within {seconds} s:\n{Outcome(argv, None, *said)}") from None
        return Outcome(argv, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, *argv, pause=(), env=None, prefix=(), **options):
        """`pause`: the steps at which to hold it."""
        argv = [str(argument) for argument in argv]
        held = Pause(self.folder, *pause)
        environment = self._environment(env)
        if pause:
            environment["DBBACKUP_TEST_PAUSE"] = held.variable
        return Running(self, argv, environment, held, prefix, **options)

    def processes_left(self):
        """Processes that carry our marker, the program itself included: pid and command line."""
        found = []
        wanted = f"DBBACKUP_TEST_MARKER={self.marker}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
            except OSError:
                continue  # ended meanwhile, or another user's
        return found

    def temporary_files_left(self):
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*"))

    def repository_files(self, kind=""):
        """Files below the repository (or one of its folders), with sizes."""
        root = self.repository / kind
        return {path: path.stat().st_size for path in sorted(root.rglob("*")) if path.is_file()}

    def repository_bytes(self):
        return sum(self.repository_files().values())
