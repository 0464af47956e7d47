// A museum of broken repositories: what happened to each, and the diagnosis that is expected of check
// --read-data. Each begins as SmallRepository: a backup of the tables a and b, and one of a and c.
//
// In a diagnosis, objects and frames are called by what is in them. "1: table a" is the table a of the first
// backup.

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "base/error.h"
#include "repository/fuzzing.h"
#include "repository/repository.h"
#include "repository/small_repository.h"

namespace dbb::repository {
namespace {

using testing::SmallRepository;

// A broken repository on its way into the museum.
class Damaged {
 public:
  explicit Damaged(const testing::Lies& lies = {}) : it(lies) {}

  SmallRepository it;

  Bytes bytes(const std::string& name) { return it.store.get(object(name), 1 << 30).value(); }
  const std::string& object(const std::string& name) {
    const auto known = it.objects.find(name);
    return known == it.objects.end() ? name : known->second;
  }
  void remove(const std::string& name) { it.store.remove(object(name)); }
  void replace(const std::string& name, const Bytes& bytes) { it.forge().replace(object(name), bytes); }
  void flip(const std::string& name, size_t at) {
    Bytes changed = bytes(name);
    changed.at(at) ^= 0x10;
    replace(name, changed);
  }
  void cut(const std::string& name, size_t length) {
    Bytes changed = bytes(name);
    changed.resize(length);
    replace(name, changed);
  }
  void put_into_place_of(const std::string& name, const std::string& other) { replace(name, bytes(other)); }
  void overwrite(const std::string& name, size_t at, const Bytes& with) {
    Bytes changed = bytes(name);
    std::ranges::copy(with, changed.begin() + static_cast<ptrdiff_t>(at));
    replace(name, changed);
  }
  std::string text(const std::string& name) { return std::string(as_text(bytes(name))); }
  void put_text(const std::string& name, const std::string& text) {
    it.forge().replace(object(name), as_bytes(text));
  }

  // One line a finding, or what opening it says.
  std::string diagnosis() {
    NullEventSink events;
    try {
      const CheckReport report = Repository::open(it.store, {})->check({.read_data = true}, events, {});
      std::string lines;
      for (const CheckFinding& finding : report.findings) lines += line_of(finding) + "\n";
      if (report.foreign_objects > 0) lines += "foreign: " + report.foreign_names.front() + "\n";
      if (report.unreferenced_packs > 0) lines += "unreferenced packs\n";
      return lines;
    } catch (const Error& error) {
      return named(std::string(error.info().name) + ": " + error.what()) + "\n";
    }
  }

 private:
  std::string line_of(const CheckFinding& finding) {
    std::string line = finding.object + ": " + finding.problem;
    if (finding.hurts.empty()) line += " [nobody]";
    for (const std::string& item : finding.hurt_items) line += " [" + item + "]";
    if (finding.hurt_items.empty()) {
      for (const BackupId& id : finding.hurts) line += " [" + id.text() + "]";
    }
    return named(line);
  }
  // With names for people in place of ids.
  std::string named(std::string line) {
    const auto rename = [&](const std::string& from, const std::string& to) {
      for (size_t at = line.find(from); at != std::string::npos; at = line.find(from, at + to.size())) {
        line.replace(at, from.size(), to);
      }
    };
    for (const auto& [name, object_name] : it.objects) rename(object_name, name);
    for (const auto& [name, id] : it.frames) rename("frame " + id.hex().substr(0, 16), "frame " + name);
    rename(it.first.text(), "1");
    rename(it.second.text(), "2");
    return line;
  }
};

struct Exhibit {
  std::string name;
  std::function<void(Damaged&)> damage;
  std::string diagnosis;
};

void PrintTo(const Exhibit& exhibit, std::ostream* out) { *out << exhibit.name; }

std::string name_of(const ::testing::TestParamInfo<Exhibit>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      upper = true;
    } else {
      name += upper ? static_cast<char>(std::toupper(c)) : c;
      upper = false;
    }
  }
  return name;
}

class Museum : public ::testing::TestWithParam<Exhibit> {};

TEST_P(Museum, IsDiagnosed) {
  Damaged repository;
  GetParam().damage(repository);
  EXPECT_EQ(repository.diagnosis(), GetParam().diagnosis);
}

