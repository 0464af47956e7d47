// What happens when stored bytes are not those that were written: an error that says so, never a crash, never
// other data than was backed up.

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "repository/config.h"
#include "repository/frame_index.h"
#include "repository/manifest_json.h"
#include "repository/pack.h"
#include "repository/recipe.h"
#include "repository/sealed_box.h"
#include "repository/testing.h"
#include "storage/faulty_store.h"

namespace dbb::repository {
namespace {

using testing::joined;
using testing::make_rows;
using testing::Place;
using testing::read_text;

// A repository with one small backup of every kind of object, which a test may damage and mend again.
class Damage : public ::testing::Test {
 protected:
  Damage() : rows_(make_rows(300, 1, 60)), id_(place_.back_up(rows_).id) {
    place_.store.list("", [&](const storage::ListedObject& object) {
      sound_[object.name] = place_.store.get(object.name, 1 << 30).value();
      return true;
    });
  }

  const std::map<std::string, Bytes>& objects() const { return sound_; }
  std::string object_in(std::string_view prefix) const {
    for (const auto& [name, bytes] : sound_) {
      if (name.starts_with(prefix)) return name;
    }
    ADD_FAILURE() << "no object in " << prefix;
    return "";
  }
  void replace(const std::string& name, ByteView bytes) {
    place_.store.remove(name);
    place_.store.put(name, bytes);
  }
  void mend(const std::string& name) { replace(name, sound_.at(name)); }

