#!/usr/bin/python3
"""Reads a dbbackup repository without dbbackup: lists its backups, and extracts every stream of a backup.

Written from docs/format/repository.md alone, in the order of that page, and checks all that the page lets a reader check.
What the streams hold is said in docs/format/logical.md: rows as COPY text, schemas as pg_dump archives.

    read_repository.py list    /srv/backups
    read_repository.py items   /srv/backups latest
    read_repository.py cat     /srv/backups latest globals
    read_repository.py extract /srv/backups 20261120T201502Z-c3f9 /tmp/everything

Needs Python 3.11 and Debian's python3-cryptography, python3-zstandard and (for passphrases) python3-argon2.
The repository is a folder; it is never written to. Exit code 3: something in it is damaged; 1: anything else.
"""

import argparse
import contextlib
import datetime
import functools
import hashlib
import hmac
import json
import pathlib
import re
import struct
import sys
from typing import NamedTuple

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
DATA_FRAME, METADATA_FRAME, DIRECTORY, INDEX, MANIFEST = 1, 2, 3, 4, 5  # kinds of boxes
CLASSES = {1: "rows", 2: "pages", 3: "records", 4: "bytes", 5: "metadata"}
METADATA = 5


class Refused(Exception):
    """Not something this program can or may read."""


class Damaged(Exception):
    """What is stored is not what was stored once."""


@contextlib.contextmanager
def reading(what):
    """Says what was read when something was wrong with it."""
    try:
        yield
    except Damaged as problem:
        raise Damaged(f"{what}: {problem}") from problem
    except InvalidTag as problem:
        raise Damaged(f"{what}: the tag is wrong") from problem
    except (AttributeError, KeyError, OSError, TypeError, ValueError, struct.error, zstandard.ZstdError) as problem:
        raise Damaged(f"{what}: {type(problem).__name__}: {problem}") from problem


def demand(condition, what):
    if not condition:
        raise Damaged(what)


# ---- Conventions ------------------------------------------------------------------------------------------------------


def mac(key, message):
    return hmac.digest(key, message, "sha256")


def hkdf(secret, salt, info):
    return mac(mac(salt, secret), info + b"\x01")


def compact(document, *left_out):
    """The text a MAC is computed of. (Code points sort as their UTF-8 bytes do.)"""
    rest = {name: value for name, value in document.items() if name not in left_out}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Fields:
    """A sequence of fields, read from the front."""

    def __init__(self, data):
        self.data, self.position = memoryview(data), 0

    def left(self):
        return len(self.data) - self.position

    def take(self, size):
        demand(size <= self.left(), f"{size} bytes are wanted, {self.left()} are there")
        self.position += size
        return bytes(self.data[self.position - size : self.position])

    def u8(self):
        return self.take(1)[0]

    def varint(self, least=0, most=2**64 - 1):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                demand(least <= value <= most, f"the number {value} is not from {least} to {most}")
                return value
        raise Damaged("a number has more than ten bytes")

    def count(self, most=2**64 - 1):
        """Of things that follow here, each of which takes a byte or more."""
        return self.varint(most=min(most, self.left()))

    def sized(self):
        return self.take(self.count())

    def record(self):
        """Its fields. What is left of them is skipped, whatever it is."""
        return Fields(self.sized())