// A table of a museum piece is right, or an error says why not.
void expect_right_or_refused(Damaged& repository) {
  try {
    const auto opened = Repository::open(repository.it.store, {});
    for (const BackupId& id : {repository.it.first, repository.it.second}) {
      try {
        const auto backup = opened->open_backup(id);
        backup->for_each_item([&](const Item& item) {
          try {
            const Bytes rows = backup->read_all(item.parts.at(0), 1 << 20);
            EXPECT_EQ(as_text(rows), SmallRepository::rows_of(item.key));
          } catch (const Error& error) {
            EXPECT_FALSE(error.solution().empty()) << error.what();
          }
        });
      } catch (const Error& error) {
        EXPECT_FALSE(error.solution().empty()) << error.what();
      }
    }
  } catch (const Error& error) {
    EXPECT_FALSE(error.solution().empty()) << error.what();
  }
}

TEST_P(Museum, NeverGivesOtherData) {
  Damaged repository;
  GetParam().damage(repository);
  expect_right_or_refused(repository);
}

constexpr size_t kFirstFrame = kPackHeaderBytes;

// Where the box of a frame lies in its pack.
size_t offset_of(Damaged& museum, const std::string& frame) {
  for (const auto& [name, pack] : museum.it.packs) {
    for (const IndexedFrame& candidate : pack.frames) {
      if (candidate.id == museum.it.frames.at(frame)) return candidate.offset;
    }
  }
  return 0;
}

size_t size_of(Damaged& museum, const std::string& name) { return museum.bytes(name).size(); }

void edit(Damaged& museum, const std::string& name, const std::string& from, const std::string& to) {
  std::string text = museum.text(name);
  text.replace(text.find(from), from.size(), to);
  museum.put_text(name, text);
}

