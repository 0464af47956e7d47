"""tools/read_repository.py, written from docs/format/ alone, reads what dbbackup writes, byte for byte."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import unittest

from support.backups import reader
from support.case import EndToEnd
from support.contents import wide_table
from support.program import SOURCE, binary
from support.rich import make_rich

READER = SOURCE / "tools" / "read_repository.py"


class Vectors(unittest.TestCase):
    """The test vectors of docs/format/repository.md."""

    @classmethod
    def setUpClass(cls):
        cls.reader = reader()
        cls.page = (SOURCE / "docs" / "format" / "repository.md").read_text()

    def vector(self, name):
        """The values of the vector that has this name."""
        found = re.findall(rf"^```vector {name}\n(.*?)^```", self.page, re.MULTILINE | re.DOTALL)
        self.assertEqual(1, len(found), f"vectors called {name}")
        pairs = (line.split(" = ") for line in found[0].splitlines())
        return {key: bytes.fromhex(value) for key, value in pairs}

    def keys(self, vector):
        return self.reader.Keys(vector["master"], vector["repository_id"])

    def number(self, data):
        return int.from_bytes(data, "little")

    def test_purpose_keys(self):
        vector = self.vector("purpose-key")
        for name in vector.keys() - {"master", "repository_id"}:
            self.assertEqual(vector[name], self.keys(vector).purpose(name.replace("_", "-")), name)

    def test_the_mac_of_a_config(self):
        vector = self.vector("config")
        document = json.loads(vector["text"])
        self.assertEqual(vector["text"], self.reader.compact(document))
        self.assertTrue(self.keys(vector).authentic({**document, "mac": vector["mac"].hex()}))
        self.assertFalse(self.keys(vector).authentic({**document, "version": "2", "mac": vector["mac"].hex()}))

    def test_key_slots(self):
        for name, kind, secret in (("slot-passphrase", "passphrase", "passphrase"), ("slot-keyfile", "keyfile", "key_file")):
            vector = self.vector(name)
            slot, secret = json.loads(vector["object"]), self.reader.Secret(kind, vector[secret])
            self.assertEqual(vector["object"], self.reader.compact(slot), name)
            self.assertEqual(vector["master"], self.reader.open_slot(slot, secret, vector["repository_id"]), name)
            self.assertTrue(self.keys(vector).authentic(slot), name)
            for changed in ({"label": "another"}, {"kdf": {**slot["kdf"], "salt": "00" * 16}}):
                with self.assertRaises(self.reader.Damaged, msg=f"{name} {changed}"), self.reader.reading("it"):
                    self.reader.open_slot({**slot, **changed}, secret, vector["repository_id"])

    def test_a_slot_that_asks_for_too_much_is_refused_before_anything_is_computed(self):
        kdf = json.loads(self.vector("slot-passphrase")["object"])["kdf"]
        for asked in ({"memory_kib": 1048577}, {"passes": 17}, {"memory_kib": 8191}, {"passes": 0}, {"lanes": 2}):
            with self.assertRaises(self.reader.Damaged, msg=asked):
                self.reader.Secret("passphrase", b"any").derive({**kdf, **asked})

    def test_an_epoch_record(self):
        vector = self.vector("epoch")
        recipients = [{"kind": "unheard of"}, {"kind": "master", "sealed": vector["sealed"].hex()}]
        record = {"epoch": self.number(vector["epoch"]), "recipients": recipients}
        self.assertEqual(vector["data_key"], self.keys(vector).open_epoch(record))

    def test_a_box(self):
        vector = self.vector("box")
        keys, name, box = self.keys(vector), hashlib.sha256(vector["object"]).digest(), vector["box"]
        self.assertEqual(vector["content"], self.reader.open_box(box, keys, self.reader.INDEX, name))
        for position in range(len(box)):
            changed = bytearray(box)
            changed[position] ^= 1
            with self.assertRaises(self.reader.Damaged, msg=position), self.reader.reading("it"):
                self.reader.open_box(bytes(changed), keys, self.reader.INDEX, name)

    def test_a_frame_and_a_copy_of_it_that_lacks_a_chunk(self):
        vector = self.vector("frame")
        keys, chunks, ids = self.keys(vector), [vector["chunk_0"], vector["chunk_1"]], [vector["chunk_id_0"], vector["chunk_id_1"]]
        self.assertEqual(ids, [self.reader.chunk_id(keys, chunk) for chunk in chunks])
        self.assertEqual(vector["frame_id"], self.reader.frame_id(keys, 1, [7, 5], ids))
        self.assertEqual(chunks, self.reader.read_frame(vector["content"], keys, 1, vector["frame_id"]))
        partial = self.reader.read_frame(vector["partial_content"], keys, 1, vector["frame_id"])
        self.assertEqual([None, chunks[1]], partial)

    def test_a_directory(self):
        vector = self.vector("directory")
        pack, frame = vector["pack_id"], vector["frame_id"]
        # The vector's frame id is not that of its chunks: it shows where the fields lie.
        self.reader.frame_id, real = lambda *_: frame, self.reader.frame_id
        self.addCleanup(setattr, self.reader, "frame_id", real)
        entries = list(self.reader.read_directory(vector["content"], None, pack, 1, 1, 500))
        self.assertEqual([(frame, self.reader.Copy(pack, 500, 1, 32, 300, self.reader.DATA_FRAME, 1))], entries)

    def test_an_index(self):
        vector = self.vector("index")
        entries = list(self.reader.read_index(vector["content"]))
        copy = self.reader.Copy(vector["pack_id"], 1000, 1, 32, 300, self.reader.DATA_FRAME, 1)
        self.assertEqual([(vector["frame_id"], copy)], entries)

    def test_a_stream_reference_and_an_item(self):
        vector, item = self.vector("stream-reference"), self.vector("item")
        stream = self.reader.read_stream_reference(self.reader.Fields(vector["content"]))
        extents = [self.reader.Extent(None, 0, 0, 8192), self.reader.Extent(vector["frame_id"], 3, 1, 8192)]
        self.assertEqual(self.reader.Stream(2, 16384, 0, extents), stream)
        (content,) = self.reader.split_sized([item["content"]], 1000)
        expected = (item["kind"].decode(), item["key"], item["attributes"].decode(), [stream])
        self.assertEqual(expected, self.reader.read_item(content))

    def test_pieces_of_a_stream_may_end_anywhere(self):
        records = [b"", b"a" * 200, b"b" * 20000]
        stream = b"".join([b"\x00", b"\xc8\x01" + records[1], b"\xa0\x9c\x01" + records[2]])
        for size in (1, 7, 5000, 10**6):
            pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
            self.assertEqual(records, list(self.reader.split_sized(pieces, 20000)))
            with self.assertRaises(self.reader.Damaged):
                list(self.reader.split_sized(pieces, 19999))
            with self.assertRaises(self.reader.Damaged):
                list(self.reader.split_sized([*pieces, b"\x03ab"], 20000))


class ReadsWhatDbbackupWrites(EndToEnd):
    """The reader in a process of its own, as in an emergency."""

    def read(self, *argv, code=0):
        done = subprocess.run([READER, *map(str, argv)], capture_output=True, check=False, timeout=120)
        self.assertEqual(code, done.returncode, done.stderr.decode())
        return done

    def extracted(self, backup, *options):
        """Its items, and for each the bytes of its parts, as the reader writes them to a folder."""
        folder = self.folder / "extracted"
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.read(*options, "extract", self.tool.repository, backup, folder)
        items = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
        for item in items:  # names in databases of encoding SQL_ASCII may be no text
            item["key"] = item["key"] if isinstance(item["key"], str) else os.fsdecode(bytes.fromhex(item["key"]["hex"]))
        contents = {item["key"]: [(folder / part["file"]).read_bytes() for part in item["parts"]] for item in items}
        self.assertEqual(sum(len(item["parts"]) for item in items) + 2, sum(1 for _ in folder.iterdir()), "files of the folder")
        for item in items:
            for part in item["parts"]:
                del part["file"]
        shutil.rmtree(folder)
        return items, contents

    def cat(self, backup, key, *options):
        done = subprocess.run([binary(), "cat", backup, key, *options], env=self.tool.environment, capture_output=True,
                              check=False, timeout=60)  # fmt: skip
        self.assertEqual(0, done.returncode, done.stderr.decode())
        return done.stdout

    def assert_agree(self, backup, *options, known=None):
        """Both programs say and give the same. Returns the contents by key. `known`: those of the backup before, which both
        agreed on; of what has not changed since, only some is read by both again."""
        items, contents = self.extracted(backup, *options)
        replaced = [{**item, "key": os.fsencode(item["key"]).decode(errors="replace")} for item in items]
        self.assertEqual(self.succeeds("show", backup, "--items", "--json").document["items"], replaced)
        for key, parts in contents.items():
            if known and known.get(key) == parts and self.random.random() < 0.8:
                continue
            self.assertTrue(b"".join(parts) == self.cat(backup, key), key)
        return contents

    def rows_of(self, contents, database, table, schema="public"):
        return sorted(b"".join(contents[f"database/{database}/table/{schema}/{table}"]).decode().splitlines())

    def test_a_rich_cluster_and_an_incremental_backup_of_it(self):
        make_rich(self.cluster, self.folder)
        self.cluster.create_database("parts", contents=wide_table("wide", 8))
        self.init()
        first = self.back_up()
        contents = self.assert_agree(first)
        self.assertGreater(len(contents), 50)
        self.cluster.sql("update wide set c = c + 1 where id % 1000 = 0; create table fresh as select 'new' as v", "parts")
        second = self.back_up()
        changed = self.assert_agree(second, known=contents)
        self.assertTrue(self.rows_of(contents, "parts", "wide") != self.rows_of(changed, "parts", "wide"))
        self.assertEqual(["new"], self.rows_of(changed, "parts", "fresh"))
        # What both agree on is what the server says, too.
        copy = sorted(self.cluster.sql("copy wide to stdout", "parts").splitlines())
        self.assertTrue(copy == self.rows_of(changed, "parts", "wide"), (len(copy), copy[:2]))
        # And what the reader says of the earlier one has not changed, with the index or without it.
        self.assertTrue(contents == self.extracted(first)[1])
        self.assertTrue(contents == self.extracted(first, "--without-index")[1])
        listed = [json.loads(line) for line in self.read("--json", "list", self.tool.repository).stdout.splitlines()]
        self.assertEqual([first, second], [manifest["id"] for manifest in listed])

    def test_a_part_of_an_item_and_mistakes_in_naming_one(self):
        self.cluster.create_database("app", contents="create table t as select 1 as a;")
        self.init()
        backup = self.back_up()
        self.assertEqual(b"1\n", self.cat(backup, "database/app/table/public/t", "--part", "0"))
        self.fails_with("USAGE", "cat", backup, "database/app/table/public/t", "--part", "1")
        self.fails_with("USAGE", "cat", backup, "database/app/table/public/nothing")
        self.assertEqual(b"1\n", self.read("cat", self.tool.repository, backup[:18], "database/app/table/public/t").stdout)
        self.assertIn(b"no item", self.read("cat", self.tool.repository, backup, "nothing", code=1).stderr)
        self.assertIn(b"0 backups", self.read("items", self.tool.repository, "2020", code=1).stderr)
        self.assertIn(b"not a repository", self.read("list", self.folder / "nothing", code=1).stderr)

    def test_a_key_that_looks_like_a_way_out_of_the_folder_is_none(self):
        self.cluster.create_database("../../..", contents='create table "/etc/passwd" as select 1 as a;')
        self.init()
        items, contents = self.extracted(self.back_up())
        self.assertIn("database/..%2F..%2F../table/public/%2Fetc%2Fpasswd", contents)

    def test_every_flipped_byte_that_matters_is_found(self):
        self.cluster.create_database("app", contents=wide_table("wide", 1))
        self.init()
        backup = self.back_up()
        _, sound = self.extracted(backup)
        for path in self.tool.repository_files():
            with self.subTest(path=path):
                whole = path.read_bytes()
                positions = {0, len(whole) - 1, *(self.random.randrange(len(whole)) for _ in range(6))}
                for position in positions:
                    path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x40]) + whole[position + 1 :])
                    done = subprocess.run([READER, "extract", self.tool.repository, backup, self.folder / "broken"],
                                          capture_output=True, check=False, timeout=120)  # fmt: skip
                    shutil.rmtree(self.folder / "broken", ignore_errors=True)
                    # A directory is not read where there is an index.
                    needed = "packs" not in path.parts or position < int.from_bytes(whole[-32:-24], "little")
                    if needed:
                        self.assertIn(done.returncode, (1, 3), f"byte {position} of {path}")
                    self.assertNotIn(b"Traceback", done.stderr)
                path.write_bytes(whole)
        self.assertTrue(sound == self.extracted(backup)[1])

    def test_an_encrypted_repository_with_two_keys_and_two_epochs(self):
        passphrase, wrong, key_file = (self.folder / name for name in ("passphrase", "wrong", "key-file"))
        passphrase.write_text("corr\u00e9ct horse\n")
        wrong.write_text("correct horse\n")
        for file in (passphrase, wrong):
            file.chmod(0o600)
        self.cluster.create_database("app", contents=wide_table("wide", 1))
        self.succeeds("init", "--encryption", "passphrase", "--passphrase-file", passphrase)
        self.tool.environment["DBBACKUP_PASSPHRASE_FILE"] = str(passphrase)
        backups = [self.back_up()]
        self.succeeds("key", "add", "--new-key-file", key_file)
        self.succeeds("key", "rotate")
        self.cluster.sql("update wide set c = c + 1 where id % 10 = 0", "app")
        backups.append(self.back_up())
        for backup in backups:
            by_passphrase = self.assert_agree(backup, "--passphrase-file", passphrase)
            self.assertTrue(by_passphrase == self.extracted(backup, "--key-file", key_file)[1])
            self.assertTrue(by_passphrase == self.extracted(backup, "--key-file", key_file, "--without-index")[1])
        self.assertIn(b"is encrypted", self.read("list", self.tool.repository, code=1).stderr)
        self.assertIn(b"opens none", self.read("--passphrase-file", wrong, "list", self.tool.repository, code=1).stderr)
        # Nothing of what was saved, nor of its names, lies there in clear.
        stored = b"".join(path.read_bytes() for path in self.tool.repository_files())
        for word in (b"wide", b"app/table", self.cluster.value("select a from wide limit 1", "app").encode()):
            self.assertNotIn(word, stored)

    def test_a_key_for_a_repository_that_is_not_encrypted_is_refused(self):
        self.init()
        file = self.folder / "passphrase"
        file.write_text("any\n")
        self.assertIn(b"not encrypted", self.read("--passphrase-file", file, "list", self.tool.repository, code=1).stderr)


if __name__ == "__main__":
    unittest.main()
