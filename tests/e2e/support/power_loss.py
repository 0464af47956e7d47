"""What a power loss may leave of the files of a folder, at any moment of a program that was recorded.

tests/support/file_operations.c records. The model is harsher than most file systems: what was not synced may be there or not, each
operation for itself, and a write may be there in part. A name (create, rename, link, unlink, mkdir) is synced with its
folder, bytes with their file; syncing a file does not sync its name.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

NAMES = ("create", "rename", "link", "unlink", "mkdir", "rmdir")


def library(name):
    """A library that is preloaded; it lies beside the program."""
    return Path(os.environ["DBBACKUP"]).resolve().parent / f"lib{name}.so"


def preloading(name, **variables):
    """The environment for a program with this library in it."""
    options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    return {"LD_PRELOAD": str(library(name)), "ASAN_OPTIONS": options, **{key: str(value) for key, value in variables.items()}}


class Operation(NamedTuple):
    what: str
    path: str = ""  # of a name; what it was before, for a rename
    to: str = ""
    file: int | str = ""  # which file: a number for those made meanwhile, its path for one that was there before
    offset: int = 0
    data: bytes = b""


def read_record(log):
    """The operations of a record. Inodes are used again: each creation makes a new file."""
    operations, numbers, namespace = [], {}, {}
    with open(log, "rb") as record:
        while line := record.readline():
            what, *fields = line.decode().rstrip("\n").split("\t")
            if what == "create":
                path, inode = fields
                numbers[inode] = namespace[path] = len(operations)
                operations.append(Operation(what, path, file=numbers[inode]))
            elif what in ("write", "truncate", "sync"):
                inode, *rest = fields
                data = record.read(int(rest[1])) if what == "write" else b""
                operations.append(Operation(what, file=numbers.get(inode, ""), offset=int((rest or [0])[0]), data=data))
            elif what in ("rename", "link"):
                path, to = fields
                if os.path.dirname(path) != os.path.dirname(to):
                    raise AssertionError(f"a file is moved to another folder, which no sync makes one step: {path} to {to}")
                namespace[to] = namespace.get(path, path)
                if what == "rename":
                    namespace.pop(path, None)
                operations.append(Operation(what, path, to, file=namespace[to]))
            elif what in ("unlink", "mkdir", "rmdir", "sync-folder"):
                operations.append(Operation(what, fields[0]))
                if what == "unlink":
                    namespace.pop(fields[0], None)
            else:
                raise AssertionError(f"an unknown line in {log}: {line!r}")
    return operations


class State(NamedTuple):
    """What is there after the power came back."""

    what: str  # for messages
    folders: frozenset
    files: tuple  # (path, file, numbers of the writes that are there, the one of them that is torn or -1)


class Recording:
    """`base`: the folder as it was before, all of it synced. `log`: what the program did then."""

    def __init__(self, base, log):
        self.base = Path(base)
        self.operations = read_record(log)

    def without_syncs(self):
        """The same program had it never synced anything."""
        other = Recording.__new__(Recording)
        other.base = self.base
        other.operations = [operation for operation in self.operations if not operation.what.startswith("sync")]
        return other

    def without_syncs_of_removals(self):
        """The same program had it not synced the folders it removed something from."""
        other = Recording.__new__(Recording)
        other.base = self.base
        before = [None, *self.operations]
        other.operations = [operation for last, operation in zip(before, self.operations)
                            if not (operation.what == "sync-folder" and last and last.what == "unlink")]  # fmt: skip
        return other

    def pending(self, moment):
        """Numbers of the operations before this moment that no sync has made durable."""
        found = {}
        for number, operation in enumerate(self.operations[:moment]):
            if operation.what == "sync":
                found = {n: o for n, o in found.items() if o.what in NAMES or o.file != operation.file}
            elif operation.what == "sync-folder":
                found = {n: o for n, o in found.items()
                         if o.what not in NAMES or (os.path.dirname(o.path) or ".") != operation.path}  # fmt: skip
            else:
                found[number] = operation
        return list(found)

    def state(self, moment, lost, torn=-1, what=""):
        """At this moment, without the operations in `lost`, and with half of the write `torn`."""
        folders = {str(path.relative_to(self.base)) for path in self.base.rglob("*") if path.is_dir()} | {"."}
        files = {str(path.relative_to(self.base)): (str(path.relative_to(self.base)), ())
                 for path in self.base.rglob("*") if path.is_file()}  # fmt: skip
        writes = {}
        for number, operation in enumerate(self.operations[:moment]):
            if number in lost:
                continue
            if operation.what == "mkdir":
                folders.add(operation.path)
            elif operation.what == "rmdir":
                folders.discard(operation.path)
            elif operation.what == "unlink":
                files.pop(operation.path, None)
            elif operation.what == "create":
                files[operation.path] = (operation.file, ())
            elif operation.what in ("rename", "link"):
                if operation.what == "rename":
                    files.pop(operation.path, None)
                files[operation.to] = (operation.file, ())
            elif operation.what in ("write", "truncate") and operation.file != "":
                writes.setdefault(operation.file, []).append(number)

        def reachable(path):
            parent = os.path.dirname(path) or "."
            return parent == "." or (parent in folders and reachable(parent))

        kept = tuple(sorted((path, str(file), tuple(writes.get(file, ())), torn if torn in writes.get(file, ()) else -1)
                            for path, (file, _) in files.items() if reachable(path)))  # fmt: skip
        return State(f"after {moment} of {len(self.operations)} operations, {what}",
                     frozenset(path for path in folders if reachable(path)), kept)  # fmt: skip

    def states(self, random, subsets=3):
        """Every different state at every moment: nothing lost of what was not synced, everything, everything but one
        operation, one alone, `subsets` at random, and each write that was under way torn."""
        seen = set()
        for moment in range(len(self.operations) + 1):
            pending = self.pending(moment)
            candidates = [(set(), -1, "nothing lost"), (set(pending), -1, "all lost that was not synced")]
            for number in pending:
                label = f"{self.operations[number].what} {self.operations[number].path or number}"
                candidates.append(({number}, -1, f"lost: {label}"))
                candidates.append((set(pending) - {number}, -1, f"lost: all not synced but {label}"))
                if self.operations[number].what == "write":
                    candidates.append((set(), number, f"torn: {label}"))
            if len(pending) > 2:
                for _ in range(subsets):
                    candidates.append(({number for number in pending if random.random() < 0.5}, -1, "lost: some at random"))
            for lost, torn, what in candidates:
                state = self.state(moment, lost, torn, what)
                if state[1:] not in seen:
                    seen.add(state[1:])
                    yield state

    def make(self, state, folder):
        """Lays the state out below a folder, which is emptied first."""
        folder = Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        for path in sorted({".", *state.folders}):
            (folder / path).mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, file, writes, torn in state.files:
            if (self.base / file).is_file():  # one that was there before; nobody writes to such
                os.link(self.base / file, folder / path)
                continue
            content = bytearray()
            for number in writes:
                operation = self.operations[number]
                if operation.what == "truncate":
                    content = content[: operation.offset].ljust(operation.offset, b"\0")
                    continue
                data = operation.data[: len(operation.data) // 2] if number == torn else operation.data
                content = content.ljust(operation.offset, b"\0")
                content[operation.offset : operation.offset + len(data)] = data
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)
