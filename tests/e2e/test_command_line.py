"""What a person meets first: help, examples, mistakes in typing, configuration, colours, documents for scripts."""

import json
import os
import pty
import re
import shlex
import subprocess
import unittest

from support.case import EndToEnd
from support.contents import SMALL
from support.program import SOURCE, binary

COMMANDS = ["init", "backup cluster", "backup database", "list", "show", "restore cluster", "restore database", "check",
            "cat", "repair index", "stats", "cleanup", "doctor", "locks", "man", "completion"]  # fmt: skip


class Help(EndToEnd):
    def test_help_lists_every_command_and_how_to_begin(self):
        for argv in (["--help"], ["-?"], ["help"], []):
            with self.subTest(argv=argv):
                text = self.succeeds(*argv).out
                for command in COMMANDS:
                    self.assertIn(command, text)
                self.assertIn("Examples", text)

    def test_every_command_has_help_with_examples_that_parse(self):
        examples = 0
        for command in COMMANDS:
            with self.subTest(command=command):
                text = self.succeeds(*command.split(), "--help").out
                self.assertIn("Usage:", text)
                self.assertEqual(text, self.succeeds("help", *command.split()).out)
                for line in text.split("Examples:")[1].splitlines():
                    if not line.strip().startswith("dbbackup "):
                        continue
                    examples += 1
                    words = _words(line)
                    # Parsed as typed, but only for its help: an unknown option or word in it would be an error.
                    self.succeeds(*words[1:], "--help")
        self.assertGreater(examples, len(COMMANDS))

    def test_a_group_of_commands_says_what_there_is(self):
        for group in ("backup", "restore"):
            # Alone it does nothing, so it is no success: a line of cron may have lost its last word.
            alone = self.fails_with("USAGE", group, "-q", "-r", "x").error["solution"]
            for text in (self.succeeds(group, "--help").out, self.succeeds("help", group).out, " ".join(alone)):
                self.assertIn("cluster", text)
                self.assertIn("database", text)

    def test_the_version_is_printed(self):
        self.assertRegex(self.succeeds("--version").out, r"^dbbackup \d+\.\d+\.\d+\n$")
        self.assertRegex(self.succeeds("--version", "--json").document["version"], r"^\d+\.\d+\.\d+$")

    def test_the_man_page_is_one_that_man_can_read(self):
        page = self.succeeds("man").out
        self.assertTrue(page.startswith(".TH") or "\n.TH " in page)
        for command in COMMANDS:
            self.assertIn(command.split()[-1], page)
        man = subprocess.run(["sh", "-c", "command -v man"], capture_output=True, check=False)
        if man.returncode == 0:
            file = self.folder / "dbbackup.1"
            file.write_text(page)
            done = subprocess.run(["man", "--warnings", "-l", str(file)], capture_output=True, text=True, check=False,
                                  env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "200"})  # fmt: skip
            self.assertEqual("", done.stderr)
            self.assertIn("restore cluster", done.stdout)

    def test_completions_are_accepted_by_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell=shell):
                script = self.succeeds("completion", shell).out
                self.assertIn("restore", script)
                if subprocess.run(["sh", "-c", f"command -v {shell}"], capture_output=True, check=False).returncode == 0:
                    checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False)
                    self.assertEqual((0, ""), (checked.returncode, checked.stderr))
        self.fails_with("USAGE", "completion", "tcsh")

    def test_the_completion_of_bash_completes(self):
        script = self.folder / "completion.bash"
        script.write_text(self.succeeds("completion", "bash").out)

        def complete(*words):
            program = f"""
                source {script}
                COMP_WORDS=(dbbackup {' '.join(f"'{word}'" for word in words)}); COMP_CWORD={len(words)}
                COMP_LINE="dbbackup {' '.join(words)}"; COMP_POINT=${{#COMP_LINE}}
                spec=$(complete -p dbbackup); function=$(sed 's/.*-F \\([^ ]*\\).*/\\1/' <<< "$spec")
                $function dbbackup '{words[-1]}' '{words[-2] if len(words) > 1 else 'dbbackup'}'
                printf '%s\\n' "${{COMPREPLY[@]}}" """
            done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
            return [word.strip() for word in done.stdout.splitlines()]

        self.assertIn("restore", complete("re"))
        self.assertIn("cluster", complete("restore", "c"))
        self.assertIn("--confirm", complete("restore", "cluster", "--con"))