  // Empty: the right rows came back. Else the error.
  std::optional<Error> read_error() {
    try {
      const auto repository = Repository::open(place_.store, {});
      const auto backup = repository->open_backup(id_);
      std::string text;
      backup->for_each_item([&](const Item& item) {
        for (const StreamRef& part : item.parts) text += read_text(*backup, part);
      });
      EXPECT_EQ(text, joined(rows_));
      return std::nullopt;
    } catch (const Error& error) {
      return error;
    }
  }
  // Every byte is read. Empty when the repository cannot even be opened.
  std::optional<CheckReport> check() {
    NullEventSink events;
    try {
      return Repository::open(place_.store, {})->check({.read_data = true}, events, {});
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  void expect_detected(const std::string& object, const std::string& what) {
    if (const std::optional<Error> error = read_error()) {
      const bool config = object == "config";
      EXPECT_TRUE(error->code() == ErrorCode::kCorruptedBackup ||
                  (config && (error->code() == ErrorCode::kNotARepository ||
                              error->code() == ErrorCode::kRepositoryTooNew)))
          << object << " " << what << ": " << error->what();
      EXPECT_FALSE(error->solution().empty());
    }
    const std::optional<CheckReport> report = check();
    EXPECT_TRUE(!report || !report->findings.empty()) << object << " " << what << ": not found by check";
  }

  Place place_;
  const std::vector<std::string> rows_;
  const BackupId id_;

 private:
  std::map<std::string, Bytes> sound_;
};

TEST_F(Damage, SoundObjectsAreRead) {
  EXPECT_EQ(objects().size(), 5U);  // config, epoch, pack, index, manifest
  EXPECT_FALSE(read_error());
  EXPECT_TRUE(check()->findings.empty());
}

TEST_F(Damage, AFlippedBitAnywhereIsFound) {
  for (const auto& [name, sound] : objects()) {
    const size_t step = std::max<size_t>(1, sound.size() / 400);
    for (size_t at = 0; at < sound.size(); at += step) {
      Bytes flipped = sound;
      flipped[at] ^= static_cast<uint8_t>(1 << (at % 8));
      replace(name, flipped);
      expect_detected(name, "bit flipped at " + std::to_string(at));
    }
    mend(name);
  }
}

TEST_F(Damage, ACutObjectIsFound) {
  for (const auto& [name, sound] : objects()) {
    const size_t step = std::max<size_t>(1, sound.size() / 100);
    for (size_t length = 0; length < sound.size(); length += step) {
      replace(name, ByteView(sound).first(length));
      expect_detected(name, "cut to " + std::to_string(length));
    }
    // One byte short is what a full disk or a broken copy leaves.
    replace(name, ByteView(sound).first(sound.size() - 1));
    expect_detected(name, "cut by one byte");
    mend(name);
  }
}

TEST_F(Damage, BytesBehindAnObjectAreFound) {
  for (const auto& [name, sound] : objects()) {
    if (name == "config" || name.starts_with("keys/")) continue;  // JSON may end in white space
    Bytes longer = sound;
    longer.push_back(0);
    replace(name, longer);
    expect_detected(name, "one byte longer");
    mend(name);
  }
}

TEST_F(Damage, AMissingObjectIsNamed) {
  for (const std::string prefix : {"packs/", "index/", "keys/"}) {
    const std::string name = object_in(prefix);
    place_.store.remove(name);
    const std::optional<Error> error = read_error();
    ASSERT_TRUE(error) << prefix;
    EXPECT_EQ(error->code(), ErrorCode::kCorruptedBackup);
    if (prefix != "index/") {
      EXPECT_NE(error->message().find(name), std::string::npos) << error->message();
    }
    mend(name);
  }
  const std::string manifest = object_in("backups/");
  place_.store.remove(manifest);
  EXPECT_EQ(read_error()->code(), ErrorCode::kBackupNotFound);
  mend(manifest);
  place_.store.remove("config");
  EXPECT_EQ(read_error()->code(), ErrorCode::kNotARepository);
}

TEST_F(Damage, AnObjectInThePlaceOfAnotherIsFound) {
  const Manifest second = place_.back_up(make_rows(100, 9));
  const std::string first_name = manifest_object(id_);
  const Bytes other = place_.store.get(manifest_object(second.id), 1 << 20).value();
  replace(first_name, other);
  EXPECT_EQ(read_error()->code(), ErrorCode::kObjectSwapped);
  mend(first_name);
  EXPECT_FALSE(read_error());
}

TEST_F(Damage, DamagedManifestsAreListedApart) {
  const Manifest second = place_.back_up(rows_);
  replace(manifest_object(id_), as_bytes("nonsense"));
  const BackupList list = place_.repository->list_backups();
  ASSERT_EQ(list.backups.size(), 1U);
  EXPECT_EQ(list.backups[0].id, second.id);
  ASSERT_EQ(list.damaged.size(), 1U);
  EXPECT_EQ(list.damaged[0].object, manifest_object(id_));
}

TEST_F(Damage, PreflightNamesWhatIsMissingWithoutReadingData) {
  const std::string pack = object_in("packs/");
  const auto backup = place_.repository->open_backup(id_);
  EXPECT_TRUE(backup->missing_frames({}).empty());
  const Bytes sound = objects().at(pack);
  replace(pack, ByteView(sound).first(sound.size() - 100));
  ASSERT_FALSE(backup->missing_frames({}).empty());
  EXPECT_NE(backup->missing_frames({}).front().find("table t"), std::string::npos);
  place_.store.remove(pack);
  EXPECT_FALSE(backup->missing_frames({}).empty());
}

TEST_F(Damage, CheckSaysWhichBackupsAndItemsSuffer) {
  const Manifest second = place_.begin("cluster", "unrelated")->commit({});
  const std::string pack = object_in("packs/");
  Bytes flipped = objects().at(pack);
  // Which frame is sealed first is left to the threads: of the data, not of the item list, is the one to hit.
  size_t box = kPackHeaderBytes;
  while (flipped[box + 4] != static_cast<uint8_t>(BoxKind::kDataFrame)) {
    box += kBoxOverheadBytes + ByteReader(ByteView(flipped).subspan(box + 16), "box").u32();
  }
  flipped[box + kBoxHeaderBytes + 5] ^= 1;
  replace(pack, flipped);
  const CheckReport report = check().value();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].object, pack);
  EXPECT_EQ(report.findings[0].hurts, std::vector{id_});
  ASSERT_EQ(report.findings[0].hurt_items.size(), 1U);
  EXPECT_EQ(report.findings[0].hurt_items[0], id_.text() + ": table t");
}

TEST_F(Damage, TheNextBackupStoresAgainWhatIsMissing) {
  place_.store.remove(object_in("packs/"));
  const Manifest second = place_.back_up(rows_);
  EXPECT_GE(second.totals.new_bytes_raw, joined(rows_).size());
  EXPECT_EQ(place_.text_of(second.id), joined(rows_));
  // The frames are the same, so the older backup is whole again too.
  EXPECT_FALSE(read_error());
}

TEST_F(Damage, ADamagedCopyOfAFrameIsNotMissedWhenThereIsAnother) {
  const std::string pack = object_in("packs/");
  place_.store.remove(pack);
  place_.back_up(rows_);
  Bytes flipped = objects().at(pack);
  flipped[kPackHeaderBytes + kBoxHeaderBytes + 5] ^= 1;
  place_.store.put(pack, flipped);
  EXPECT_FALSE(read_error());
  const CheckReport report = check().value();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_TRUE(report.findings[0].hurts.empty());
}

// Keys of the repository under test, to write what a later version might.
KeyRing keys_of(storage::ObjectStore& store) {
  const Config config = decode_config(store.get("config", kMaxJsonBytes).value(), "a test");
  KeyRing keys(config.master_key, config.repository_id);
  keys.add_epoch(1, decode_epoch(keys, 1, store.get(epoch_object(1), kMaxJsonBytes).value()));
  return keys;
}

const std::string kCompacted = "index/" + std::string(32, 'c');

// Compaction, as a later version does it: the pack is replaced by one with partial copies of the frames.
TEST_F(Damage, PartialCopiesServeAsLongAsTheyHaveWhatIsWanted) {
  const KeyRing keys = keys_of(place_.store);
  const std::string old_index = object_in("index/");
  const std::string old_pack = object_in("packs/");
  BoxOpener opener(keys);
  const ByteView content =
      opener.open(BoxKind::kIndex, box_name_of_object(old_index), objects().at(old_index), "x");
  const std::vector<PackContents> packs = decode_index(content, "x");
  const Bytes& pack_bytes = objects().at(old_pack);

  for (const bool drop_wanted_chunk : {false, true}) {
    // Two packs: the even chunks of each frame in the one, all but the even ones in the other; no copy has
    // all.
    std::vector<PackContents> compacted;
    for (const size_t parity : {0U, 1U}) {
      Bytes object(kPackHeaderBytes);
      PackContents contents = {.pack = {.id = {}, .size_bytes = 0, .epoch = 1}, .frames = {}};
      contents.pack.id.bytes.fill(static_cast<uint8_t>(0x40 + parity + (drop_wanted_chunk ? 2 : 0)));
      for (IndexedFrame frame : packs.at(0).frames) {
        IdMaker ids(keys);
        BoxOpener frames(keys);
        const auto kind = static_cast<BoxKind>(frame.kind);
        const OpenedFrame opened(
            frames.open(kind, frame.id.bytes, ByteView(pack_bytes).subspan(frame.offset, frame.length), "x"),
            frame.id, ids, "x");
        const auto keep = [&](size_t i) {
          return opened.chunks().size() == 1 ||
                 (drop_wanted_chunk ? i == 0 : i != opened.chunks().size() + parity);
        };
        ByteWriter partial;
        Bytes bitmap((opened.chunks().size() + 7) / 8);
        for (size_t i = 0; i < opened.chunks().size(); ++i) {
          if (!keep(i)) continue;
          bitmap[i / 8] |= static_cast<uint8_t>(1 << (i % 8));
          partial.raw(opened.range(i, 1).value());
        }
        ByteWriter trailer;
        trailer.u8(static_cast<uint8_t>(opened.stream_class()));
        trailer.u8(kFramePartial);
        trailer.varint(opened.chunks().size());
        for (const ChunkInfo& chunk : opened.chunks()) trailer.varint(chunk.length);
        trailer.raw(bitmap);
        for (size_t i = 0; i < opened.chunks().size(); ++i) {
          if (!keep(i)) trailer.raw(opened.chunks()[i].id.bytes);
        }
        partial.raw(trailer.bytes());
        partial.u32(static_cast<uint32_t>(trailer.bytes().size()));
        const Bytes box = BoxSealer(keys).seal(kind, frame.id.bytes, partial.bytes());
        frame.offset = static_cast<uint32_t>(object.size());
        frame.length = static_cast<uint32_t>(box.size());
        frame.partial = true;
        contents.frames.push_back(frame);
        object.insert(object.end(), box.begin(), box.end());
      }
      contents.pack.size_bytes = object.size();
      place_.store.put(pack_name(contents.pack.id), object);
      compacted.push_back(contents);
    }
    for (const std::string& name : {old_pack, old_index, kCompacted}) place_.store.remove(name);
    place_.store.put(kCompacted, BoxSealer(keys).seal(BoxKind::kIndex, box_name_of_object(kCompacted),
                                                      encode_index(compacted)));
    if (drop_wanted_chunk) {
      ASSERT_TRUE(read_error());
      EXPECT_EQ(read_error()->code(), ErrorCode::kCorruptedBackup);
    } else {
      EXPECT_FALSE(read_error());
    }
  }
}

TEST_F(Damage, ARepositoryOfANewerVersionIsRefused) {
  std::string text(as_text(objects().at("config")));
  const size_t at = text.find("\"1\"");
  replace("config", as_bytes(text.replace(at, 3, "\"2\"")));
  EXPECT_EQ(read_error()->code(), ErrorCode::kRepositoryTooNew);
}

TEST_F(Damage, AnUnknownRequiredFeatureIsRefused) {
  const KeyRing keys = keys_of(place_.store);
  std::string text(as_text(objects().at("config")));
  // As the program writes it, so that the MAC can be taken over it again: compact and sorted.
  std::string compact;
  bool in_string = false;
  for (const char c : text) {
    if (c == '"') in_string = !in_string;
    if (in_string || (c != ' ' && c != '\n')) compact += c;
  }
  const size_t mac_at = compact.find(",\"mac\":\"");
  compact.erase(mac_at, 64 + 9);
  compact.replace(compact.find("\"required\":[]"), 13, "\"required\":[\"time-travel\"]");
  const std::string mac = to_hex(codec::Hmac(keys.document()).of(as_bytes(compact)));
  compact.insert(compact.size() - 1, ",\"mac\":\"" + mac + "\"");
  replace("config", as_bytes(compact));
  const std::optional<Error> error = read_error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kRepositoryTooNew) << error->what();
  EXPECT_NE(error->cause().find("time-travel"), std::string::npos);
}

TEST_F(Damage, AManifestThatRequiresAnUnknownFeatureIsRefused) {
  const KeyRing keys = keys_of(place_.store);
  const std::string object = manifest_object(id_);
  BoxOpener opener(keys);
  std::string text(
      as_text(opener.open(BoxKind::kManifest, box_name_of_object(object), objects().at(object), object)));
  const auto store_as = [&](const std::string& changed) {
    replace(object, BoxSealer(keys).seal(BoxKind::kManifest, box_name_of_object(object), as_bytes(changed)));
  };
  std::string requires_more = text;
  store_as(requires_more.replace(text.find("\"required\":[]"), 13, "\"required\":[\"time-travel\"]"));
  EXPECT_EQ(read_error()->code(), ErrorCode::kRepositoryTooNew);
  EXPECT_EQ(place_.repository->list_backups().damaged.size(), 1U);

  std::string with_unknown_field = text;
  store_as(with_unknown_field.insert(1, "\"an unknown field\":[1,2],"));
  EXPECT_FALSE(read_error());
}

TEST(Refusal, AnotherProgramsConfigIsNotARepository) {
  for (const std::string config : {"", "{}", "[1]", "key = value", R"({"format":"restic"})"}) {
    storage::MemoryStore store;
    store.put("config", as_bytes(config));
    try {
      Repository::open(store, {});
      FAIL() << config;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNotARepository) << config;
    }
  }
}

