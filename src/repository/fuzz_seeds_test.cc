// Makes the first inputs of the fuzz targets from real encoded objects: set DBBACKUP_TEST_WRITE_SEEDS to a
// folder and each target gets one below it. What the corpora in tests/fuzz/ began with (docs/fuzzing.md).

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "repository/config.h"
#include "repository/frame_index.h"
#include "repository/fuzzing.h"
#include "repository/key_slot.h"
#include "repository/manifest_json.h"
#include "repository/pack.h"
#include "repository/recipe.h"
#include "repository/small_repository.h"

namespace dbb::repository {
namespace {

using Seeds = std::multimap<std::string, Bytes>;

Bytes behind(uint8_t choice, ByteView bytes) {
  Bytes input = {choice};
  input.insert(input.end(), bytes.begin(), bytes.end());
  return input;
}

template <typename Id>
Id id_of(uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

DirectoryEntry entry(uint64_t offset, bool partial) {
  return {.id = id_of<FrameId>(1),
          .offset = offset,
          .length = 300,
          .stream_class = partial ? StreamClass::kMetadata : StreamClass::kRows,
          .chunks = {{.id = id_of<ChunkId>(2), .length = 200}, {.id = id_of<ChunkId>(3), .length = 5000}},
          .bitmap = partial ? Bytes{2} : Bytes{}};
}

Item sample_item() {
  const Bytes recipe =
      encode_recipe_block({{.hole = true, .bytes = 8192},
                           {.frame = id_of<FrameId>(1), .first_chunk = 3, .chunk_count = 2, .bytes = 16000},
                           {.frame = id_of<FrameId>(2), .first_chunk = 0, .chunk_count = 1, .bytes = 1}});
  return {.kind = "table",
          .key = "db/app/public/orders",
          .attributes = R"({"rows":2})",
          .parts = {{.stream_class = StreamClass::kPages, .bytes = 24193, .depth = 0, .recipe = recipe},
                    {.stream_class = StreamClass::kRows, .bytes = 1 << 20, .depth = 2, .recipe = recipe}}};
}

void add_frames(Seeds& seeds) {
  IdMaker ids(testing::fixed_keys());
  std::vector<ChunkInfo> chunks;
  Bytes content;
  for (const std::string_view chunk : {"hello, ", "world"}) {
    chunks.push_back({.id = ids.chunk(as_bytes(chunk)), .length = static_cast<uint32_t>(chunk.size())});
    content.insert(content.end(), chunk.begin(), chunk.end());
  }
  append_frame_trailer(content, StreamClass::kRows, chunks);
  seeds.emplace("frame_fuzz", content);
  // A copy without the first chunk.
  ByteWriter partial;
  partial.raw(as_bytes("world"));
  ByteWriter trailer;
  trailer.raw(Bytes{1, 1, 2, 7, 5, 2});
  trailer.raw(chunks[0].id.bytes);
  partial.raw(trailer.bytes());
  partial.u32(static_cast<uint32_t>(trailer.bytes().size()));
  seeds.emplace("frame_fuzz", partial.bytes());
}

void add_packs(Seeds& seeds) {
  const PackDirectory directory = {
      .pack = id_of<PackId>(4), .epoch = 1, .frames = {entry(32, false), entry(332, true)}};
  seeds.emplace("pack_fuzz", behind(0, encode_directory(directory)));
  seeds.emplace(
      "pack_fuzz",
      behind(1, encode_pack_trailer({.directory_offset = 500, .directory_length = 468, .frame_count = 2})));
  seeds.emplace("pack_fuzz", behind(2, encode_pack_header(PackId{}, 1)));
  IndexedFrame frame = {
      .id = id_of<FrameId>(1), .offset = 32, .length = 300, .data_bytes = 200, .chunk_count = 1, .kind = 1};
  PackContents contents = {.pack = {.id = id_of<PackId>(4), .size_bytes = 1000, .epoch = 1},
                           .frames = {frame}};
  frame.offset = 332;
  frame.kind = 2;
  frame.partial = true;
  contents.frames.push_back(frame);
  PackContents another = contents;
  another.pack.id = id_of<PackId>(5);
  seeds.emplace("index_fuzz", encode_index({{contents, another}}));
}

void add_boxes(Seeds& seeds) {
  const Bytes compressible(3000, 'x');
  for (uint8_t kind = 1; kind <= 6; ++kind) {
    const Bytes box = BoxSealer(testing::fixed_keys())
                          .seal(static_cast<BoxKind>(kind), box_name_of_object("index/0"), compressible);
    seeds.emplace("box_fuzz", behind(static_cast<uint8_t>(kind - 1), box));
  }
  codec::Compressor compressor;
  const ByteView compressed = compressor.compress(compressible);
  Bytes behind_the_tag = {3, 0xb8, 0x0b, 0, 0};
  behind_the_tag.insert(behind_the_tag.end(), compressed.begin(), compressed.end());
  seeds.emplace("box_fuzz", behind_the_tag);
}

void add_texts(Seeds& seeds) {
  Manifest manifest;
  manifest.id = BackupId(UtcTime(1'795'205'702'000'000), 1);
  manifest.kind = "cluster";
  manifest.started = UtcTime(1'795'205'702'000'000);
  manifest.finished = UtcTime(1'795'205'703'000'000);
  manifest.document = R"({"a":"b"})";
  manifest.items = sample_item().parts[0];
  manifest.parents = {BackupId(UtcTime(1'795'205'701'000'000), 7)};
  manifest.totals = {.logical_bytes = 5, .new_bytes_raw = 4, .stored_bytes = 3, .streams = 2, .items = 1};
  const std::string text = encode_manifest(manifest);
  seeds.emplace("manifest_fuzz", Bytes(text.begin(), text.end()));

  codec::Key master;
  master.fill(7);
  const Config config = {.repository_id = id_of<RepositoryId>(9),
                         .created = UtcTime(1'795'205'702'000'000),
                         .writing = {},
                         .master_key = master};
  seeds.emplace("config_fuzz", behind(0, as_bytes(encode_config(config))));
  seeds.emplace("config_fuzz",
                behind(1, as_bytes(encode_epoch(testing::fixed_keys(), 1, master, config.created))));
}

// One lie, as behind_seal_fuzz reads it.
Bytes lie(uint8_t about, ByteView said) {
  Bytes input = {about, static_cast<uint8_t>(said.size() & 0xff), static_cast<uint8_t>(said.size() >> 8)};
  input.insert(input.end(), said.begin(), said.end());
  return input;
}

// The truth of SmallRepository, piece by piece: what is changed in it is close to what is believed.
void add_truth(Seeds& seeds) {
  testing::SmallRepository truth;
  const std::string manifest = encode_manifest(truth.manifest_of(truth.second, "second"));
  seeds.emplace("behind_seal_fuzz", lie(0, as_bytes(manifest)));
  ByteWriter list;
  for (const std::string table : {"a", "c"}) list.sized(encode_item(truth.items[table]));
  seeds.emplace("behind_seal_fuzz", lie(1, list.bytes()));
  const Extent rows = {.frame = truth.frames["c"],
                       .first_chunk = 0,
                       .chunk_count = 2,
                       .bytes = testing::SmallRepository::rows_of("c").size()};
  ByteWriter recipe;
  recipe.sized(encode_recipe_block({rows}));
  seeds.emplace("behind_seal_fuzz", lie(2, recipe.bytes()));
  seeds.emplace("behind_seal_fuzz", lie(3, encode_stream_ref(truth.items["c"].parts[0])));
  const std::string text = testing::SmallRepository::rows_of("c");
  Bytes frame(text.begin(), text.end());
  append_frame_trailer(frame, StreamClass::kRows, truth.directory("pack of c").frames[0].chunks);
  seeds.emplace("behind_seal_fuzz", lie(4, frame));
  seeds.emplace("behind_seal_fuzz", lie(5, encode_directory(truth.directory("pack of c"))));
  seeds.emplace("behind_seal_fuzz", lie(6, encode_index({{truth.packs["pack of c"]}})));
  seeds.emplace("behind_seal_fuzz", lie(7, truth.forge().open(BoxKind::kState, truth.objects["session"])));
  uint8_t number = 0;
  for (const auto& [name, object] : truth.objects) {
    const Bytes bytes = truth.store.get(object, 1 << 20).value();
    seeds.emplace("behind_seal_fuzz", lie(static_cast<uint8_t>(8 + 9 * number++), bytes));
  }
}

void add_slots(Seeds& seeds) {
  codec::Key master;
  master.fill(7);
  for (const KeyKind kind : {KeyKind::kKeyFile, KeyKind::kPassphrase}) {
    const KeySource source = {.kind = kind, .secret = codec::Secret(Bytes(kLeastKeyFileBytes, 1))};
    const std::string text = encode_key_slot({.id = "0123456789abcdef",
                                              .created = UtcTime(1'795'205'702'000'000),
                                              .label = "office",
                                              .salt = {},
                                              .cost = {.memory_kib = 8192, .passes = 1}},
                                             source, master, testing::fixed_keys());
    seeds.emplace("slot_fuzz", Bytes(text.begin(), text.end()));
  }
}

TEST(FuzzSeeds, AreMadeFromRealObjects) {
  Seeds seeds;
  add_frames(seeds);
  add_packs(seeds);
  add_boxes(seeds);
  add_texts(seeds);
  add_slots(seeds);
  add_truth(seeds);
  const Item item = sample_item();
  seeds.emplace("recipe_fuzz", behind(0, item.parts[0].recipe));
  seeds.emplace("recipe_fuzz", behind(1, encode_stream_ref(item.parts[1])));
  seeds.emplace("recipe_fuzz", behind(2, encode_item(item)));
  const char* const folder = std::getenv("DBBACKUP_TEST_WRITE_SEEDS");
  int number = 0;
  for (const auto& [target, bytes] : seeds) {
    EXPECT_FALSE(bytes.empty());
    if (folder == nullptr) continue;
    const auto place = std::filesystem::path(folder) / target;
    std::filesystem::create_directories(place);
    std::ofstream(place / ("seed-" + std::to_string(number++)), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace
}  // namespace dbb::repository