class Mistakes(EndToEnd):
    def test_a_mistyped_word_gets_the_word_that_was_meant(self):
        for argv, meant in (
            (["backupp", "cluster"], "backup"),
            (["backup", "clutser"], "cluster"),
            (["restore", "databse", "x"], "database"),
            (["restore", "cluster", "latest", "--confrim"], "--confirm"),
            (["backup", "cluster", "--job", "3"], "--jobs"),
            (["list", "--repositry", "x"], "--repository"),
        ):
            with self.subTest(argv=argv):
                outcome = self.fails_with("USAGE", *argv)
                self.assertIn(meant, " ".join(outcome.error["solution"]))

    def test_what_is_missing_or_too_much_or_no_number_is_said(self):
        for argv in (
            ["backup", "database"],
            ["show"],
            ["restore", "cluster"],
            ["restore", "database", "--confirm"],
            ["list", "surplus"],
            ["backup", "cluster", "--jobs", "many"],
            ["backup", "cluster", "--jobs", "0"],
            ["backup", "cluster", "--jobs", "-1"],
            ["backup", "cluster", "--jobs"],
            ["restore", "cluster", "latest", "--old", "burn"],
            ["backup", "cluster", "--lock-wait-timeout", "1e9"],
            ["restore", "cluster", "latest", "--system-databases", "all"],
        ):
            with self.subTest(argv=argv):
                outcome = self.fails_with("USAGE", *argv)
                self.assertTrue(any("--help" in step for step in outcome.error["solution"]), outcome)

    def test_options_that_contradict_each_other_are_refused(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        self.back_up()
        for argv in (["restore", "database", "app", "--replace", "--confirm"],):
            with self.subTest(argv=argv):
                outcome = self.tool.run(*argv, "--json")
                self.assertNotEqual(0, outcome.code)
                self.failed_with(outcome.error["code"], outcome)

    def test_a_connection_string_that_cannot_be_read_is_a_usage_error(self):
        self.init()
        for conninfo in ("host=", "nonsense=1 host=x", "postgresql://[half", "host='open"):
            with self.subTest(conninfo=conninfo):
                outcome = self.tool.run("backup", "cluster", "-d", conninfo, "--json", env={"PGHOST": None})
                self.assertNotEqual(0, outcome.code, outcome)
                self.failed_with(outcome.error["code"], outcome)
                if conninfo != "host=":
                    self.assertEqual("USAGE", outcome.error["code"])

    def test_an_error_for_people_has_a_heading_a_cause_numbered_steps_and_a_page(self):
        outcome = self.ended(self.tool.run("backup", "cluster"), 7)
        self.assertEqual("", outcome.out)
        lines = outcome.err.splitlines()
        block = lines[next(i for i, line in enumerate(lines) if line.startswith("[FAIL]")):]
        self.assertEqual("[FAIL] Backup Failed: Repository Not Found", block[0])
        self.assertIn("How to Fix:", block)
        self.assertTrue(any(line.startswith("  1. ") for line in block))
        [page] = [line.split(": ")[1] for line in block if line.startswith("Documentation: ")]
        self.assertTrue((SOURCE / page).is_file(), page)


class Configuration(EndToEnd):
    def configuration(self, text):
        file = self.folder / "config.yaml"
        file.write_text(text)
        return ["--config", file]

    def test_a_configuration_file_says_where_everything_is(self):
        self.cluster.create_database("app", contents=SMALL)
        place = self.folder / "from the file"
        arguments = self.configuration(
            f"repository: {place}\njobs: 1\nparallel_databases: 1\nlock_timeout_s: 30\nlock_wait_timeout_s: 30\n"
            f"connection:\n  host: {self.cluster.socket}\n  user: postgres\n  port: {self.cluster.port}\n"
        )
        environment = {"PGHOST": None, "PGUSER": None, "PGPORT": None, "DBBACKUP_REPOSITORY": None}
        self.succeeds("init", *arguments, env=environment)
        self.succeeds("backup", "cluster", *arguments, env=environment)
        self.succeeds("restore", "database", "app", "--as", "copy", "--confirm", *arguments, env=environment)
        self.assertTrue((place / "config").is_file())
        # What is typed wins over the environment, which wins over the file.
        other = self.folder / "other"
        self.succeeds("init", *arguments, "--repository", other, env=environment)
        self.succeeds("list", *arguments, env={**environment, "DBBACKUP_REPOSITORY": str(other)})

    def test_mistakes_in_it_are_named_with_file_and_line(self):
        for text, words in (
            ("repositry: /x\n", ["line 1", "repositry", "repository"]),
            ("jobs: 2\nconnection:\n  hots: x\n", ["line 3", "hots", "host"]),
            ("jobs: many\n", ["line 1", "jobs"]),
            ("jobs: 0\n", ["line 1", "jobs"]),
            ("jobs: 1\njobs: 2\n", ["line 2", "twice"]),
            ("a: [\n", ["YAML"]),
            ("- a\n- b\n", ["line 1"]),
            ("connection: text\n", ["connection"]),
            ("connection:\n  password: secret-in-file\n", ["passfile"]),
        ):
            with self.subTest(text=text):
                outcome = self.fails_with("CONFIG_INVALID", "list", *self.configuration(text))
                for word in [*words, "config.yaml"]:
                    self.assertIn(word, outcome.text)
                self.assertNotIn("secret-in-file", outcome.text)

    def test_a_file_that_is_named_must_be_there(self):
        outcome = self.fails_with("CONFIG_INVALID", "list", "--config", self.folder / "not-there.yaml")
        self.assertIn("not-there.yaml", outcome.text)
        self.fails_with("CONFIG_INVALID", "list", "--config", self.folder)

    def test_an_empty_file_is_no_mistake(self):
        self.init()
        self.succeeds("list", *self.configuration(""))
        self.succeeds("list", *self.configuration("# only a comment\n"))


class Output(EndToEnd):
    def prepared(self):
        self.cluster.create_database("app", contents=SMALL)
        self.init()
        return self.back_up()

    def test_every_document_parses_and_its_fields_are_documented(self):
        documented = (SOURCE / "docs/json.md").read_text()
        backup = self.prepared()
        calls = [["list"], ["show", backup], ["show", "latest"], ["check"], ["check", "--read-data"], ["doctor"],
                 ["restore", "cluster", "latest"], ["restore", "database", "app", "--as", "copy", "--confirm"],
                 ["cleanup"], ["cleanup", "--kept", "--confirm"], ["locks", "latest"], ["backup", "database", "app"], ["backup", "cluster"],
                 ["init", "--repository", self.folder / "another"]]  # fmt: skip
        for argv in calls:
            with self.subTest(argv=argv):
                outcome = self.succeeds(*argv, "--json")
                self.assertEqual("", outcome.err, "a script that reads both streams is not disturbed")
                for name in field_names(outcome.document):
                    self.assertIn(f"`{name}`", documented, f"{name} of {argv} is not in docs/json.md")

    def test_progress_for_scripts_is_a_document_a_line(self):
        self.prepared()
        outcome = self.succeeds("backup", "cluster", "--json", "--progress", "json")
        outcome.document["id"]
        lines = outcome.err.splitlines()
        self.assertTrue(lines)
        for line in lines:
            json.loads(line)

    def test_progress_for_people_is_on_standard_error_and_the_result_on_standard_output(self):
        self.prepared()
        outcome = self.succeeds("backup", "cluster")
        self.assertTrue(outcome.out.strip())
        self.assertNotIn("\r", outcome.text)
        self.assertNotIn("\x1b", outcome.text, "no terminal, no colours")
        quiet = self.succeeds("backup", "cluster", "--quiet")
        self.assertEqual("", quiet.err)

    def on_a_terminal(self, *argv, **environment):
        leader, terminal = pty.openpty()
        variables = {**self.tool.environment, "TERM": "xterm-256color", **environment}
        process = subprocess.Popen([binary(), *argv], stdin=terminal, stdout=terminal, stderr=terminal, env=variables,
                                   cwd=self.folder)  # fmt: skip
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
        return process.wait(60), shown.decode(errors="replace")

    def test_colours_are_for_terminals_and_never_with_no_color(self):
        self.prepared()
        code, shown = self.on_a_terminal("backup", "cluster", "--repository", "nowhere")
        self.assertEqual(7, code)
        self.assertRegex(shown, r"\x1b\[[0-9;]+m")
        for argv, environment in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})):
            with self.subTest(argv=argv, **environment):
                code, shown = self.on_a_terminal("backup", "cluster", "--repository", "nowhere", *argv, **environment)
                self.assertEqual(7, code)
                self.assertNotRegex(shown, r"\x1b\[[0-9;]+m")

    def test_a_backup_on_a_terminal_ends_with_its_result_on_a_line_of_its_own(self):
        self.prepared()
        code, shown = self.on_a_terminal("backup", "cluster")
        self.assertEqual(0, code, shown)
        [newest, *_] = self.succeeds("list", "--json").document["backups"]
        last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.split("\r\n", 1)[-1])
        self.assertIn(newest["id"], last)

    def test_list_and_show_tell_people_what_there_is(self):
        backup = self.prepared()
        listed = self.succeeds("list").out
        self.assertIn(backup, listed)
        shown = self.succeeds("show", backup).out
        for word in ("app", "postgres", "template1", str(self.cluster.socket)):
            self.assertIn(word, shown)

    def test_a_full_standard_output_is_not_a_success(self):
        self.prepared()
        with open("/dev/full", "wb") as full:
            done = subprocess.run([binary(), "list"], stdout=full, stderr=subprocess.PIPE, env=self.tool.environment,
                                  check=False)  # fmt: skip
        self.assertNotEqual(0, done.returncode)


