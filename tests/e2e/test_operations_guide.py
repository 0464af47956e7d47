"""The operations guide: its commands are tried, and its table of errors is that of the code."""

import re
import shlex
import signal
import unittest

from support.case import EndToEnd
from support.clusters import StatementFailed
from support.contents import SMALL
from support.program import SOURCE
from test_errors import codes_in_source

GUIDE = SOURCE / "docs/DBA_OPERATIONS_GUIDE.md"


def commands():
    """Every line of a code block, in order."""
    blocks = re.findall(r"(?ms)^ *```\n(.*?)^ *```", GUIDE.read_text())
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


class Guide(EndToEnd):
    def test_every_command_in_it_does_what_it_says(self):
        self.cluster.create_database("app", contents=SMALL + "create table orders (id int); insert into orders values (1);")
        self.init()
        backup = self.back_up()
        killed = self.start("restore", "cluster", "latest", "--report-dir", self.folder, "--confirm", pause=["rows-done:app"])
        killed.wait_for("rows-done:app").send(signal.SIGKILL).finish()
        [manifest] = self.folder.glob("restore-manifest-*.json")
        self.succeeds("restore", "database", "app", "--old", "keep", "--confirm")
        [kept] = [name for name in self.cluster.databases() if name.startswith("app_before_")]
        tried = 0
        for command in commands():
            with self.subTest(command=command):
                words = shlex.split(command.replace("app_before_20260130T120000Z", kept))
                tried += 1
                if words[0] == "psql":
                    try:
                        self.cluster.sql(words[words.index("-c") + 1])
                    except StatementFailed as problem:
                        self.fail(f"{command}: {problem}")
                    continue
                self.assertEqual("dbbackup", words[0])
                argv = [backup if word == "20261120T20" else word for word in words[1:]]
                argv = [str(manifest) if word.startswith("restore-manifest-") else word for word in argv]
                argv = [str(self.folder / "report.log") if word.endswith("restore.log") else word for word in argv]
                outcome = self.tool.run(*argv)
                # The examples of arithmetic come out as they are told: too few locks is an answer.
                self.assertIn(outcome.code, (0, 5) if argv[0] == "locks" else (0,), outcome)
        self.assertGreater(tried, 25)
        self.assertNotIn("app_check", self.cluster.databases())

    def test_its_table_of_errors_is_that_of_the_code(self):
        expected = [f"| [{name}](errors/{page}.md) | {title} | {code} |" for name, page, title, code in codes_in_source()]
        found = [line for line in GUIDE.read_text().splitlines() if re.match(r"\| \[[A-Z_]+\]\(errors/", line)]
        self.assertEqual(expected, found)

    def test_its_table_of_profiles_is_that_of_the_code(self):
        text = (SOURCE / "src/logical/restore_profile.cc").read_text()
        words = {16: "a sixteenth", 8: "an eighth", 4: "a quarter", 3: "a third"}
        rows = re.findall(r'Row\{Profile::\w+, "(\w+)", (\d), (\d), (\d+)\}', text)
        self.assertEqual(4, len(rows))
        for name, _, at_once, divisor in rows:
            self.assertRegex(GUIDE.read_text(), rf"\| `{name}`[^|]*\|[^|]*\| {at_once} \| {words[int(divisor)]} \|")

    def test_its_links_lead_somewhere(self):
        text = GUIDE.read_text()
        headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                    for line in text.splitlines() if line.startswith("#")}  # fmt: skip
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("#"):
                self.assertIn(target[1:], headings)
            else:
                self.assertTrue((GUIDE.parent / target.split("#")[0]).exists(), target)


if __name__ == "__main__":
    unittest.main()