// What disks, networks and people do: anybody can, without a key.
const std::vector<Exhibit> kAccidents = {
    {"nothing happened", [](Damaged&) {}, ""},

    {"a pack is missing", [](Damaged& m) { m.remove("pack of a and b"); },
     R"(pack of a and b: pack of a and b is missing. [2: table a] [1: table a] [1: table b]
)"},
    {"the pack of the lists is missing", [](Damaged& m) { m.remove("pack of lists"); },
     R"(pack of lists: pack of lists is missing. [2: item list] [1: item list]
)"},
    {"a pack is empty", [](Damaged& m) { m.cut("pack of c", 0); },
     R"(pack of c: pack of c has 0 bytes instead of 438. [nobody]
pack of c: At byte 0: 8 bytes are wanted, 0 are left. [nobody]
pack of c: It is shorter than 438 bytes. [nobody]
pack of c: It ends before frame c at byte 32. [2: table c]
)"},
    {"a pack is cut in its second frame",
     [](Damaged& m) { m.cut("pack of a and b", offset_of(m, "b") + 100); },
     R"(pack of a and b: pack of a and b has 332 bytes instead of 710. [nobody]
pack of a and b: It is shorter than 710 bytes. [nobody]
pack of a and b: It ends before frame b at byte 232. [1: table b]
)"},
    {"a pack is cut by one byte",
     [](Damaged& m) { m.cut("pack of a and b", size_of(m, "pack of a and b") - 1); },
     R"(pack of a and b: pack of a and b has 709 bytes instead of 710. [nobody]
pack of a and b: It is shorter than 710 bytes. [nobody]
)"},
    {"a byte lies behind a pack", [](Damaged& m) { m.cut("pack of c", size_of(m, "pack of c") + 1); },
     R"(pack of c: pack of c has 439 bytes instead of 438. [nobody]
)"},
    {"a bit flipped in the magic of a pack", [](Damaged& m) { m.flip("pack of c", 3); },
     R"(pack of c: It does not begin like a pack. [nobody]
)"},
    {"a bit flipped in the id of a pack", [](Damaged& m) { m.flip("pack of c", 12); },
     R"(pack of c: It is another pack than its name says. [nobody]
)"},
    {"a bit flipped in the epoch of a pack", [](Damaged& m) { m.flip("pack of c", 24); },
     R"(pack of c: Its epoch differs from that in the index. [nobody]
)"},
    {"a bit flipped in the header of a box", [](Damaged& m) { m.flip("pack of c", kFirstFrame + 8); },
     R"(pack of c: frame c at byte 32: There is no key for epoch 17 of a box. [2: table c]
)"},
    {"a bit flipped in rows", [](Damaged& m) { m.flip("pack of c", kFirstFrame + kBoxHeaderBytes + 9); },
     R"(pack of c: frame c at byte 32: Its bytes are not those that were written (AES-GCM tag). [2: table c]
)"},
    {"bits flipped in two frames of a pack",
     [](Damaged& m) {
       m.flip("pack of a and b", offset_of(m, "a") + kBoxHeaderBytes + 9);
       m.flip("pack of a and b", offset_of(m, "b") + kBoxHeaderBytes + 9);
     },
     R"(pack of a and b: frame a at byte 32: Its bytes are not those that were written (AES-GCM tag). [2: table a] [1: table a]
pack of a and b: frame b at byte 232: Its bytes are not those that were written (AES-GCM tag). [1: table b]
)"},
    {"a bit flipped in a recipe",
     [](Damaged& m) { m.flip("pack of lists", offset_of(m, "recipe of c") + kBoxHeaderBytes + 3); },
     R"(pack of lists: frame recipe of c at byte 32: Its bytes are not those that were written (AES-GCM tag). [2: table c]
)"},
    {"a bit flipped in an item list",
     [](Damaged& m) { m.flip("pack of lists", offset_of(m, "first list") + kBoxHeaderBytes + 3); },
     R"(pack of lists: frame first list at byte 160: Its bytes are not those that were written (AES-GCM tag). [1: item list]
)"},
    {"a bit flipped in a directory",
     [](Damaged& m) { m.flip("pack of c", size_of(m, "pack of c") - kPackTrailerBytes - 20); },
     R"(pack of c: Its bytes are not those that were written (AES-GCM tag). [nobody]
)"},
    {"a bit flipped in a trailer",
     [](Damaged& m) { m.flip("pack of c", size_of(m, "pack of c") - kPackTrailerBytes + 2); },
     R"(pack of c: Its directory cannot lie where its end says (438 bytes). [nobody]
)"},
    {"a pack lies in the place of another",
     [](Damaged& m) { m.put_into_place_of("pack of c", "pack of a and b"); },
     R"(pack of c: pack of c has 710 bytes instead of 438. [nobody]
pack of c: It is another pack than its name says. [nobody]
pack of c: It does not end like a pack: it was cut, or something else was written over it. [nobody]
pack of c: frame c at byte 32: A box of 201 bytes should have 200. [2: table c]
)"},
    {"a frame lies in the place of another",
     [](Damaged& m) {
       const Bytes pack = m.bytes("pack of a and b");
       const size_t a = offset_of(m, "a");
       const size_t b = offset_of(m, "b");
       m.overwrite("pack of a and b", a, Bytes(pack.begin() + b, pack.begin() + b + (b - a)));
     },
     R"(pack of a and b: frame a at byte 32: A box of 200 bytes should have 201. [2: table a] [1: table a]
)"},
    {"a pack that no index lists",
     [](Damaged& m) {
       PackId id;
       id.bytes.fill(0xdd);
       m.it.forge().pack(id, {m.it.forge().frame(StreamClass::kBytes, {Bytes(100, 'x')})});
     },
     R"(unreferenced packs
)"},

    {"an index is missing", [](Damaged& m) { m.remove("second index"); },
     R"(frame c: No index lists it. [2: table c]
unreferenced packs
)"},
    {"an index is cut", [](Damaged& m) { m.cut("second index", 100); },
     R"(second index: A box of 100 bytes should have 144. [2: table c]
unreferenced packs
)"},
    {"a bit flipped in an index", [](Damaged& m) { m.flip("first index", 90); },
     R"(first index: Its bytes are not those that were written (AES-GCM tag). [2: item list] [1: item list]
unreferenced packs
)"},
    {"an index lies in the place of another",
     [](Damaged& m) { m.put_into_place_of("second index", "first index"); },
     R"(second index: The box in it was sealed for another place. [2: table c]
unreferenced packs
)"},
    {"a manifest in the place of an index",
     [](Damaged& m) { m.put_into_place_of("second index", "first manifest"); },
     R"(second index: A box of another kind was expected. [2: table c]
unreferenced packs
)"},

    // What a host has seen before, it remembers; the repository alone cannot know.
    {"a manifest is missing", [](Damaged& m) { m.remove("first manifest"); }, ""},
    {"a manifest is empty", [](Damaged& m) { m.cut("first manifest", 0); },
     R"(first manifest: 0 bytes are left of a box; the smallest has 80. [1]
)"},
    {"a bit flipped in a manifest", [](Damaged& m) { m.flip("second manifest", 100); },
     R"(second manifest: Its bytes are not those that were written (AES-GCM tag). [2]
)"},
    {"a manifest lies in the place of another",
     [](Damaged& m) { m.put_into_place_of("second manifest", "first manifest"); },
     R"(second manifest: The box in it was sealed for another place. [2]
)"},

    {"a bit flipped in a session", [](Damaged& m) { m.flip("session", 70); },
     R"(session: Its bytes are not those that were written (AES-GCM tag). [nobody]
)"},
    {"a session under another name",
     [](Damaged& m) { m.replace("state/holds/20261120T201502Z-0000000000000001", m.bytes("session")); },
     R"(state/holds/1: The box in it was sealed for another place. [nobody]
)"},

    {"the config is missing", [](Damaged& m) { m.remove("config"); },
     R"(NOT_A_REPOSITORY: The repository in memory has lost its object `config`.: There is first manifest, for instance, but without `config` it cannot be read.
)"},
    {"the config is cut", [](Damaged& m) { m.cut("config", 300); },
     R"(CORRUPTED_BACKUP: The stored object config is damaged.: It is not a JSON object.
)"},
    {"the config was edited", [](Damaged& m) { edit(m, "config", "86400", "86401"); },
     R"(CORRUPTED_BACKUP: The stored object config is damaged.: Its text is not the one that was written (MAC).
)"},
    {"the config is that of another program", [](Damaged& m) { m.put_text("config", "{\"version\": 2}"); },
     R"(NOT_A_REPOSITORY: There is no repository of dbbackup in memory.: Its object `config` was written by something else.
)"},
    {"the config is of an older version", [](Damaged& m) { edit(m, "config", "\"1\"", "\"1-draft\""); },
     R"(REPOSITORY_TOO_NEW: The repository in memory is of a version that this dbbackup does not read.: Its format is 1-draft; this dbbackup reads 1.
)"},
    {"the epoch is missing", [](Damaged& m) { m.remove("epoch"); },
     R"(CORRUPTED_BACKUP: The stored object epoch is damaged.: It is missing, and no other epoch record is there.
)"},
    {"the epoch is cut", [](Damaged& m) { m.cut("epoch", 20); },
     R"(CORRUPTED_BACKUP: The stored object epoch is damaged.: It is not a JSON object.
)"},
    {"the epoch was edited", [](Damaged& m) { edit(m, "epoch", "\"sealed\": \"", "\"sealed\": \"00"); },
     R"(CORRUPTED_BACKUP: The stored object epoch is damaged.: Its text is not the one that was written (MAC).
)"},
    {"the epoch lies in the place of another",
     [](Damaged& m) { m.replace("keys/epoch-00000002", m.bytes("epoch")); },
     R"(OBJECT_SWAPPED: The stored object keys/epoch-00000002 lies in the place of another.: It is another object than its name says.
)"},

    {"a photo lies there", [](Damaged& m) { m.put_text("photo.jpg", "x"); }, R"(foreign: photo.jpg
)"},
    {"notes lie among the backups", [](Damaged& m) { m.put_text("backups/notes", "x"); },
     R"(foreign: backups/notes
)"},
    {"notes lie among the indexes", [](Damaged& m) { m.put_text("index/notes", "x"); },
     R"(foreign: index/notes
)"},
    {"notes lie among the packs", [](Damaged& m) { m.put_text("packs/aa/notes", "x"); },
     R"(foreign: packs/aa/notes
)"},
};

