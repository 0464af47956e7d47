// What somebody can do who can write to the store and has no key: each thing ends in the error that
// docs/security.md names, or in nothing; never in other data than was backed up.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "base/error.h"
#include "repository/config.h"
#include "repository/frame_reader.h"
#include "repository/json_object.h"
#include "repository/key_slot.h"
#include "repository/manifest_json.h"
#include "repository/pack.h"
#include "repository/recipe.h"
#include "repository/testing.h"
#include "repository/unlock.h"

namespace dbb::repository {
namespace {

using enum ErrorCode;
using testing::code_of;
using testing::key_file;
using testing::make_noise;
using testing::passphrase;
using testing::Place;
using testing::sources;

constexpr std::string_view kTable = "db/payroll/public/salaries";
constexpr std::string_view kSecretRow = "Augusta Ada King\t144000\tanalytical engine\n";

// Two backups, in two epochs, with noise of the same length: so their frames have the same lengths.
class Attack : public ::testing::Test {
 protected:
  Attack() : place_(testing::new_keys(key_file(1))) {
    first_ = back_up(1);
    place_.repository->key_manager().rotate(place_.clock);
    place_.repository = open();
    second_ = back_up(2);
    sound_ = objects_of(place_.store);
  }

  BackupId back_up(uint64_t seed) {
    const auto backup = place_.begin("cluster", "server-" + std::to_string(seed));
    const std::vector<std::string> rows(200, std::string(kSecretRow));
    backup->add_item(
        {.kind = "table",
         .key = std::string(kTable),
         .attributes = R"({"owner":"countess"})",
         .parts = {testing::write_bytes(*backup, {.item_key = std::string(kTable)}, StreamClass::kBytes,
                                        noise(seed)),
                   testing::write_rows(*backup, {.item_key = std::string(kTable), .part = 1}, rows)}});
    return backup->commit({.document = R"({"database":"payroll"})"}).id;
  }
  static Bytes noise(uint64_t seed) { return make_noise(8192, seed); }
  std::unique_ptr<Repository> open() { return Repository::open(place_.store, sources(key_file(1)), {}); }

  static std::map<std::string, Bytes> objects_of(storage::ObjectStore& store) {
    std::map<std::string, Bytes> objects;
    store.list("", [&](const storage::ListedObject& object) {
      objects[object.name] = store.get(object.name, 1 << 30).value();
      return true;
    });
    return objects;
  }
  std::vector<std::string> names(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : sound_) {
      if (name.starts_with(prefix)) found.push_back(name);
    }
    return found;
  }
  void replace(const std::string& name, ByteView bytes) {
    place_.store.remove(name);
    place_.store.put(name, bytes);
  }
  void mend() {
    for (const auto& [name, bytes] : objects_of(place_.store)) place_.store.remove(name);
    for (const auto& [name, bytes] : sound_) place_.store.put(name, bytes);
  }

  // Of a process that was just started and reads every byte of both backups. Empty: it got what was backed
  // up.
  std::optional<ErrorCode> read() {
    return code_of([&] {
      const auto repository = open();
      for (const auto& [id, seed] : {std::pair(first_, 1), {second_, 2}}) {
        const auto backup = repository->open_backup(id);
        Bytes all;
        backup->for_each_item([&](const Item& item) {
          for (const StreamRef& part : item.parts) {
            const Bytes bytes = backup->read_all(part, 1 << 20);
            all.insert(all.end(), bytes.begin(), bytes.end());
          }
        });
        Bytes expected = noise(static_cast<uint64_t>(seed));
        for (int i = 0; i < 200; ++i) expected.insert(expected.end(), kSecretRow.begin(), kSecretRow.end());
        EXPECT_EQ(all, expected) << "a wrong restore";
      }
    });
  }
  std::optional<ErrorCode> manifest_error(const BackupId& id) {
    return code_of([&] { open()->read_manifest(id); });
  }
  std::shared_ptr<RepositoryCore> core() {
    return std::make_shared<RepositoryCore>(
        place_.store,
        unlock(place_.store, place_.store.get(kConfigObject, kMaxJsonBytes).value(), sources(key_file(1))));
  }
  // The copy of the frame with the noise of that backup, as the index has it.
  IndexedFrame noise_frame(const std::shared_ptr<RepositoryCore>& core, const BackupId& id) {
    BackupReader backup(core, core->refresh_index(), core->read_manifest(id));
    std::optional<IndexedFrame> found;
    backup.for_each_item([&](const Item& item) {
      const Extent extent = decode_recipe_block(item.parts.at(0).recipe, "a test").at(0);
      found = core->refresh_index()->copies(extent.frame).at(0);
    });
    return found.value();
  }

