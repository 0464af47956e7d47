#!/usr/bin/env python3
"""Everything that is checked without running the program: `./dev lint`.

Checks the files git knows and those it would add. Prints each finding, then one line a check; exits non-zero when there
is a finding. clang-tidy runs only on sources that changed (they, a header of ours they include, the checks, or the way
they are compiled) since it last found them clean.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# Written so that this line does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:wor[k]|far[m]|roo[t])/")
JOBS = os.cpu_count() or 2


def files_of_project():
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file())


def is_shell(path):
    return path.suffix == ".sh" or (path.suffix == "" and re.match(rb"#!.*\b(ba)?sh\b", first_line(path)))


def is_python(path):
    return path.suffix == ".py" or (path.suffix == "" and re.match(rb"#!.*\bpython3?\b", first_line(path)))


def first_line(path):
    with path.open("rb") as file:
        return file.readline(200)


def run(command):
    """What a command says when it fails, None when it does not."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return None if done.returncode == 0 else done.stdout.strip() or f"{command[0]} failed ({done.returncode})"


def check_format(files):
    sources = [str(path.relative_to(ROOT)) for path in files if path.suffix in (".h", ".cc")]
    if not sources:
        return []
    said = run(["clang-format-19", "--dry-run", "-Werror", *sources]) or ""
    unformatted = dict.fromkeys(re.findall(r"^(\S+):\d+:\d+: error: code should be clang-formatted", said, re.MULTILINE))
    if unformatted:
        return ["not formatted: " + " ".join(unformatted), "mend it by: ./dev lint --fix"]
    return [said] if said else []


def fix_format(files):
    sources = [str(path.relative_to(ROOT)) for path in files if path.suffix in (".h", ".cc")]
    if sources:
        subprocess.run(["clang-format-19", "-i", *sources], cwd=ROOT, check=True)


def check_layers(_files):
    finding = run([sys.executable, "tools/check_layers.py"])
    return [finding] if finding else []


def check_shell(files):
    return [finding for path in files if is_shell(path) and (finding := run(["bash", "-n", str(path)]))]


def check_python(files):
    findings = []
    for path in filter(is_python, files):
        try:
            compile(path.read_bytes(), str(path.relative_to(ROOT)), "exec")
        except (SyntaxError, ValueError) as error:
            findings.append(f"{path.relative_to(ROOT)}: {error}")
    return findings


def check_paths(files):
    """No file may name a folder that only one machine has."""
    findings = []
    for path in files:
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if MACHINE_PATH.search(line):
                findings.append(f"{path.relative_to(ROOT)}:{number}: names a path of one machine: {line.strip()}")
    return findings


def check_fidelity(_files):
    finding = run([sys.executable, "tools/fidelity_page.py", "--check"])
    return [finding] if finding else []


def own_headers(path, known):
    """The headers of ours that a source includes, also through others."""
    if path not in known:
        known[path] = set()  # ends the recursion should two headers include each other
        for name in INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")):
            for folder in (ROOT / "src", ROOT / "tests"):
                header = folder / name
                if header.exists():
                    known[path] |= {header} | own_headers(header, known)
    return known[path]


class Tidy:
    """clang-tidy over the sources of a compilation database, with a memory of what was clean."""

    def __init__(self, build):
        self.build = build
        self.clean = ROOT / "build" / "lint" / "clean"
        self.clean.mkdir(parents=True, exist_ok=True)
        version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout
        self.base = version + (ROOT / ".clang-tidy").read_text(encoding="utf-8")
        self.headers = {}

    def key(self, source, command):
        digest = hashlib.sha256(self.base.encode())
        digest.update(command.encode())
        for path in [source, *sorted(own_headers(source, self.headers))]:
            digest.update(str(path).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def run(self, source):
        # The database is g++'s, and so are the warnings in it: -w leaves them to the compiler.
        command = ["clang-tidy-19", "--quiet", "-p", str(self.build), "--extra-arg=-w", str(source)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        said = re.sub(r"^\d+ (warnings?|errors?).* generated\.\n", "", done.stdout + done.stderr, flags=re.MULTILINE)
        return None if done.returncode == 0 else said.strip()

    def check(self, files):
        database = json.loads((self.build / "compile_commands.json").read_text(encoding="utf-8"))
        commands = {pathlib.Path(entry["file"]): entry["command"] for entry in database}
        todo = {}
        for source in files:
            if source in commands:
                key = self.key(source, commands[source])
                if not (self.clean / key).exists():
                    todo[source] = key
        print(f"clang-tidy: {len(todo)} of {sum(path in commands for path in files)} sources to look at", flush=True)

        findings = []
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            largest_first = sorted(todo, key=lambda path: path.stat().st_size, reverse=True)
            for source, finding in zip(largest_first, pool.map(self.run, largest_first)):
                if finding:
                    findings.append(finding)
                    print(finding, flush=True)
                else:
                    (self.clean / todo[source]).touch()
        return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a folder with compile_commands.json")
    parser.add_argument("--no-tidy", action="store_true", help="leave out clang-tidy, the one check that takes long")
    parser.add_argument("--fix", action="store_true", help="format the sources first")
    arguments = parser.parse_args()

    files = files_of_project()
    if arguments.fix:
        fix_format(files)
    checks = {
        "format": check_format,
        "layers": check_layers,
        "shell": check_shell,
        "python": check_python,
        "paths": check_paths,
        "fidelity": check_fidelity,
    }
    failed = []
    for name, check in checks.items():
        findings = check(files)
        for finding in findings:
            print(finding)
        print(f"{name}: {'FAILED' if findings else 'ok'}", flush=True)
        if findings:
            failed.append(name)

    if not arguments.no_tidy:
        started = time.monotonic()
        if Tidy((ROOT / arguments.build).resolve()).check(files):
            failed.append("clang-tidy")
        print(f"clang-tidy: {'FAILED' if 'clang-tidy' in failed else 'ok'} ({time.monotonic() - started:.0f} s)")

    print(f"lint: FAILED ({', '.join(failed)})" if failed else "lint: ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