def split_sized(pieces, most):
    """The contents of the `sized` that follow each other in a stream, which comes in pieces."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while True:
            ends = next((n for n, byte in enumerate(buffer[:10], 1) if byte < 0x80), 10)
            if len(buffer) < ends:
                break
            size = Fields(bytes(buffer[:ends])).varint(most=most)
            if len(buffer) < ends + size:
                break
            yield bytes(buffer[ends : ends + size])
            del buffer[: ends + size]
    demand(not buffer, "the stream ends within a record")


# ---- Keys -------------------------------------------------------------------------------------------------------------


class Secret(NamedTuple):
    """What a person has to open an encrypted repository with."""

    kind: str  # passphrase or keyfile
    value: bytes

    def derive(self, kdf):
        salt = bytes.fromhex(kdf["salt"])
        demand(len(salt) == 16, "the salt has not 16 bytes")
        if self.kind == "keyfile":
            demand(kdf["name"] == "hkdf" and 32 <= len(self.value) <= 65536, "an unknown way to a key, or no key file")
            return self.value
        demand(kdf["name"] == "argon2id" and kdf["lanes"] == 1, "unknown way from a passphrase to a key")
        demand(8192 <= kdf["memory_kib"] <= 1048576 and 1 <= kdf["passes"] <= 16, "the slot asks for too much or too little")
        import argon2.low_level as argon2

        return argon2.hash_secret_raw(self.value, salt, kdf["passes"], kdf["memory_kib"], 1, 32, argon2.Type.ID, version=19)


class Keys:
    """The purpose keys of a repository, and the data keys of its epochs."""

    def __init__(self, master, repository_id, epoch_record=None):
        """`epoch_record` reads the record of the epoch of a number."""
        demand(len(master) == 32 and len(repository_id) == 16, "a key or an id has the wrong length")
        self.master, self.repository_id, self.epoch_record = master, repository_id, epoch_record

    @functools.cache
    def purpose(self, label):
        return hkdf(self.master, self.repository_id, b"dbbackup/1 " + label.encode())

    def authentic(self, document):
        """Whether the JSON object was written by somebody who had the master key."""
        return hmac.compare_digest(mac(self.purpose("document"), compact(document, "mac")).hex(), document["mac"])

    @functools.cache
    def data_key(self, epoch):
        return self.open_epoch(self.epoch_record(epoch))

    def open_epoch(self, document):
        """The data key in an epoch record."""
        number = struct.pack("<I", document["epoch"])
        for recipient in document["recipients"]:
            if recipient["kind"] == "master":
                sealed, bound = bytes.fromhex(recipient["sealed"]), b"dbbackup/1 epoch" + self.repository_id + number
                demand(len(sealed) == 12 + 32 + 16, "the sealed key has the wrong length")
                return AESGCM(self.purpose("epoch")).decrypt(sealed[:12], sealed[12:], bound)
        raise Refused(f"epoch {document['epoch']}: none of its recipients can be opened with the master key")


def open_slot(document, secret, repository_id):
    """The master key in a key slot. Throws InvalidTag when the secret is not the slot's."""
    salt = bytes.fromhex(document["kdf"]["salt"])
    key = hkdf(secret.derive(document["kdf"]), salt, b"dbbackup/1 slot " + repository_id)
    bound = b"dbbackup/1 slot" + repository_id + hashlib.sha256(compact(document, "sealed", "mac")).digest()
    sealed = bytes.fromhex(document["sealed"])
    demand(len(sealed) == 12 + 32 + 16, "the sealed key has the wrong length")
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], bound)


# ---- Box --------------------------------------------------------------------------------------------------------------

BOX_HEADER = struct.Struct("<4s 4B 3I 32s 12s")
BOX_FRAME_BYTES = 64 + MIB + 64 * KIB + 16  # the most a frame's box has
BOX_BYTES = 64 + 64 * MIB + 64 * KIB + 16  # the most another box has


def open_box(box, keys, kind, name):
    """The content of a box, which must be of this kind and name."""
    magic, its_kind, codec, seal, flags, epoch, plain, sealed, its_name, nonce = BOX_HEADER.unpack_from(box)
    demand(magic == b"dbBX", "there is no box here")
    demand((its_kind, its_name) == (kind, name), "the box is another one than it should be")
    demand(codec in (0, 1) and seal == 1 and flags == 0, "an unknown codec, seal or flag")
    demand(plain <= (MIB if kind in (DATA_FRAME, METADATA_FRAME) else 64 * MIB), "too long")
    demand(sealed <= plain + 64 * KIB and len(box) == 64 + sealed + 16, "the lengths disagree")
    if kind == DATA_FRAME:
        base = keys.data_key(epoch)
    else:
        base = keys.purpose("manifest" if kind == MANIFEST else "metadata")
    info = b"dbbackup/1 box" + struct.pack("<BI", kind, epoch) + name
    bound = b"dbbackup/1" + keys.repository_id + box[:52]
    content = AESGCM(hkdf(base, keys.repository_id, info)).decrypt(nonce, box[64:], bound)
    if codec == 1:  # never more than one byte too much, whatever the zstd frame claims of itself
        content = zstandard.ZstdDecompressor(max_window_size=128 * MIB).stream_reader(content).read(plain + 1)
    demand(len(content) == plain, "the content has not the length it should have")
    return content