TEST(Refusal, APlaceWithOtherFilesIsNotARepository) {
  storage::MemoryStore store;
  store.put("holiday/photo.jpg", as_bytes("x"));
  try {
    Repository::open(store, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotARepository);
  }
}

TEST(FullDisk, LeavesEarlierBackupsAndNothingElse) {
  // A backup of a few packs puts them, an index and a manifest; each may be the one that does not fit.
  const auto rows = make_rows(2000, 1);
  const Bytes more = testing::make_noise(40 << 20, 2);
  for (int failing = 1; failing <= 5; ++failing) {
    Place place;
    const Manifest first = place.back_up(rows);
    storage::FaultyStore faulty(place.store);
    const auto repository = Repository::open(faulty, {});
    try {
      const auto backup = repository->begin_backup(
          {.kind = "cluster", .source = "s", .program_version = "1", .host = "h"}, place.clock, {});
      faulty.fail_puts_from(failing, ErrorCode::kDiskFull);
      backup->add_item(
          {.kind = "table",
           .key = "u",
           .attributes = "",
           .parts = {testing::write_bytes(*backup, {.item_key = "u"}, StreamClass::kBytes, more)}});
      backup->commit({});
      ASSERT_GT(failing, 3);  // at least two packs, the index and the manifest
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDiskFull) << error.what();
    }
    EXPECT_EQ(place.repository->list_backups().backups.size(), 1U);
    EXPECT_EQ(place.text_of(first.id), joined(rows));
    NullEventSink events;
    const CheckReport report = place.repository->check({.read_data = true}, events, {});
    EXPECT_TRUE(report.findings.empty());
    EXPECT_EQ(report.unreferenced_packs, 0U) << failing;
    // With room again, the next one succeeds.
    EXPECT_EQ(place.text_of(place.back_up(rows).id), joined(rows));
  }
}

}  // namespace
}  // namespace dbb::repository
