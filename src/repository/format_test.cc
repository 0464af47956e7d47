// The vectors of docs/format/repository.md, read from there. They were computed from the page by other means.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "codec/cut_rule.h"
#include "repository/config.h"
#include "repository/frame.h"
#include "repository/frame_index.h"
#include "repository/json_object.h"
#include "repository/key_ring.h"
#include "repository/key_slot.h"
#include "repository/pack.h"
#include "repository/recipe.h"
#include "repository/sealed_box.h"

namespace dbb::repository {
namespace {

using Vector = std::map<std::string, Bytes>;

Vector vector_of(const std::string& name) {
  std::ifstream page(DBB_SOURCE_DIR "/docs/format/repository.md");
  std::string line;
  while (std::getline(page, line) && line != "```vector " + name) {
  }
  Vector fields;
  while (std::getline(page, line) && line != "```") {
    const size_t equals = line.find(" = ");
    fields[line.substr(0, equals)] = from_hex(line.substr(equals + 3));
  }
  EXPECT_FALSE(fields.empty()) << "no vector " << name << " in docs/format/repository.md";
  return fields;
}

template <typename Array>
Array array_of(const Bytes& bytes) {
  Array array;
  EXPECT_EQ(bytes.size(), array.size());
  std::copy_n(bytes.begin(), array.size(), array.begin());
  return array;
}

KeyRing keys_of(Vector& fields) {
  KeyRing keys(array_of<codec::Key>(fields["master"]), RepositoryId::from(fields["repository_id"]));
  keys.add_epoch(1, codec::Key{});
  return keys;
}

std::string hex(const codec::Key& key) { return to_hex(key); }

// The vectors have one frame and one chunk.
DirectoryEntry vector_entry(Vector& fields) {
  return {.id = FrameId::from(fields["frame_id"]),
          .offset = 32,
          .length = 300,
          .stream_class = StreamClass::kRows,
          .chunks = {{.id = ChunkId::from(fields["chunk_id_0"]), .length = 200}}};
}

StreamRef vector_stream() {
  Vector fields = vector_of("stream-reference");
  return {
      .stream_class = StreamClass::kPages,
      .bytes = 16384,
      .depth = 0,
      .recipe = encode_recipe_block(
          {{.hole = true, .bytes = 8192},
           {.frame = FrameId::from(fields["frame_id"]), .first_chunk = 3, .chunk_count = 1, .bytes = 8192}})};
}

TEST(Format, PurposeKeys) {
  Vector fields = vector_of("purpose-key");
  const KeyRing keys = keys_of(fields);
  EXPECT_EQ(hex(keys.chunk_id()), to_hex(fields["chunk_id"]));
  EXPECT_EQ(hex(keys.frame_id()), to_hex(fields["frame_id"]));
  EXPECT_EQ(hex(keys.cut()), to_hex(fields["cut"]));
  EXPECT_EQ(hex(keys.nonce()), to_hex(fields["nonce"]));
  EXPECT_EQ(hex(keys.metadata()), to_hex(fields["metadata"]));
  EXPECT_EQ(hex(keys.manifest()), to_hex(fields["manifest"]));
  EXPECT_EQ(hex(keys.document()), to_hex(fields["document"]));
  EXPECT_EQ(hex(keys.epoch()), to_hex(fields["epoch"]));
  EXPECT_EQ(hex(keys.name()), to_hex(fields["name"]));
}

TEST(Format, ConfigWithAnUnknownFieldAndOptionalFeature) {
  Vector fields = vector_of("config");
  std::string text(as_text(fields["text"]));
  text.insert(text.size() - 1, ",\"mac\":\"" + to_hex(fields["mac"]) + "\"");
  const Config config = decode_config(as_bytes(text), "a test");
  EXPECT_EQ(config.master_key, array_of<codec::Key>(fields["master"]));
  EXPECT_EQ(config.repository_id, RepositoryId::from(fields["repository_id"]));
  EXPECT_EQ(config.created.iso(), "2026-11-20T20:15:02Z");
  // What we write, we read.
  EXPECT_EQ(decode_config(as_bytes(encode_config(config)), "a test").master_key, config.master_key);
}

TEST(Format, EpochRecord) {
  Vector fields = vector_of("epoch");
  const KeyRing keys = keys_of(fields);
  const auto data_key = array_of<codec::Key>(fields["data_key"]);
  const std::string record = encode_epoch(keys, 1, data_key, UtcTime());
  EXPECT_NE(record.find(to_hex(fields["sealed"])), std::string::npos) << record;
  EXPECT_EQ(decode_epoch(keys, 1, as_bytes(record)), data_key);
}

TEST(Format, AnotherEpochsRecordIsSwapped) {
  Vector fields = vector_of("epoch");
  const KeyRing keys = keys_of(fields);
  const std::string record = encode_epoch(keys, 2, array_of<codec::Key>(fields["data_key"]), UtcTime());
  try {
    decode_epoch(keys, 1, as_bytes(record));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kObjectSwapped);
  }
}

// What we write is what the page says, but for salt and time: the vector's slot is written again and
// compared.
void expect_slot(Vector& fields, const KeySource& source) {
  const KeyRing keys = keys_of(fields);
  const auto master = array_of<codec::Key>(fields["master"]);
  const ByteView text = fields["object"];
  const std::string id(as_text(text).substr(as_text(text).find("\"id\":") + 6, 16));
  const KeySlot slot = decode_key_slot(text, key_slot_object(id)).value();
  EXPECT_EQ(slot.kind, source.kind);
  EXPECT_EQ(open_key_slot(slot, keys.repository(), source), master);
  EXPECT_TRUE(is_authentic_key_slot(text, keys));

  const NewKeySlot wanted = {
      .id = id, .created = slot.created, .label = slot.label, .salt = slot.salt, .cost = slot.cost};
  const std::string ours = encode_key_slot(wanted, source, master, keys);
  EXPECT_EQ(canonical(parse_json(as_bytes(ours))), as_text(text));

  Bytes other_secret(source.secret.bytes().begin(), source.secret.bytes().end());
  other_secret.back() ^= 1;
  EXPECT_EQ(open_key_slot(slot, keys.repository(),
                          {.kind = source.kind, .secret = codec::Secret(std::move(other_secret))}),
            std::nullopt);
}

TEST(Format, KeySlotOfAPassphrase) {
  Vector fields = vector_of("slot-passphrase");
  expect_slot(fields,
              {.kind = KeyKind::kPassphrase, .secret = codec::Secret(ByteView(fields["passphrase"]))});
}

TEST(Format, KeySlotOfAKeyFile) {
  Vector fields = vector_of("slot-keyfile");
  expect_slot(fields, {.kind = KeyKind::kKeyFile, .secret = codec::Secret(ByteView(fields["key_file"]))});
}

TEST(Format, Box) {
  Vector fields = vector_of("box");
  const KeyRing keys = keys_of(fields);
  const std::string object(as_text(fields["object"]));
  const Bytes box = BoxSealer(keys).seal(BoxKind::kIndex, box_name_of_object(object), fields["content"]);
  EXPECT_EQ(to_hex(box), to_hex(fields["box"]));
  BoxOpener opener(keys);
  EXPECT_EQ(to_hex(opener.open(BoxKind::kIndex, box_name_of_object(object), box, object)),
            to_hex(fields["content"]));
}

TEST(Format, FrameWholeAndPartial) {
  Vector fields = vector_of("frame");
  const KeyRing keys = keys_of(fields);
  IdMaker ids(keys);
  std::vector<ChunkInfo> chunks;
  Bytes content;
  for (const std::string chunk : {"chunk_0", "chunk_1"}) {
    chunks.push_back({.id = ids.chunk(fields[chunk]), .length = static_cast<uint32_t>(fields[chunk].size())});
    content.insert(content.end(), fields[chunk].begin(), fields[chunk].end());
  }
  EXPECT_EQ(chunks[0].id.hex(), to_hex(fields["chunk_id_0"]));
  EXPECT_EQ(chunks[1].id.hex(), to_hex(fields["chunk_id_1"]));
  const FrameId id = ids.frame(StreamClass::kRows, chunks);
  EXPECT_EQ(id.hex(), to_hex(fields["frame_id"]));
  append_frame_trailer(content, StreamClass::kRows, chunks);
  EXPECT_EQ(to_hex(content), to_hex(fields["content"]));

  const OpenedFrame whole(content, id, ids, "a test");
  EXPECT_EQ(as_text(whole.range(0, 2).value()), "hello, world");
  EXPECT_EQ(whole.chunks(), chunks);
  EXPECT_EQ(whole.range(1, 2), std::nullopt);
  EXPECT_EQ(whole.range(3, 0), std::nullopt);

  const OpenedFrame partial(fields["partial_content"], id, ids, "a test");
  EXPECT_EQ(partial.range(0, 1), std::nullopt);
  EXPECT_EQ(partial.range(0, 2), std::nullopt);
  EXPECT_EQ(as_text(partial.range(1, 1).value()), "world");
  EXPECT_EQ(partial.chunks(), chunks);
}

TEST(Format, Cut) {
  Vector fields = vector_of("cut");
  const codec::CutRule rule(array_of<codec::Key>(fields["cut_key"]), {});
  EXPECT_EQ(rule.mix(ByteReader(fields["hash"], "hash").u64()), ByteReader(fields["mixed"], "mixed").u64());
}

TEST(Format, PackDirectory) {
  Vector fields = vector_of("directory");
  const PackDirectory directory = {
      .pack = PackId::from(fields["pack_id"]), .epoch = 1, .frames = {vector_entry(fields)}};
  EXPECT_EQ(to_hex(encode_directory(directory)), to_hex(fields["content"]));
  EXPECT_EQ(decode_directory(fields["content"], "a test"), directory);
}

TEST(Format, Index) {
  Vector fields = vector_of("index");
  const std::vector<PackContents> packs = {
      {.pack = {.id = PackId::from(fields["pack_id"]), .size_bytes = 1000, .epoch = 1},
       .frames = {{.id = FrameId::from(fields["frame_id"]),
                   .offset = 32,
                   .length = 300,
                   .data_bytes = 200,
                   .chunk_count = 1,
                   .kind = 1}}}};
  EXPECT_EQ(to_hex(encode_index(packs)), to_hex(fields["content"]));
  EXPECT_EQ(decode_index(fields["content"], "a test"), packs);
}

TEST(Format, StreamReference) {
  Vector fields = vector_of("stream-reference");
  EXPECT_EQ(to_hex(encode_stream_ref(vector_stream())), to_hex(fields["content"]));
  EXPECT_EQ(decode_stream_ref(fields["content"], "a test"), vector_stream());
}

TEST(Format, Item) {
  Vector fields = vector_of("item");
  const Item item = {.kind = std::string(as_text(fields["kind"])),
                     .key = std::string(as_text(fields["key"])),
                     .attributes = std::string(as_text(fields["attributes"])),
                     .parts = {vector_stream()}};
  ByteReader record(fields["content"], "a test");
  EXPECT_EQ(to_hex(encode_item(item)), to_hex(record.sized()));
  record.expect_end();
  EXPECT_EQ(decode_item(ByteReader(fields["content"], "a test").sized(), "a test"), item);
}

TEST(Format, RecordsAreReadWithFieldsThatALaterVersionAdded) {
  const Item item = {.kind = "table", .key = "t", .attributes = "{}", .parts = {}};
  Bytes longer = encode_item(item);
  longer.push_back(42);
  EXPECT_EQ(decode_item(longer, "a test"), item);

  Bytes stream = encode_stream_ref(vector_stream());
  stream.push_back(42);
  EXPECT_EQ(decode_stream_ref(stream, "a test"), vector_stream());

  Vector fields = vector_of("directory");
  ByteReader old(fields["content"], "a test");
  ByteWriter later;
  while (!old.at_end()) {
    const ByteView record = old.sized();
    Bytes extended(record.begin(), record.end());
    extended.push_back(7);
    later.sized(extended);
  }
  EXPECT_EQ(decode_directory(later.bytes(), "a test"), decode_directory(fields["content"], "a test"));
}

// Decoders are given lies that a seal would have kept out: they may refuse, not crash.
TEST(Format, DecodersSurviveEveryFlippedBitAndCut) {
  const auto try_all = [](const Bytes& sound, const std::function<void(ByteView)>& decode) {
    const auto attempt = [&](ByteView bytes) {
      try {
        decode(bytes);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorruptedBackup);
      }
    };
    for (size_t bit = 0; bit < sound.size() * 8; ++bit) {
      Bytes flipped = sound;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      attempt(flipped);
    }
    for (size_t length = 0; length < sound.size(); ++length) attempt(ByteView(sound).first(length));
  };
  try_all(vector_of("directory")["content"], [](ByteView bytes) { decode_directory(bytes, "a test"); });
  try_all(vector_of("index")["content"], [](ByteView bytes) { decode_index(bytes, "a test"); });
  try_all(vector_of("stream-reference")["content"],
          [](ByteView bytes) { decode_recipe_block(decode_stream_ref(bytes, "a test").recipe, "a test"); });
  try_all(vector_of("item")["content"],
          [](ByteView bytes) { decode_item(ByteReader(bytes, "a test").sized(), "a test"); });
  Vector frame = vector_of("frame");
  const KeyRing keys = keys_of(frame);
  IdMaker ids(keys);
  const FrameId id = FrameId::from(frame["frame_id"]);
  try_all(frame["content"], [&](ByteView bytes) { OpenedFrame(bytes, id, ids, "a test"); });
  try_all(frame["partial_content"], [&](ByteView bytes) { OpenedFrame(bytes, id, ids, "a test"); });
}

}  // namespace
}  // namespace dbb::repository