INSTANTIATE_TEST_SUITE_P(Accidents, Museum, ::testing::ValuesIn(kAccidents), name_of);

// What a writing host can do that has the keys and lies. No such host can make others read wrong data as
// another host's backup; what it wrote itself is its own word.
struct Lie {
  std::string name;
  std::function<void(testing::Lies&, SmallRepository& truth)> tell;
  std::string diagnosis;
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }

class Liar : public ::testing::TestWithParam<Lie> {};

std::string name_of_lie(const ::testing::TestParamInfo<Lie>& info) {
  return name_of({{.name = info.param.name, .damage = {}, .diagnosis = {}}, info.index});
}

TEST_P(Liar, IsDiagnosed) {
  SmallRepository truth;
  testing::Lies lies;
  GetParam().tell(lies, truth);
  Damaged repository(lies);
  EXPECT_EQ(repository.diagnosis(), GetParam().diagnosis);
}

Bytes text_bytes(std::string_view text) { return {text.begin(), text.end()}; }

Bytes list_of(const std::vector<Item>& items) {
  ByteWriter list;
  for (const Item& item : items) list.sized(encode_item(item));
  return list.take();
}

Bytes with_changed_extent(SmallRepository& truth, const std::function<void(Extent&)>& change) {
  Extent extent = {.frame = truth.frames["c"],
                   .first_chunk = 0,
                   .chunk_count = 2,
                   .bytes = SmallRepository::rows_of("c").size()};
  change(extent);
  ByteWriter recipe;
  recipe.sized(encode_recipe_block({extent}));
  return recipe.take();
}

