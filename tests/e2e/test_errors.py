"""Every error the program can give has its page, its exit code, and a test that provokes it from outside."""

import re
import unittest
from pathlib import Path

from support.case import EndToEnd
from support.contents import SMALL, wide_table
from support.program import EXIT_CODES, SOURCE

HERE = Path(__file__).resolve().parent

# What no test provokes, and why.
NOT_PROVOKED = {
    "ARCHIVE_TOO_NEW": "it takes a pg_dump that does not exist yet; archive_toc_test.cc makes up its archive",
    "INTERNAL": "a bug: the one that could be provoked would be mended instead",
    "CONFIRMATION_NEEDED": "reserved: without --confirm, a command prints its plan and ends well",
}

EXIT_CODE_NAMES = {"kDone": 0, "kConnectionOrPermission": 1, "kDiskSpace": 2, "kVerificationFailed": 3, "kPartial": 4,
                   "kRefused": 5, "kFailed": 6, "kRepositoryUnusable": 7, "kUsage": 64, "kInternal": 70,
                   "kCancelled": 130}  # fmt: skip


def codes_in_source():
    """Name, page, title, exit code of each line of the table in the source."""
    text = (SOURCE / "src/base/error_code.cc").read_text()
    pattern = r'ErrorCodeInfo\{\s*[\w:]+,\s*"([A-Z_]+)",\s*"([a-z-]+)",\s*"([^"]+)",\s*(?:\w+::)?(k\w+)\s*\}'
    return [(name, page, title, EXIT_CODE_NAMES[code]) for name, page, title, code in re.findall(pattern, text)]


class Table(unittest.TestCase):
    def test_the_source_has_the_codes_and_exit_codes_of_the_interface(self):
        found = {name: code for name, _, _, code in codes_in_source()}
        self.assertEqual(EXIT_CODES, found)

    def test_every_code_has_a_page_with_its_title_and_its_solutions(self):
        for name, page, title, _ in codes_in_source():
            with self.subTest(name):
                text = (SOURCE / "docs/errors" / f"{page}.md").read_text()
                self.assertIn(name, text)
                self.assertIn(title, text)

    def test_every_exit_code_is_documented(self):
        text = (SOURCE / "docs/exit-codes.md").read_text()
        for code in sorted(set(EXIT_CODE_NAMES.values())):
            self.assertRegex(text, rf"(?m)^\|?\s*`?{code}`?\s*\|", f"exit code {code}")

    def test_every_code_is_provoked_by_a_test(self):
        tests = {path.name: path.read_text() for path in HERE.glob("test_*.py") if path.name != Path(__file__).name}
        tests[Path(__file__).name] = Path(__file__).read_text().rsplit("class Provoked", 1)[1]
        for name, *_ in codes_in_source():
            with self.subTest(name):
                asserted = re.compile(rf'(fails_with|failed_with|startswith|assertIn|assertEqual)\(\s*\(?"{name}"|, "{name}"')
                where = [file for file, text in tests.items() if asserted.search(text)]
                if name in NOT_PROVOKED:
                    self.assertEqual([], where, "take it off the list of those that are not provoked")
                else:
                    self.assertTrue(where, f"no test provokes {name}")


class Provoked(EndToEnd):
    """Those that no theme of its own provokes."""

    def test_a_statement_that_the_server_fails_is_a_server_error(self):
        self.init()
        self.cluster.create_database("app", contents=SMALL)
        # A catalog that contradicts itself.
        self.cluster.sql("""
            set allow_system_table_mods = on;
            delete from pg_attribute where attrelid = 'stock.item'::regclass and attname = 'name'""", "app")  # fmt: skip
        outcome = self.fails_with("SERVER_ERROR", "backup", "database", "app")
        self.assertIn("pg_attribute", outcome.error["message"])
        self.assertEqual("XX000", outcome.error["sqlstate"])

    def test_permission_denied_names_who_lacks_what(self):
        self.init()
        self.cluster.sql("create role limited login")
        self.cluster.create_database("closed")
        self.cluster.sql("revoke connect on database closed from public")
        outcome = self.fails_with("PERMISSION_DENIED", "backup", "database", "closed", "-U", "limited")
        self.assertIn("closed", outcome.text)

    def test_errors_for_people_and_for_scripts_say_the_same(self):
        self.init()
        for argv, environment in (
            (["show", "nonsense"], {}),
            (["backup", "database", "nowhere"], {}),
            (["backup", "cluster"], {"PGHOST": str(self.folder)}),
            (["list", "--config", "nowhere.yaml"], {}),
            (["nonsense"], {}),
        ):
            with self.subTest(argv=argv):
                script = self.tool.run(*argv, "--json", env=environment)
                people = self.tool.run(*argv, env=environment)
                self.assertEqual(script.code, people.code)
                error = script.error
                text = re.sub(r"\s+", " ", people.err)
                self.assertIn(f"Code: {error['code']}", text)
                for words in [error["title"], error["message"], *error["solution"]]:
                    self.assertIn(re.sub(r"\s+", " ", words), text)
                self.assertEqual(f"docs/errors/{error['documentation'].split('/')[-1]}", error["documentation"])

    def test_a_restore_that_cannot_be_finished_says_which_database_and_why(self):
        self.init()
        self.cluster.create_database("app", contents=wide_table("wide", 1))
        self.back_up()
        running = self.start("restore", "database", "app", "--as", "copy", "--confirm", "--json", pause=["pre-data-done"])
        running.wait_for("pre-data-done")
        self.cluster.sql("create function swallow() returns trigger language plpgsql as 'begin return null; end'; "
                         "create trigger swallow before insert on wide for each row execute function swallow()",
                         self.cluster.staging_database())  # fmt: skip
        outcome = running.go("pre-data-done").finish()
        self.failed_with("RESTORE_FAILED", outcome)
        self.assertIn("wide", outcome.text)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
