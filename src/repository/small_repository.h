#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repository/forge.h"
#include "storage/memory_store.h"

namespace dbb::repository::testing {

// What somebody with the keys may have written instead of the truth, before it was sealed; empty: the truth.
struct Lies {
  std::optional<Bytes> manifest;   // JSON of the second backup
  std::optional<Bytes> item_list;  // of the second backup: the bytes of its stream
  std::optional<Bytes> recipe;     // of table c: the bytes of the stream of its recipe
  std::optional<StreamRef> part;   // of table c
  std::optional<Bytes> frame;      // the content of the frame with the rows of table c
  std::optional<Bytes> box;        // or its whole box
  std::optional<Bytes> directory;  // of the pack with those rows
  std::optional<Bytes> index;      // the one that lists that pack
  std::optional<Bytes> state;      // a session
};

// A repository of two backups, the same bytes every time it is made. The first has the tables a and b, the
// second a and c; the recipe of c is a stream of its own. In memory.
class SmallRepository {
 public:
  explicit SmallRepository(const Lies& lies = {}) : forge_(initialised(store)) { write(lies); }

  storage::MemoryStore store;
  const BackupId first = BackupId(UtcTime(1'795'205'702'000'000), 1);
  const BackupId second = BackupId(UtcTime(1'795'292'102'000'000), 2);
  // Objects by what is in them: "pack of a and b", "pack of c", "pack of lists", "first index", "second
  // index", "first manifest", "second manifest", "session", "epoch".
  std::map<std::string, std::string> objects;
  std::map<std::string, FrameId> frames;   // "a", "b", "c", "recipe of c", "first list", "second list"
  std::map<std::string, Item> items;       // by table
  std::map<std::string, StreamRef> lists;  // "first", "second"
  std::map<std::string, PackContents> packs;

  Forge& forge() { return forge_; }
  // The honest one of a pack.
  PackDirectory directory(const std::string& pack) {
    const std::string& object = objects.at(pack);
    const Bytes bytes = store.get(object, uint64_t{1} << 30).value();
    const PackTrailer trailer =
        decode_pack_trailer(ByteView(bytes).last(kPackTrailerBytes), bytes.size(), object);
    BoxOpener opener(forge_.keys());
    const ByteView box = ByteView(bytes).subspan(trailer.directory_offset, trailer.directory_length);
    return decode_directory(opener.open(BoxKind::kDirectory, box_name_of_object(object), box, object),
                            object);
  }
  // A frame as it lies in a pack.
  ForgedFrame copy_of(const std::string& pack, const std::string& frame) {
    const Bytes bytes = store.get(objects.at(pack), uint64_t{1} << 30).value();
    ForgedFrame copy;
    for (const DirectoryEntry& entry : directory(pack).frames) {
      if (entry.id == frames.at(frame)) copy.entry = entry;
    }
    const ByteView box = ByteView(bytes).subspan(copy.entry.offset, copy.entry.length);
    copy.box.assign(box.begin(), box.end());
    return copy;
  }
  // A copy of the frame of b that lacks the first of its two chunks.
  ForgedFrame second_half_of_b() {
    ForgedFrame partial = copy_of("pack of a and b", "b");
    partial.entry.bitmap = {2};
    const std::string rows = rows_of("b");
    Bytes content(rows.begin() + static_cast<ptrdiff_t>(rows.size() / 2), rows.end());
    append_frame_trailer(content, partial.entry.stream_class, partial.entry.chunks, partial.entry.bitmap);
    partial.box = forge_.seal_frame(partial.entry, content);
    return partial;
  }
  static std::string rows_of(const std::string& table) {
    std::string rows;
    for (int i = 0; i < 40; ++i) rows += table + "\t" + std::to_string(i) + "\n";
    return rows;
  }

 private:
  static Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
  template <typename Id>
  static Id id_of(uint8_t byte) {
    Id id;
    id.bytes.fill(byte);
    return id;
  }

  static storage::ObjectStore& initialised(storage::ObjectStore& store) {
    codec::Key master;
    master.fill(7);
    const Config config = {.repository_id = id_of<RepositoryId>(9),
                           .created = UtcTime(1'795'205'700'000'000),
                           .writing = {},
                           .master_key = master};
    const KeyRing keys(master, config.repository_id);
    store.put(epoch_object(1), as_bytes(encode_epoch(keys, 1, master, config.created)));
    store.put(kConfigObject, as_bytes(encode_config(config)));
    return store;
  }

  static StreamRef whole(StreamClass stream_class, const ForgedFrame& frame) {
    StreamRef stream = {.stream_class = stream_class};
    for (const ChunkInfo& chunk : frame.entry.chunks) stream.bytes += chunk.length;
    stream.recipe = encode_recipe_block({{.frame = frame.entry.id,
                                          .first_chunk = 0,
                                          .chunk_count = static_cast<uint32_t>(frame.entry.chunks.size()),
                                          .bytes = stream.bytes}});
    return stream;
  }

  // Cut every 16,384 bytes, as a writer would cut what is long.
  ForgedFrame frame_of(StreamClass stream_class, ByteView bytes) {
    std::vector<Bytes> chunks;
    for (size_t at = 0; at < bytes.size(); at += kMaxChunkBytes) {
      const ByteView piece = bytes.subspan(at, std::min(kMaxChunkBytes, bytes.size() - at));
      chunks.emplace_back(piece.begin(), piece.end());
    }
    return forge_.frame(stream_class, chunks);
  }

  ForgedFrame frame_of_table(const std::string& table) {
    const std::string rows = rows_of(table);
    const size_t half = rows.size() / 2;
    ForgedFrame frame =
        forge_.frame(StreamClass::kRows, {bytes_of(rows.substr(0, half)), bytes_of(rows.substr(half))});
    frames[table] = frame.entry.id;
    items[table] = {
        .kind = "table", .key = table, .attributes = "{}", .parts = {whole(StreamClass::kRows, frame)}};
    return frame;
  }

  static Bytes list_of(const std::vector<Item>& listed) {
    ByteWriter list;
    for (const Item& item : listed) list.sized(encode_item(item));
    return list.take();
  }

  void write(const Lies& lies) {
    const ForgedFrame a = frame_of_table("a");
    const ForgedFrame b = frame_of_table("b");
    ForgedFrame c = frame_of_table("c");
    if (lies.frame) c.box = forge_.seal_frame(c.entry, *lies.frame);
    if (lies.box) c.box = *lies.box;

    // The recipe of c is a stream: one block behind its length.
    ByteWriter recipe;
    recipe.sized(items["c"].parts[0].recipe);
    const ForgedFrame recipe_of_c = frame_of(StreamClass::kMetadata, lies.recipe.value_or(recipe.take()));
    StreamRef part = whole(StreamClass::kRows, recipe_of_c);
    part.depth = 1;
    part.bytes = items["c"].parts[0].bytes;
    items["c"].parts = {lies.part.value_or(part)};

    const ForgedFrame first_list = frame_of(StreamClass::kMetadata, list_of({items["a"], items["b"]}));
    const ForgedFrame second_list =
        frame_of(StreamClass::kMetadata, lies.item_list.value_or(list_of({items["a"], items["c"]})));
    frames["recipe of c"] = recipe_of_c.entry.id;
    frames["first list"] = first_list.entry.id;
    frames["second list"] = second_list.entry.id;
    lists["first"] = whole(StreamClass::kMetadata, first_list);
    lists["second"] = whole(StreamClass::kMetadata, second_list);

    const auto pack = [&](const std::string& name, uint8_t id, std::vector<ForgedFrame> in_it,
                          const std::optional<Bytes>& directory = std::nullopt) {
      packs[name] = forge_.pack(id_of<PackId>(id), std::move(in_it), directory);
      objects[name] = pack_name(packs[name].pack.id);
    };
    pack("pack of a and b", 0xaa, {a, b});
    pack("pack of c", 0xcc, {c}, lies.directory);
    pack("pack of lists", 0x11, {recipe_of_c, first_list, second_list});

    objects["first index"] = "index/" + id_of<PackId>(0xf1).hex();
    objects["second index"] = "index/" + id_of<PackId>(0xf2).hex();
    forge_.index(objects["first index"], {packs["pack of a and b"], packs["pack of lists"]});
    forge_.replace_sealed(BoxKind::kIndex, objects["second index"],
                          lies.index.value_or(encode_index({{packs["pack of c"]}})));

    objects["first manifest"] = manifest_object(first);
    objects["second manifest"] = manifest_object(second);
    forge_.manifest(manifest_of(first, "first"));
    if (lies.manifest) {
      forge_.replace_sealed(BoxKind::kManifest, objects["second manifest"], *lies.manifest);
    } else {
      forge_.manifest(manifest_of(second, "second"));
    }
    objects["epoch"] = epoch_object(1);
    objects["session"] = "state/sessions/0123456789abcdef-00000001";
    const std::string session =
        R"({"backup":"","beat_us":1,"format":"dbbackup-state","host":"h","kind":"sessions",)"
        R"("operation":"backup","pid":1,"process":"x","started_us":1})";
    forge_.replace_sealed(BoxKind::kState, objects["session"], lies.state.value_or(bytes_of(session)));
  }

 public:
  Manifest manifest_of(const BackupId& id, const std::string& list) {
    Manifest manifest;
    manifest.id = id;
    manifest.kind = "cluster";
    manifest.source = "s";
    manifest.started = UtcTime(1'795'205'702'000'000);
    manifest.finished = manifest.started;
    manifest.complete = true;
    manifest.items = lists[list];
    manifest.totals = {.logical_bytes = 2 * rows_of("a").size(), .streams = 2, .items = 2};
    return manifest;
  }

 private:
  Forge forge_;
};

}  // namespace dbb::repository::testing