# ---- Chunk and frame --------------------------------------------------------------------------------------------------


def chunk_id(keys, chunk):
    return mac(keys.purpose("chunk-id"), chunk)[:16]


def frame_id(keys, klass, lengths, ids):
    listed = b"".join(struct.pack("<I", length) + id16 for length, id16 in zip(lengths, ids, strict=True))
    return mac(keys.purpose("frame-id"), struct.pack("<BI", klass, len(lengths)) + listed)


def read_bitmap(fields, flags, number):
    """Which of so many chunks are there."""
    demand(flags in (0, 1), "an unknown flag")
    bitmap = fields.take((number + 7) // 8) if flags else b"\xff" * number
    return [bool(bitmap[i // 8] >> i % 8 & 1) for i in range(number)]


def read_frame(content, keys, klass, wanted_id):
    """The chunks of a frame, None for those this copy lacks."""
    (trailer,) = struct.unpack("<I", content[-4:])
    demand(trailer <= len(content) - 4, "the trailer is longer than the frame")
    end = len(content) - 4 - trailer
    fields = Fields(content[end:-4])
    its_class, flags, number = fields.u8(), fields.u8(), fields.varint(1, 4096)
    demand(its_class == klass, "the frame is of another class")
    lengths = [fields.varint(1, 16384) for _ in range(number)]
    present = read_bitmap(fields, flags, number)
    demand(sum(length for length, there in zip(lengths, present) if there) == end, "the chunks' lengths do not add up")
    chunks, ids, position = [], [], 0
    for length, there in zip(lengths, present):
        chunks.append(content[position : position + length] if there else None)
        ids.append(chunk_id(keys, chunks[-1]) if there else fields.take(16))
        position += length if there else 0
    demand(frame_id(keys, klass, lengths, ids) == wanted_id, "the chunks are not those of the frame")
    return chunks


# ---- Pack and index ---------------------------------------------------------------------------------------------------


class Copy(NamedTuple):
    """Where a copy of a frame lies."""

    pack: bytes
    pack_size: int
    epoch: int
    offset: int
    length: int
    kind: int
    chunks: int


def pack_name(pack):
    return f"packs/{pack.hex()[:2]}/{pack.hex()}"


def read_directory(content, keys, pack, epoch, frames, pack_size):
    """(frame id, copy) for each frame of a pack."""
    fields = Fields(content)
    head = fields.record()
    demand((head.take(16), head.varint(), head.varint()) == (pack, epoch, frames), "the directory is that of another pack")
    for _ in range(frames):
        entry = fields.record()
        id32, offset, length, kind, klass, flags = entry.take(32), entry.varint(), entry.varint(), *entry.take(3)
        number = entry.varint(1, 4096)
        lengths = [entry.varint(1, 16384) for _ in range(number)]
        ids = [entry.take(16) for _ in range(number)]
        read_bitmap(entry, flags, number)
        demand(kind == (METADATA_FRAME if klass == METADATA else DATA_FRAME), "the frame's kind is not that of its class")
        demand(frame_id(keys, klass, lengths, ids) == id32, "a frame's id is not that of its chunks")
        yield id32, Copy(pack, pack_size, epoch, offset, length, kind, number)


def read_index(content):
    """(frame id, copy) for each frame of an index object."""
    fields = Fields(content)
    for _ in range(fields.record().varint()):
        head = fields.record()
        pack, size, epoch, frames = head.take(16), head.varint(most=GIB), head.varint(), head.varint()
        for _ in range(frames):
            entry = fields.record()
            id32, offset, length, kind, flags = entry.take(32), entry.varint(), entry.varint(), entry.u8(), entry.u8()
            demand(flags in (0, 1) and offset + length <= size and length <= BOX_FRAME_BYTES, "a frame lies where none can be")
            yield id32, Copy(pack, size, epoch, offset, length, kind, entry.varint(1, 4096))
    demand(not fields.left(), "more packs follow than were announced")


# ---- Recipe, item list, manifest --------------------------------------------------------------------------------------


class Extent(NamedTuple):
    frame: bytes | None  # None: a hole
    first: int
    count: int
    size: int  # bytes


class Stream(NamedTuple):
    klass: int
    size: int  # bytes
    depth: int
    block: list  # of extents


class Item(NamedTuple):
    kind: str
    key: bytes
    attributes: str  # JSON
    parts: list  # of streams


def read_block(data):
    """The extents of a recipe block."""
    demand(len(data) <= MIB, "a recipe block is too long")
    if not data:
        return []
    fields = Fields(data)
    frames = [fields.take(32) for _ in range(fields.count(65536))]
    extents = []
    for _ in range(fields.count()):
        number = fields.varint(most=len(frames))
        if number == 0:
            extents.append(Extent(None, 0, 0, fields.varint()))
        else:
            extents.append(Extent(frames[number - 1], fields.varint(), fields.varint(least=1), fields.varint()))
    return extents


def read_stream_reference(fields):
    klass, size, depth = fields.u8(), fields.varint(), fields.varint(most=8)
    demand(klass in CLASSES, "an unknown class")
    return Stream(klass, size, depth, read_block(fields.sized()))


def read_item(data):
    fields = Fields(data)
    kind, key, attributes = fields.sized().decode(), fields.sized(), fields.sized().decode()
    return Item(kind, key, attributes, [read_stream_reference(fields.record()) for _ in range(fields.count())])


# ---- Repository -------------------------------------------------------------------------------------------------------


class Repository:
    """A folder with a repository in it. `secret` opens an encrypted one, and only such."""

    def __init__(self, folder, secret=None, without_index=False):
        self.folder, self.without_index = pathlib.Path(folder), without_index
        self.frame = functools.lru_cache(maxsize=64)(self._frame)
        if not (self.folder / "config").is_file():
            raise Refused(f"{folder} is not a repository: there is no config in it")
        with reading("config"):
            config = self.json("config", "dbbackup-repository")
            if config["version"] != "1":
                raise Refused(f"the repository is of version {config['version']!r}, this program reads 1")
            repository_id = bytes.fromhex(config["repository_id"])
            master = self.master_key(config["encryption"], repository_id, secret)
            self.keys = Keys(master, repository_id, self.epoch_record)
            demand(self.keys.authentic(config), "its MAC is wrong")
            if config["features"]["required"]:
                raise Refused(f"the repository needs what this program does not know: {config['features']['required']}")

    def epoch_record(self, epoch):
        name = f"keys/epoch-{epoch:08x}"
        with reading(name):
            record = self.json(name, "dbbackup-epoch")
            demand(self.keys.authentic(record) and record["epoch"] == epoch, "its MAC or number is wrong")
            return record

    def master_key(self, encryption, repository_id, secret):
        if encryption["kind"] == "none":
            if secret:
                raise Refused("a key was given, but the repository is not encrypted. Is it the one you mean?")
            return bytes.fromhex(encryption["master_key"])
        if encryption["kind"] != "slots":
            raise Refused(f"the repository is encrypted in a way this program does not know: {encryption['kind']!r}")
        if not secret:
            raise Refused("the repository is encrypted: give --passphrase-file or --key-file")
        slots, problems = self.names("keys", r"slot-[0-9a-f]{16}"), []
        demand(1 <= len(slots) <= 64, f"there are {len(slots)} key slots")
        for name in sorted(slots, key=self.cost_of_slot):
            try:
                with reading(name):
                    slot = self.json(name, "dbbackup-key-slot")
                    demand(slot["id"] == name[-16:], "it is the slot of another id")
                    if slot["kind"] == secret.kind:
                        master = open_slot(slot, secret, repository_id)
                        demand(Keys(master, repository_id).authentic(slot), "its MAC is wrong")
                        return master
            except Damaged as problem:  # also: not the slot of this secret
                problems.append(str(problem))
        raise Refused("\n  ".join([f"the {secret.kind} opens none of the {len(slots)} key slots", *problems]))

    def cost_of_slot(self, name):
        with contextlib.suppress(Damaged), reading(name):
            kdf = self.json(name, "dbbackup-key-slot")["kdf"]
            return kdf.get("memory_kib", 0) * kdf.get("passes", 0)
        return 0

    def names(self, folder, pattern):
        """Names of objects, sorted. What does not look like one is none."""
        paths = (self.folder / folder).glob("*")
        return sorted(f"{folder}/{path.name}" for path in paths if re.fullmatch(pattern, path.name))

    def object(self, name, most):
        with open(self.folder / name, "rb") as file:
            data = file.read(most + 1)
        demand(len(data) <= most, f"it has more than {most} bytes")
        return data

    def json(self, name, its_format):
        document = json.loads(self.object(name, 64 * KIB))
        demand(document["format"] == its_format, f"its format is not {its_format}")
        return document

    def box(self, name, kind):
        """The content of an object that is one box."""
        with reading(name):
            return open_box(self.object(name, BOX_BYTES), self.keys, kind, hashlib.sha256(name.encode()).digest())

    def manifest(self, backup):
        content = self.box(f"backups/{backup}", MANIFEST)
        with reading(f"backups/{backup}"):
            manifest = json.loads(content)
            demand((manifest["format"], manifest["id"]) == ("dbbackup-manifest", backup), "it is that of another backup")
            if manifest["required"]:
                raise Refused(f"backup {backup} needs what this program does not know: {manifest['required']}")
            return manifest

    def backups(self):
        """The manifests, oldest first."""
        names = self.names("backups", r"\d{8}T\d{6}Z-[0-9a-f]{16}")
        return sorted((self.manifest(name[8:]) for name in names), key=lambda found: (found["started_us"], found["id"]))

    def find(self, wanted):
        """The manifest of the backup with this id, beginning of an id, or `latest`."""
        if wanted == "latest":
            found = self.backups()[-1:]
        else:
            names = [name[8:] for name in self.names("backups", r"\d{8}T\d{6}Z-[0-9a-f]{16}")]
            found = [self.manifest(name) for name in names if name.startswith(wanted)]
        if len(found) != 1:
            raise Refused(f"{len(found)} backups are called {wanted!r}")
        return found[0]

    @functools.cached_property
    def copies(self):
        """The copies of each frame, by its id. Read after the manifest."""
        found = {}
        for id32, copy in self.copies_by_directories() if self.without_index else self.copies_by_index():
            if copy not in found.setdefault(id32, []):
                found[id32].append(copy)
        return found

    def copies_by_index(self):
        for name in self.names("index", r"[0-9a-f]{32}"):
            with reading(name):
                yield from read_index(self.box(name, INDEX))

    def copies_by_directories(self):
        for folder in self.names("packs", r"[0-9a-f]{2}"):
            for name in self.names(folder, rf"{folder[-2:]}[0-9a-f]{{30}}"):
                with reading(name), open(self.folder / name, "rb") as file:
                    pack, size = bytes.fromhex(name[-32:]), file.seek(0, 2)
                    demand(64 < size <= GIB, f"a pack cannot have {size} bytes")
                    file.seek(size - 32)
                    offset, length, frames, magic = struct.unpack("<3Q8s", file.read(32))
                    demand(magic == b"DBBPEND\x01" and length <= BOX_BYTES, "it does not end as a pack")
                    demand(offset + length == size - 32, "the directory does not end where the trailer begins")
                    epoch = self.pack_epoch(file, pack)
                    file.seek(offset)
                    content = open_box(file.read(length), self.keys, DIRECTORY, hashlib.sha256(name.encode()).digest())
                    end = 32
                    for id32, copy in read_directory(content, self.keys, pack, epoch, frames, size):
                        demand(copy.offset == end, "the frames do not lie one after the other")
                        end += copy.length
                        yield id32, copy
                    demand(end == offset, "the last frame does not end where the directory begins")

    def pack_epoch(self, file, pack):
        file.seek(0)
        magic, its_id, epoch, zero = struct.unpack("<8s16s2I", file.read(32))
        demand((magic, its_id, zero) == (b"DBBPACK\x01", pack, 0), "it does not begin as this pack")
        return epoch

    def _frame(self, id32, klass, copy):
        name = pack_name(copy.pack)
        with reading(f"frame {id32.hex()} in {name}"), open(self.folder / name, "rb") as file:
            demand(file.seek(0, 2) == copy.pack_size, "the pack has not the size it should have")
            demand(self.pack_epoch(file, copy.pack) == copy.epoch, "the pack is of another epoch")
            file.seek(copy.offset)
            kind = METADATA_FRAME if klass == METADATA else DATA_FRAME
            demand(copy.kind == kind, "the index says that it is of another kind")
            chunks = read_frame(open_box(file.read(copy.length), self.keys, kind, id32), self.keys, klass, id32)
            demand(len(chunks) == copy.chunks, "the index gives another number of chunks")
            return chunks

    def extent(self, extent, klass):
        """The bytes of an extent, in pieces: from whichever copy of its frame has them."""
        if extent.frame is None:
            return (bytes(min(MIB, extent.size - start)) for start in range(0, extent.size, MIB))
        problems = []
        for copy in self.copies.get(extent.frame, []):
            try:
                chunks = self.frame(extent.frame, klass, copy)[extent.first : extent.first + extent.count]
                demand(len(chunks) == extent.count, "it has fewer chunks than are wanted of it")
                demand(None not in chunks, "this copy lacks chunks that are wanted")
                demand(sum(map(len, chunks)) == extent.size, "the chunks have another length than the recipe says")
                return chunks
            except Damaged as problem:
                problems.append(str(problem))
        raise Damaged("; ".join(problems) or f"frame {extent.frame.hex()} is in no pack that is known")

    def stream(self, stream):
        """The bytes of a stream, in pieces."""
        blocks, size = iter([stream.block]), 0
        for _ in range(stream.depth):
            pieces = (piece for block in blocks for extent in block for piece in self.extent(extent, METADATA))
            blocks = map(read_block, split_sized(pieces, MIB))
        for block in blocks:
            for extent in block:
                size += extent.size
                demand(size <= stream.size, "the extents have more bytes than the stream")
                yield from self.extent(extent, stream.klass)
        demand(size == stream.size, "the extents have fewer bytes than the stream")

    def items(self, manifest):
        """The items of a backup, in order of their keys."""
        with reading(f"item list of {manifest['id']}"):
            fields = Fields(bytes.fromhex(manifest["items"]))
            stream, before = read_stream_reference(fields.record()), None
            demand(stream.klass == METADATA, "it is of another class")
            for data in split_sized(self.stream(stream), 64 * MIB):
                item = read_item(data)
                demand(before is None or before < item.key, f"{item.key!r} does not come in order")
                before = item.key
                yield item


# ---- Commands ---------------------------------------------------------------------------------------------------------


def text(data):
    """Bytes for a JSON document: as text where they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def show(as_json, document, line):
    print(json.dumps(document, ensure_ascii=False) if as_json else line)


def list_backups(repository, arguments):
    for manifest in repository.backups():
        began = datetime.datetime.fromtimestamp(manifest["started_us"] // 10**6, datetime.UTC)
        state = "complete" if manifest["complete"] else "incomplete"
        size = manifest["totals"]["logical_bytes"]
        line = f"{manifest['id']}  {began:%F %T}  {manifest['kind']:8}  {state:10}  {size:>15,}  {manifest['source']}"
        show(arguments.json, manifest, line)


def list_items(repository, arguments):
    for item in repository.items(repository.find(arguments.backup)):
        document = {"kind": item.kind, "key": text(item.key), "attributes": json.loads(item.attributes),
                    "parts": [{"class": CLASSES[part.klass], "bytes": part.size} for part in item.parts]}  # fmt: skip
        key, size = item.key.decode(errors="backslashreplace"), sum(part.size for part in item.parts)
        show(arguments.json, document, f"{item.kind:14}  {size:>15,}  {len(item.parts):>5}  {key}")


def print_item(repository, arguments):
    for item in repository.items(repository.find(arguments.backup)):
        if item.key == arguments.key.encode(errors="surrogateescape"):
            for number, part in enumerate(item.parts):
                with reading(f"{arguments.key}, part {number}"):
                    for piece in repository.stream(part):
                        sys.stdout.buffer.write(piece)
            return
    raise Refused(f"the backup has no item {arguments.key!r}")


def extract(repository, arguments):
    """A file for each stream. Its name begins with a number of ours and is harmless, whatever the key is: the exact
    keys stand in items.jsonl, and the manifest in manifest.json."""
    manifest, folder = repository.find(arguments.backup), pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused(f"{folder} is not empty")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False))
    with open(folder / "items.jsonl", "x", encoding="utf-8") as listing:
        for number, item in enumerate(repository.items(manifest), 1):
            readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", item.key.decode(errors="replace"))[:120]
            document = {"kind": item.kind, "key": text(item.key), "attributes": json.loads(item.attributes), "parts": []}
            for index, part in enumerate(item.parts):
                name = f"{number:06}-{readable}.{index}"
                with reading(f"{item.key!r}, part {index}"), open(folder / name, "xb") as file:
                    for piece in repository.stream(part):
                        file.write(piece)
                document["parts"].append({"file": name, "class": CLASSES[part.klass], "bytes": part.size})
            print(json.dumps(document, ensure_ascii=False), file=listing)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--passphrase-file", metavar="FILE", help="its first line is the passphrase")
    secrets.add_argument("--key-file", metavar="FILE", help="all its bytes are the key")
    parser.add_argument("--without-index", action="store_true", help="find frames by the packs' own directories")
    parser.add_argument("--json", action="store_true", help="list, items: one JSON object a line")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, action, takes, what in (
        ("list", list_backups, [], "the backups, oldest first"),
        ("items", list_items, ["backup"], "kind, bytes, parts and key of each item of a backup"),
        ("cat", print_item, ["backup", "key"], "the bytes of one item, to standard output"),
        ("extract", extract, ["backup", "folder"], "every stream of a backup, each to a file of an empty folder"),
    ):
        command = commands.add_parser(name, help=what, description=f"Prints {what}.")
        for argument in ["repository", *takes]:
            command.add_argument(argument)
        command.set_defaults(action=action)
    arguments = parser.parse_args()
    try:
        secret = None
        if arguments.passphrase_file:
            line = pathlib.Path(arguments.passphrase_file).read_bytes().partition(b"\n")[0]
            secret = Secret("passphrase", line.removesuffix(b"\r"))
        elif arguments.key_file:
            secret = Secret("keyfile", pathlib.Path(arguments.key_file).read_bytes())
        arguments.action(Repository(arguments.repository, secret, arguments.without_index), arguments)
    except Damaged as problem:
        print(f"damaged: {problem}", file=sys.stderr)
        return 3
    except (Refused, OSError) as problem:
        print(f"read_repository.py: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