std::string manifest_with(SmallRepository& truth, const std::string& from, const std::string& to) {
  std::string text = encode_manifest(truth.manifest_of(truth.second, "second"));
  return text.replace(text.find(from), from.size(), to);
}

Bytes index_with(SmallRepository& truth, const std::function<void(PackContents&)>& change) {
  PackContents pack = truth.packs["pack of c"];
  change(pack);
  return encode_index({{pack}});
}

const std::vector<Lie> kLies = {
    {"a frame with other rows than its id says",
     [](auto& lies, auto& truth) {
       Bytes rows = text_bytes(SmallRepository::rows_of("x"));
       append_frame_trailer(rows, StreamClass::kRows,
                            {{{.id = {}, .length = static_cast<uint32_t>(rows.size())}}});
       lies.frame = rows;
       (void)truth;
     },
     R"(pack of c: frame c at byte 32: The content of a frame does not have its id. [2: table c]
)"},
    {"a frame without a trailer", [](auto& lies, auto&) { lies.frame = Bytes{1, 2}; },
     R"(pack of c: frame c at byte 32: A frame is too short to have a trailer. [2: table c]
)"},
    {"a frame whose trailer is longer than it is",
     [](auto& lies, auto&) { lies.frame = Bytes{1, 2, 0xff, 0xff, 0xff, 0xff}; },
     R"(pack of c: frame c at byte 32: The trailer of a frame is longer than the frame. [2: table c]
)"},

    {"a frame that would unpack to more than it says",
     [](auto& lies, auto& truth) {
       codec::Compressor compressor;
       ByteWriter bomb;
       bomb.u32(1000);
       bomb.raw(compressor.compress(Bytes(100 << 20, 0)));
       lies.box = testing::seal_compressed(BoxKind::kDataFrame, truth.frames["c"].bytes, bomb.bytes());
     },
     R"(pack of c: frame c at byte 32: A box cannot be decompressed. [2: table c]
)"},
    {"a frame that says it unpacks to more than any frame",
     [](auto& lies, auto& truth) {
       lies.box = testing::seal_compressed(BoxKind::kDataFrame, truth.frames["c"].bytes,
                                           Bytes{0xff, 0xff, 0xff, 0xff, 1, 2, 3});
     },
     R"(pack of c: frame c at byte 32: The length in a box is larger than allowed. [2: table c]
)"},
    {"a directory that lists other chunks",
     [](auto& lies, auto& truth) {
       PackDirectory directory = truth.directory("pack of c");
       directory.frames[0].chunks[0].id.bytes.fill(3);
       lies.directory = encode_directory(directory);
     },
     R"(pack of c: Its directory lists chunks that frame c does not have. [nobody]
)"},
    {"a directory that leaves a frame out",
     [](auto& lies, auto& truth) {
       PackDirectory directory = truth.directory("pack of c");
       directory.frames.clear();
       lies.directory = encode_directory(directory);
     },
     R"(pack of c: Its directory and its end contradict each other. [nobody]
)"},
    {"a directory of more frames than there are",
     [](auto& lies, auto&) {
       ByteWriter directory;
       ByteWriter head;
       head.raw(PackId{}.bytes);
       head.varint(1);
       head.varint(uint64_t{1} << 40);
       directory.sized(head.bytes());
       lies.directory = directory.take();
     },
     R"(pack of c: At byte 23: more frames than there is room for. [nobody]
)"},

    {"an index that points elsewhere",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [](PackContents& pack) { pack.frames[0].offset += 1; });
     },
     R"(pack of c: Its directory and the index differ about frame c at byte 33. [nobody]
