"""tools/read_repository.py, written from docs/format/ alone, reads what dbbackup writes, byte for byte."""

import hashlib
import importlib.util
import json
import re
import subprocess
import unittest

from support.program import SOURCE

READER = SOURCE / "tools" / "read_repository.py"


def load_reader():
    specification = importlib.util.spec_from_file_location("read_repository", READER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Vectors(unittest.TestCase):
    """The test vectors of docs/format/repository.md."""

    @classmethod
    def setUpClass(cls):
        cls.reader = load_reader()
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
        self.assertEqual([(frame, self.reader.Copy(pack, 500, 32, 300, self.reader.DATA_FRAME, 1))], entries)

    def test_an_index(self):
        vector = self.vector("index")
        entries = list(self.reader.read_index(vector["content"]))
        copy = self.reader.Copy(vector["pack_id"], 1000, 32, 300, self.reader.DATA_FRAME, 1)
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


if __name__ == "__main__":
    unittest.main()