  Place place_;
  BackupId first_;
  BackupId second_;
  std::map<std::string, Bytes> sound_;
};

TEST_F(Attack, NothingReadableIsStored) {
  const std::vector<std::string> secrets = {"Augusta", "144000",   "analytical", "payroll", "salaries",
                                            "public/", "countess", "server-1",   "cluster", "table"};
  for (const auto& [name, bytes] : sound_) {
    for (const std::string& secret : secrets) {
      EXPECT_EQ(as_text(bytes).find(secret), std::string_view::npos) << secret << " in " << name;
    }
    EXPECT_EQ(as_text(bytes).find(as_text(noise(1)).substr(0, 16)), std::string_view::npos) << name;
  }
  // This search finds such things, where they lie open.
  Place plain;
  plain.back_up(std::vector<std::string>{std::string(kSecretRow)});
  const std::string config(as_text(plain.store.get(kConfigObject, kMaxJsonBytes).value()));
  EXPECT_NE(config.find("master_key"), std::string::npos);
  EXPECT_EQ(std::string(as_text(sound_.at("config"))).find("master_key"), std::string::npos);
}

TEST_F(Attack, ObjectNamesTellTimesAndCountsOnly) {
  for (const auto& [name, bytes] : sound_) {
    const std::string last = name.substr(name.rfind('/') + 1);
    const bool expected = name == "config" || name.starts_with("keys/epoch-0000000") ||
                          name.starts_with("keys/slot-") || name == manifest_object(first_) ||
                          name == manifest_object(second_) ||
                          ((name.starts_with("packs/") || name.starts_with("index/")) &&
                           last.find_first_not_of("0123456789abcdef") == std::string::npos);
    EXPECT_TRUE(expected || name.starts_with("state/")) << name;
  }
}

TEST_F(Attack, EqualRowsMakeEqualObjectsOnlyWithinARepository) {
  // The same data under another key: nothing in common but the objects' form.
  std::set<std::string> frames;
  for (const uint64_t key : {1, 2}) {
    Place place(testing::new_keys(key_file(key)));
    place.back_up(testing::make_rows(200, 1));
    for (const auto& [name, bytes] : objects_of(place.store)) {
      if (name.starts_with("packs/"))
        frames.insert(to_hex(ByteView(bytes).subspan(kPackHeaderBytes, kBoxHeaderBytes)));
    }
  }
  EXPECT_EQ(frames.size(), 2U);
}

TEST_F(Attack, AnEditedObjectOfAnyKindIsDamaged) {
  for (const auto& [name, sound] : sound_) {
    if (name.starts_with("state/")) continue;
    std::set<ErrorCode> allowed = {kCorruptedBackup};
    // Before a key is found, nothing of them can be checked: they say something else, and no key fits.
    if (name == "config") allowed.insert({kNotARepository, kRepositoryTooNew, kKeyRefused});
    if (name.starts_with("keys/slot-")) allowed.insert({kKeyRefused, kObjectSwapped});
    const size_t step = std::max<size_t>(1, sound.size() / 100);
    for (size_t at = 0; at < sound.size(); at += at < 100 && !name.starts_with("config") ? 1 : step) {
      Bytes edited = sound;
      edited[at] ^= static_cast<uint8_t>(1 << (at % 7));
      replace(name, edited);
      if (const auto code = read()) {
        EXPECT_TRUE(allowed.contains(*code)) << name << " at " << at << ": " << info(*code).name;
      }
      NullEventSink events;
      const auto found = code_of([&] { open(); });
      if (!found) {
        EXPECT_FALSE(open()->check({.read_data = true}, events, {}).findings.empty()) << name << " at " << at;
      }
    }
    replace(name, sound);
  }
}

TEST_F(Attack, AManifestInThePlaceOfAnotherIsSwapped) {
  replace(manifest_object(second_), sound_.at(manifest_object(first_)));
  EXPECT_EQ(manifest_error(second_), kObjectSwapped);
  EXPECT_FALSE(manifest_error(first_));
  // Under a new name, it is no backup either.
  const std::string invented = "backups/20301120T201502Z-0000000000000001";
  place_.store.put(invented, sound_.at(manifest_object(first_)));
  EXPECT_EQ(manifest_error(BackupId::parse(invented.substr(8))), kObjectSwapped);
}

TEST_F(Attack, AnIndexInThePlaceOfAnotherIsLeftOutAndNamed) {
  const std::vector<std::string> indexes = names("index/");
  ASSERT_EQ(indexes.size(), 2U);
  replace(indexes[0], sound_.at(indexes[1]));
  EXPECT_EQ(read(), kCorruptedBackup);
  const auto damaged = [&] {
    const auto shared = core();
    shared->refresh_index();
    return shared->damaged_indexes();
  }();
  ASSERT_EQ(damaged.size(), 1U);
  EXPECT_NE(damaged.at(indexes[0]).find("another place"), std::string::npos);
}

TEST_F(Attack, APackOrFrameInThePlaceOfAnotherIsSwapped) {
  auto shared = core();
  const IndexedFrame one = noise_frame(shared, first_);
  const IndexedFrame other = noise_frame(shared, second_);
  const auto index = shared->refresh_index();
  const std::string pack = pack_name(index->pack_of(one).id);
  const std::string other_pack = pack_name(index->pack_of(other).id);
  const Bytes& other_bytes = sound_.at(other_pack);
  ASSERT_NE(pack, other_pack);
  ASSERT_EQ(one.length, other.length);

  const auto read_one = [&] { return code_of([&] { FrameReader(shared, index).read_copy(one); }); };
  ASSERT_FALSE(read_one());
  // Frames lie in the order in which the threads sealed them: the other's is moved to where this one lay.
  Bytes aligned(other_bytes.begin(), other_bytes.begin() + one.offset);
  aligned.insert(aligned.end(), other_bytes.begin() + other.offset, other_bytes.end());
  replace(pack, aligned);
  EXPECT_EQ(read_one(), kObjectSwapped);
  EXPECT_TRUE(read());

  Bytes mixed = sound_.at(pack);
  std::copy_n(other_bytes.begin() + other.offset, other.length, mixed.begin() + one.offset);
  replace(pack, mixed);
  EXPECT_EQ(read_one(), kObjectSwapped);
  EXPECT_EQ(read(), kObjectSwapped);
}

TEST_F(Attack, ADirectoryInThePlaceOfAnotherIsSwapped) {
  const std::vector<std::string> packs = names("packs/");
  ASSERT_EQ(packs.size(), 2U);
  const auto shared = core();
  for (const IndexedPack& pack : shared->refresh_index()->packs()) {
    const std::string own = pack_name(pack.id);
    const Bytes& bytes = sound_.at(own);
    const Bytes& other = sound_.at(own == packs[0] ? packs[1] : packs[0]);
    // The other's directory and trailer behind our frames, with the place they then have.
    ByteReader trailer(ByteView(other).last(kPackTrailerBytes), "a test");
    const uint64_t offset = trailer.u64();
    const uint64_t length = trailer.u64();
    const uint64_t frames = trailer.u64();
    ByteReader own_trailer(ByteView(bytes).last(kPackTrailerBytes), "a test");
    Bytes forged(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(own_trailer.u64()));
    const uint64_t forged_offset = forged.size();
    forged.insert(forged.end(), other.begin() + static_cast<ptrdiff_t>(offset),
                  other.begin() + static_cast<ptrdiff_t>(offset + length));
    const Bytes end = encode_pack_trailer(
        {.directory_offset = forged_offset, .directory_length = length, .frame_count = frames});
    forged.insert(forged.end(), end.begin(), end.end());
    replace(own, forged);
    IndexedPack listed = pack;
    listed.size_bytes = forged.size();
    EXPECT_EQ(code_of([&] { shared->read_directory(listed); }), kObjectSwapped);
    replace(own, bytes);
  }
}

TEST_F(Attack, AnEpochInThePlaceOfAnotherIsSwapped) {
  replace(epoch_object(2), sound_.at(epoch_object(1)));
  EXPECT_EQ(read(), kObjectSwapped);
  place_.store.remove(epoch_object(2));
  place_.store.put(epoch_object(3), sound_.at(epoch_object(1)));
  EXPECT_EQ(read(), kObjectSwapped);
}

TEST_F(Attack, AnEpochThatIsMissingLeavesItsFramesUnreadable) {
  place_.store.remove(epoch_object(2));
  EXPECT_EQ(read(), kCorruptedBackup);
}

TEST_F(Attack, AKeySlotInThePlaceOfAnotherIsSwapped) {
  const std::string mine = names("keys/slot-").at(0);
  place_.store.put(key_slot_object("00000000000000ff"), sound_.at(mine));
  EXPECT_FALSE(read()) << "the right one is still there";
  place_.store.remove(mine);
  EXPECT_EQ(read(), kObjectSwapped);
}

TEST_F(Attack, ATombstoneCountsForItsOwnBackupOnly) {
  const auto shared = core();
  const std::string tombstone = "state/forgotten/" + first_.text();
  place_.store.put(
      tombstone,
      BoxSealer(shared->keys()).seal(BoxKind::kState, box_name_of_object(tombstone), as_bytes("{}")));
  EXPECT_TRUE(open()->is_forgotten(first_));
  EXPECT_FALSE(open()->is_forgotten(second_));
  const Bytes sealed = place_.store.get(tombstone, 1 << 20).value();
  place_.store.put("state/forgotten/" + second_.text(), sealed);
  EXPECT_FALSE(open()->is_forgotten(second_)) << "swapped";
  replace("state/forgotten/" + second_.text(), as_bytes("nonsense"));
  EXPECT_FALSE(open()->is_forgotten(second_)) << "edited";
}

TEST_F(Attack, ObjectsOfAnotherRepositoryOfTheSameKeyFileAreRefused) {
  Place other(testing::new_keys(key_file(1)));
  other.back_up(testing::make_rows(10, 3));
  for (const auto& [name, bytes] : objects_of(other.store)) {
    const std::string kind = name.substr(0, name.find_first_of('/'));
    if (kind == "state") continue;
    // In the place of every object of that kind.
    for (const std::string& ours : names(kind)) {
      const bool slot_or_config = name == "config" || name.starts_with("keys/slot-");
      if (name.starts_with("keys/") && ours.starts_with("keys/slot-") != name.starts_with("keys/slot-"))
        continue;
      Bytes forged = bytes;
      if (name.starts_with("keys/slot-")) {  // with the id that its new name wants
        std::string text(as_text(bytes));
        text.replace(text.find(id_of_key_slot(name)), 16, id_of_key_slot(ours));
        forged.assign(text.begin(), text.end());
      }
      replace(ours, forged);
      EXPECT_EQ(read(), slot_or_config ? kKeyRefused : kCorruptedBackup) << name << " as " << ours;
      mend();
    }
  }
}

TEST_F(Attack, ARepositoryWithoutEncryptionIsRefusedWhenAKeyIsGiven) {
  Place plain;
  for (const auto& [name, bytes] : objects_of(place_.store)) place_.store.remove(name);
  for (const auto& [name, bytes] : objects_of(plain.store)) place_.store.put(name, bytes);
  EXPECT_EQ(read(), kEncryptionDowngraded);
}

TEST_F(Attack, AConfigThatClaimsToBePlainIsRefused) {
  std::string text(as_text(sound_.at("config")));
  const std::string plain = "\"kind\": \"none\", \"master_key\": \"" + std::string(64, '0') + "\"";
  text.replace(text.find("\"kind\": \"slots\""), 15, plain);
  replace("config", as_bytes(text));
  EXPECT_EQ(read(), kEncryptionDowngraded);
  // And without a key, it does not even agree with itself.
  EXPECT_EQ(code_of([&] { Repository::open(place_.store, {}); }), kCorruptedBackup);
}

TEST_F(Attack, AWeakerOrDearerKeyDerivationIsRefused) {
  place_.repository->key_manager().add({.source = passphrase("correct horse")}, place_.clock);
  std::string slot;
  for (const ListedKey& key : list_keys(place_.store)) {
    if (key.kind == "passphrase") slot = key.object;
    if (key.kind == "keyfile") place_.store.remove(key.object);
  }
  const std::string sound(as_text(place_.store.get(slot, kMaxJsonBytes).value()));
  const auto with = [&](std::string_view field, const std::string& value) {
    std::string text = sound;
    const size_t at = text.find(field) + field.size();
    text.replace(at, text.find_first_of(",\n", at) - at, value);
    replace(slot, as_bytes(text));
    return code_of([&] { Repository::open(place_.store, sources(passphrase("correct horse")), {}); });
  };
  EXPECT_FALSE(with("\"passes\": ", "3"));
  EXPECT_EQ(with("\"memory_kib\": ", "1024"), kCorruptedBackup);
  EXPECT_EQ(with("\"memory_kib\": ", "4294967296"), kCorruptedBackup);
  EXPECT_EQ(with("\"passes\": ", "0"), kCorruptedBackup);
  EXPECT_EQ(with("\"passes\": ", "1000"), kCorruptedBackup);
  EXPECT_EQ(with("\"passes\": ", "3.5"), kCorruptedBackup);
  EXPECT_EQ(with("\"passes\": ", "4.4e68"), kCorruptedBackup);
  EXPECT_EQ(with("\"lanes\": ", "4"), kCorruptedBackup);
  // Allowed, and not what was sealed.
  EXPECT_EQ(with("\"memory_kib\": ", "8192"), kKeyRefused);
  EXPECT_EQ(with("\"passes\": ", "1"), kKeyRefused);
}

TEST_F(Attack, JsonThatIsNestedWithoutEndIsDamaged) {
  const std::string deep = "{\"format\":\"dbbackup-repository\",\"x\":" + std::string(30'000, '[') +
                           std::string(30'000, ']') + "}";
  for (const std::string& name : {std::string("config"), epoch_object(1), names("keys/slot-").at(0)}) {
    replace(name, as_bytes(deep));
    EXPECT_EQ(read(), kCorruptedBackup) << name;
    replace(name, sound_.at(name));
  }
}

// Who removed a slot did not take anything back: this is what docs/security.md says, and why.
TEST_F(Attack, ACopiedSlotStillOpensAfterItWasRemovedAndAfterARotation) {
  KeyManager keys = place_.repository->key_manager();
  const ListedKey stolen = keys.list().at(0);
  const Bytes copy = sound_.at(stolen.object);
  keys.add({.source = key_file(5)}, place_.clock);
  keys.remove(stolen);
  keys.rotate(place_.clock);
  EXPECT_EQ(read(), kKeyRefused);
  place_.store.put(stolen.object, copy);
  EXPECT_FALSE(read()) << "who can also write puts it back; who can only read opens it at home";
}

// One data key reads its own epoch, no other, and no metadata.
TEST_F(Attack, ADataKeyOpensFramesOfItsOwnEpochOnly) {
  const auto shared = core();
  const codec::Key& master = shared->config().master_key;
  EXPECT_NE(make_data_key(master, shared->keys().repository(), 1),
            make_data_key(master, shared->keys().repository(), 2));
  const IndexedFrame one = noise_frame(shared, first_);
  const IndexedFrame other = noise_frame(shared, second_);
  const auto opens = [&](const IndexedFrame& frame, uint32_t with_epoch, uint32_t epoch) {
    KeyRing ring(master, shared->keys().repository());
    ring.add_epoch(epoch, make_data_key(master, shared->keys().repository(), with_epoch));
    const std::string object = pack_name(shared->refresh_index()->pack_of(frame).id);
    const ByteView box = ByteView(sound_.at(object)).subspan(frame.offset, frame.length);
    return !code_of([&] { BoxOpener(ring).open(BoxKind::kDataFrame, frame.id.bytes, box, object); });
  };
  EXPECT_TRUE(opens(one, 1, 1));
  EXPECT_TRUE(opens(other, 2, 2));
  EXPECT_FALSE(opens(other, 1, 2));
  EXPECT_FALSE(opens(one, 2, 1));
}

// A host that writes has the master key: docs/security.md does not promise more.
TEST_F(Attack, WhoCanWriteBackupsCanReadAllOfThem) {
  EXPECT_EQ(core()->config().master_key,
            unlock(place_.store, sound_.at("config"), sources(key_file(1))).config.master_key);
  EXPECT_FALSE(read());
}

}  // namespace
}  // namespace dbb::repository