pack of c: frame c at byte 33: No box begins where one should. [2: table c]
pack of c: The index does not list 1 of its 1 frames. [nobody]
)"},
    {"an index that says another frame is there",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [&](PackContents& pack) { pack.frames[0].id = truth.frames["a"]; });
     },
     R"(frame c: No index lists it. [2: table c]
pack of c: Its directory and the index differ about frame a at byte 32. [nobody]
pack of c: frame a at byte 32: At byte 32 is another frame than the index says. [nobody]
)"},
    {"an index of a pack that is not there",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [](PackContents& pack) { pack.pack.id.bytes.fill(0xee); });
     },
     R"(packs/ee/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee: packs/ee/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee is missing. [2: table c]
unreferenced packs
)"},
    {"an index that says another length of a pack",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [](PackContents& pack) { pack.pack.size_bytes += 7; });
     },
     R"(pack of c: pack of c has 438 bytes instead of 445. [nobody]
pack of c: It is shorter than 445 bytes. [nobody]
)"},
    {"an index that says fewer chunks",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [](PackContents& pack) { pack.frames[0].chunk_count = 1; });
     },
     R"(pack of c: Its directory and the index differ about frame c at byte 32. [nobody]
pack of c: A backup needs chunks of frame c that are not there. [2: table c]
)"},
    {"an index that calls a frame partial",
     [](auto& lies, auto& truth) {
       lies.index = index_with(truth, [](PackContents& pack) { pack.frames[0].partial = true; });
     },
     R"(pack of c: Its directory and the index differ about frame c at byte 32. [nobody]
)"},
    {"an index of more packs than there are",
     [](auto& lies, auto&) {
       ByteWriter index;
       ByteWriter head;
       head.varint(uint64_t{1} << 40);
       index.sized(head.bytes());
       lies.index = index.take();
     },
     R"(second index: At byte 6: more packs than there is room for. [2: table c]
unreferenced packs
)"},

    {"a manifest that is no JSON", [](auto& lies, auto&) { lies.manifest = text_bytes("{"); },
     R"(second manifest: It is not a JSON object. [2]
)"},
    {"a manifest nested without end", [](auto& lies, auto&) { lies.manifest = Bytes(1 << 20, '['); },
     R"(second manifest: It is not a JSON object. [2]
)"},
    {"a manifest of another backup",
     [](auto& lies, auto& truth) {
       lies.manifest = text_bytes(encode_manifest(truth.manifest_of(truth.first, "second")));
     },
     R"(second manifest: It is another object than its name says. [2]
)"},
    {"a manifest that requires more",
     [](auto& lies, auto& truth) {
       lies.manifest = text_bytes(manifest_with(truth, "\"required\":[]", "\"required\":[\"magic\"]"));
     },
     R"(second manifest: It requires the feature "magic". [2]
)"},
    {"a manifest with a negative number",
     [](auto& lies, auto& truth) {
       lies.manifest = text_bytes(manifest_with(truth, "\"streams\":2", "\"streams\":-2"));
     },
     R"(second manifest: [json.exception.type_error.302] streams must be a whole number [2]
)"},
    {"a manifest of the year 300000",
     [](auto& lies, auto& truth) {
       lies.manifest = text_bytes(
           manifest_with(truth, "\"started_us\":1795205702000000", "\"started_us\":9223372036854775807"));
     },
     R"(second manifest: started_us is no time. [2]
)"},
    {"a manifest whose item list has another length",
     [](auto& lies, auto& truth) {
       Manifest manifest = truth.manifest_of(truth.second, "second");
       manifest.items.bytes += 1;
       lies.manifest = text_bytes(encode_manifest(manifest));
     },
     R"(second manifest: A recipe gives another number of bytes than the stream has that it describes. [2: item list]
)"},

    {"items that are not in order",
     [](auto& lies, auto& truth) { lies.item_list = list_of({truth.items["c"], truth.items["a"]}); },
     R"(second manifest: Its items are not in the order of their keys, or one is there twice. [2: table a]
)"},
    {"an item that is there twice",
     [](auto& lies, auto& truth) { lies.item_list = list_of({truth.items["a"], truth.items["a"]}); },
     R"(second manifest: Its items are not in the order of their keys, or one is there twice. [2: table a]
)"},
    {"an item list that ends in the middle",
     [](auto& lies, auto& truth) {
       const Bytes list = list_of({truth.items["a"], truth.items["c"]});
       lies.item_list = Bytes(list.begin(), list.end() - 5);
     },
     R"(second manifest: item list: It ends in the middle of a record. [2: item list]
)"},
    {"an item longer than any can be",
     [](auto& lies, auto&) {
       ByteWriter list;
       list.varint(uint64_t{1} << 60);
       list.raw(Bytes(100, 'x'));
       lies.item_list = list.take();
     },
     R"(second manifest: item list cannot be read.: At byte 9: a record is longer than any can be. [2: item list]
)"},
    {"an item of more parts than it has room for",
     [](auto& lies, auto&) {
       ByteWriter item;
       item.sized(std::string_view("table"));
       item.sized(std::string_view("a"));
       item.sized(std::string_view("{}"));
       item.varint(uint64_t{1} << 30);
       ByteWriter list;
       list.sized(item.bytes());
       lies.item_list = list.take();
     },
     R"(second manifest: item list cannot be read.: At byte 16: more parts than there is room for. [2: item list]
)"},

    {"a recipe that gives fewer bytes",
     [](auto& lies, auto& truth) {
       lies.recipe = with_changed_extent(truth, [](Extent& extent) { extent.chunk_count = 1; });
     },
     R"(second manifest: A recipe says that chunks of frame c have 190 bytes; they have 95. [2: table c]
)"},
    {"a recipe of chunks that the frame does not have",
     [](auto& lies, auto& truth) {
       lies.recipe = with_changed_extent(truth, [](Extent& extent) { extent.first_chunk = 1; });
     },
     R"(pack of c: A backup needs chunks of frame c that are not there. [2: table c]
)"},
    {"a recipe of a frame that is nowhere",
     [](auto& lies, auto& truth) {
       lies.recipe = with_changed_extent(truth, [](Extent& extent) { extent.frame.bytes.fill(0x55); });
     },
     R"(frame 5555555555555555: No index lists it. [2: table c]
)"},
    {"a recipe that ends in the middle", [](auto& lies, auto&) { lies.recipe = Bytes{0x50, 1, 2, 3}; },
     R"(second manifest: recipe: It ends in the middle of a record. [2: table c]
)"},
    {"a part of nine levels",
     [](auto& lies, auto& truth) {
       StreamRef part = truth.items["c"].parts[0];
       part.depth = 9;
       lies.part = part;
     },
     R"(second manifest: item list cannot be read.: At byte 4: a recipe of more levels than allowed. [2: item list]
)"},
    {"a part that is longer than its recipe",
     [](auto& lies, auto& truth) {
       StreamRef part = truth.items["c"].parts[0];
       part.bytes += 1;
       lies.part = part;
     },
     R"(second manifest: A recipe gives another number of bytes than the stream has that it describes. [2: table c]
)"},
    {"a part that is one hole as large as can be",
     [](auto& lies, auto&) {
       lies.part = StreamRef{.stream_class = StreamClass::kPages,
                             .bytes = UINT64_MAX,
                             .depth = 0,
                             .recipe = encode_recipe_block({{.hole = true, .bytes = UINT64_MAX}})};
     },
     ""},
    {"a part of holes that add up to more than a number holds",
     [](auto& lies, auto&) {
       lies.part = StreamRef{.stream_class = StreamClass::kPages,
                             .bytes = 8192,
                             .depth = 0,
                             .recipe = encode_recipe_block(
                                 {{.hole = true, .bytes = UINT64_MAX}, {.hole = true, .bytes = 8193}})};
     },
     R"(second manifest: A recipe gives another number of bytes than the stream has that it describes. [2: table c]
)"},
    {"a session that is no JSON", [](auto& lies, auto&) { lies.state = text_bytes("nonsense"); },
     R"(session: It is not a state object. [nobody]
)"},
};

INSTANTIATE_TEST_SUITE_P(Lies, Liar, ::testing::ValuesIn(kLies), name_of_lie);

}  // namespace
}  // namespace dbb::repository