class Doctor(EndToEnd):
    def verdicts(self, outcome):
        return {line["check"]: line for line in outcome.document["checks"]}

    def test_a_host_that_is_ready_is_said_to_be(self):
        self.init()
        outcome = self.succeeds("doctor", "--json")
        self.assertTrue(outcome.document["ready"])
        text = self.succeeds("doctor").out.lower()
        for word in ("server", "client", "lock", "disk", "repository"):
            self.assertIn(word, text)

    def test_what_is_wrong_is_in_the_same_table_and_in_the_exit_code(self):
        outcome = self.tool.run("doctor", "--json")
        self.assert_sane(outcome)
        self.assertEqual(7, outcome.code, outcome)
        self.assertFalse(outcome.document["ready"])
        self.init()
        outcome = self.tool.run("doctor", "--json", env={"PGHOST": self.folder})
        self.assertEqual(1, outcome.code, outcome)
        failed = [line for line in outcome.document["checks"] if line["verdict"] == "failed"]
        self.assertTrue(failed)
        self.assertTrue(all(line["remedy"] for line in failed))
        pooler = self.pooler()
        outcome = self.tool.run("doctor", "--json", env=pooler.environment)
        self.assertEqual(1, outcome.code, outcome)
        self.assertIn("POOLER_IN_BETWEEN", outcome.text)
        pooler.close()


def field_names(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from field_names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from field_names(inner)


def _words(line):
    """A command as the shell would split it, up to a comment or a pipe."""
    words = shlex.split(line, comments=True)
    for stop in ("|", ">", "&&", ";"):
        if stop in words:
            words = words[: words.index(stop)]
    return words


if __name__ == "__main__":
    unittest.main()
