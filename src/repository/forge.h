#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "repository/config.h"
#include "repository/frame_index.h"
#include "repository/item.h"
#include "repository/manifest_json.h"
#include "repository/pack.h"
#include "repository/recipe.h"
#include "repository/sealed_box.h"
#include "storage/object_store.h"

// Writes objects as somebody does who has the keys and lies: sealed as they should be, whatever is in them.
// For tests and fuzzing.
namespace dbb::repository::testing {

// A frame as the liar wants it: what its box holds, and what directory and index say of it.
struct ForgedFrame {
  Bytes box;
  DirectoryEntry entry;  // its offset and length are filled in by pack()
};

class Forge {
 public:
  // Of a repository without encryption, as it is in the store now.
  explicit Forge(storage::ObjectStore& store) : store_(store), keys_(keys_of(store)) {}

  const KeyRing& keys() const { return keys_; }

  // What is sealed in an object that is one box.
  Bytes open(BoxKind kind, const std::string& object) {
    const Bytes box = store_.get(object, uint64_t{1} << 30).value();
    BoxOpener opener(keys_);
    const ByteView content = opener.open(kind, box_name_of_object(object), box, object);
    return {content.begin(), content.end()};
  }
  Bytes seal(BoxKind kind, const std::string& object, ByteView content) {
    return BoxSealer(keys_).seal(kind, box_name_of_object(object), content);
  }
  void replace(const std::string& object, ByteView bytes) {
    store_.remove(object);
    store_.put(object, bytes);
  }
  void replace_sealed(BoxKind kind, const std::string& object, ByteView content) {
    replace(object, seal(kind, object, content));
  }

  // An honest frame; change what should be a lie.
  ForgedFrame frame(StreamClass stream_class, const std::vector<Bytes>& chunks) {
    IdMaker ids(keys_);
    ForgedFrame forged;
    forged.entry.stream_class = stream_class;
    Bytes content;
    for (const Bytes& chunk : chunks) {
      forged.entry.chunks.push_back({.id = ids.chunk(chunk), .length = static_cast<uint32_t>(chunk.size())});
      content.insert(content.end(), chunk.begin(), chunk.end());
    }
    forged.entry.id = ids.frame(stream_class, forged.entry.chunks);
    append_frame_trailer(content, stream_class, forged.entry.chunks);
    forged.box = seal_frame(forged.entry, content);
    return forged;
  }
  Bytes seal_frame(const DirectoryEntry& entry, ByteView content) {
    return BoxSealer(keys_).seal(frame_kind(entry.stream_class), entry.id.bytes, content);
  }

  // Puts a pack with an honest header and trailer; returns what an honest index says of it.
  PackContents pack(const PackId& id, std::vector<ForgedFrame> frames,
                    const std::optional<Bytes>& directory = std::nullopt) {
    const std::string object = pack_name(id);
    Bytes bytes = encode_pack_header(id, keys_.newest_epoch());
    PackDirectory honest = {.pack = id, .epoch = keys_.newest_epoch(), .frames = {}};
    for (ForgedFrame& frame : frames) {
      frame.entry.offset = bytes.size();
      frame.entry.length = frame.box.size();
      bytes.insert(bytes.end(), frame.box.begin(), frame.box.end());
      honest.frames.push_back(frame.entry);
    }
    const Bytes box =
        seal(BoxKind::kDirectory, object, directory ? ByteView(*directory) : encode_directory(honest));
    const Bytes trailer = encode_pack_trailer({.directory_offset = bytes.size(),
                                               .directory_length = box.size(),
                                               .frame_count = honest.frames.size()});
    bytes.insert(bytes.end(), box.begin(), box.end());
    bytes.insert(bytes.end(), trailer.begin(), trailer.end());
    replace(object, bytes);
    return contents_of(honest, bytes.size());
  }
  void index(const std::string& object, const std::vector<PackContents>& packs) {
    replace_sealed(BoxKind::kIndex, object, encode_index(packs));
  }
  void manifest(const Manifest& manifest) {
    replace_sealed(BoxKind::kManifest, manifest_object(manifest.id), as_bytes(encode_manifest(manifest)));
  }

 private:
  static KeyRing keys_of(storage::ObjectStore& store) {
    const Config config = decode_config(store.get(kConfigObject, kMaxJsonBytes).value(), "a test");
    KeyRing keys(config.master_key, config.repository_id);
    keys.add_epoch(1, decode_epoch(keys, 1, store.get(epoch_object(1), kMaxJsonBytes).value()));
    return keys;
  }

  storage::ObjectStore& store_;
  const KeyRing keys_;
};

}  // namespace dbb::repository::testing
