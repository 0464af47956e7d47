#include "repository/reference_check.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/manifest_json.h"
#include "repository/object_check.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxMissingFrames = 16;
constexpr size_t kMostSlots = size_t{1} << 21;  // 16 MiB

template <typename Numbers>
void join(Numbers& all, const Numbers& more) {
  all.insert(more.begin(), more.end());
}

}  // namespace

void ReferenceCheck::Sound::add(const ChunkId& hash) {
  if (++added_ > tags_.size() && tags_.size() < kMostSlots) {
    const size_t slots = tags_.size() * 8;
    tags_ = {};
    tags_.resize(slots);
    added_ = 0;
  }
  tags_[slot_of(hash)] = tag_of(hash);
}

size_t ReferenceCheck::Sound::slot_of(const ChunkId& hash) const {
  uint64_t value = 0;
  std::memcpy(&value, hash.bytes.data(), sizeof value);
  return value % tags_.size();
}

uint64_t ReferenceCheck::Sound::tag_of(const ChunkId& hash) {
  uint64_t value = 0;
  std::memcpy(&value, hash.bytes.data() + sizeof value, sizeof value);
  return value | 1;  // an empty slot is 0
}

ReferenceCheck::ReferenceCheck(Shared shared, std::stop_token stop)
    : shared_(std::move(shared)), stop_(std::move(stop)), ids_(shared_.core->keys()) {
  if (!shared_.blame_indexes) return;
  for (const auto& [object, problem] : shared_.core->damaged_indexes()) {
    damaged_indexes_.push_back(shared_.findings.add(object, problem));
  }
}

void ReferenceCheck::look_at(const Manifest& manifest) {
  const ChunkId list = ids_.chunk(encode_stream_ref(manifest.items));
  if (sound_lists_.contains(list)) {
    shared_.on_progress(manifest.items.bytes);
    return;
  }
  Numbers hurting = look_at_stream(manifest, manifest.items);
  lists_are_damaged_ = lists_are_damaged_ || !hurting.empty();
  for (const FindingList::Number finding : hurting) shared_.findings.hurt(finding, manifest.id, "item list");
  look_at_items(manifest, hurting);
  if (hurting.empty()) sound_lists_.insert(list);
}

void ReferenceCheck::look_at_items(const Manifest& manifest, Numbers& hurting) {
  const std::string object = manifest_object(manifest.id);
  const auto note = [&](const std::string& problem, const std::string& item) {
    const FindingList::Number finding = shared_.findings.add(object, problem);
    if (hurting.insert(finding).second) shared_.findings.hurt(finding, manifest.id, item);
  };
  std::string last_key;
  bool first = true;
  uint64_t bytes = 0;
  const bool list_is_hurt = !hurting.empty();
  try {
    RecordReader records(shared_.core, shared_.index, manifest.items,
                         {.record_bytes = kMaxItemBytes, .what = "item list"});
    ByteView record;
    while (records.next(record)) {
      if (stop_.stop_requested()) throw cancelled();
      bytes += record.size();
      shared_.on_progress(record.size());
      Item item = decode_item(record, "item list");
      if (!first && item.key <= last_key) {
        note("Its items are not in the order of their keys, or one is there twice.",
             fmt::format("{} {}", item.kind, item.key));
      }
      const ChunkId hash = ids_.chunk(record);
      if (!sound_.has(hash)) {
        Numbers of_item;
        for (const StreamRef& part : item.parts) join(of_item, look_at_stream(manifest, part));
        for (const FindingList::Number finding : of_item) {
          shared_.findings.hurt(finding, manifest.id, fmt::format("{} {}", item.kind, item.key));
        }
        if (of_item.empty()) sound_.add(hash);
        join(hurting, of_item);
      }
      last_key = std::move(item.key);
      first = false;
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    lists_are_damaged_ = true;
    // Known already, and nobody knows which items there are.
    if (list_is_hurt) return;
    const FindingList::Number finding = add_damage(shared_.findings, object, error);
    if (hurting.insert(finding).second) shared_.findings.hurt(finding, manifest.id, "item list");
  }
  if (bytes < manifest.items.bytes) shared_.on_progress(manifest.items.bytes - bytes);
}

ReferenceCheck::Numbers ReferenceCheck::look_at_stream(const Manifest& manifest, const StreamRef& stream) {
  Numbers hurting;
  const std::string object = manifest_object(manifest.id);
  try {
    // First the streams that the recipe is stored in, then the stream itself.
    for (uint8_t depth = 0; depth <= stream.depth; ++depth) {
      StreamRef level = stream;
      level.depth = depth;
      RecipeReader recipe(shared_.core, shared_.index, level);
      uint64_t bytes = 0;
      bool fits = true;
      std::vector<Extent> block;
      while (recipe.next(block)) {
        if (stop_.stop_requested()) throw cancelled();
        for (const Extent& extent : block) {
          fits = fits && extent.bytes <= stream.bytes - bytes;
          bytes += extent.bytes;
          if (!extent.hole) look_at_extent(manifest, extent, hurting);
        }
        if (depth == stream.depth && !fits) break;
      }
      if (depth == stream.depth && (!fits || bytes != stream.bytes)) {
        hurting.insert(shared_.findings.add(
            object, "A recipe gives another number of bytes than the stream has that it describes."));
      }
      if (hurting.empty() || depth == stream.depth) continue;
      lists_are_damaged_ = true;  // what lies below cannot be read
      break;
    }
  } catch (const Error& error) {
    lists_are_damaged_ = true;
    hurting.insert(add_damage(shared_.findings, object, error));
  }
  return hurting;
}

void ReferenceCheck::look_at_extent(const Manifest& manifest, const Extent& extent, Numbers& hurting) {
  const bool as_before = last_good_.chunk_count > 0 && last_good_.id == extent.frame &&
                         extent.first_chunk + extent.chunk_count <= last_good_.chunk_count;
  if (as_before) {
    if (shared_.lengths) look_at_length(manifest, last_good_, extent, hurting);
    return;
  }
  const auto copies = shared_.index->copies(extent.frame);
  if (copies.empty()) note_missing(extent.frame, hurting);
  Numbers found;
  for (const IndexedFrame& copy : copies) {
    if (const FindingList::Number* const bad = shared_.bad_copies.find(copy)) {
      found.insert(*bad);
    } else if (shared_.core->may_have_chunks(shared_.index->pack_of(copy), copy, extent.first_chunk,
                                             extent.chunk_count)) {
      if (shared_.on_needed) shared_.on_needed(copy);
      if (!copy.partial) last_good_ = copy;
      if (shared_.lengths) look_at_length(manifest, copy, extent, hurting);
      return;
    } else {
      found.insert(shared_.findings.add(pack_name(shared_.index->pack_of(copy).id),
                                        fmt::format("A backup needs chunks of frame {} that are not there.",
                                                    extent.frame.hex().substr(0, 16))));
    }
  }
  join(hurting, found);
}

void ReferenceCheck::look_at_length(const Manifest& manifest, const IndexedFrame& copy, const Extent& extent,
                                    Numbers& hurting) {
  std::shared_ptr<const PackDirectory> directory;
  try {
    directory = shared_.core->directory(shared_.index->pack_of(copy));
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return;
  }
  const DirectoryEntry* const entry = directory->at_offset(copy.offset);
  if (entry == nullptr || entry->chunks.size() != copy.chunk_count) return;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < extent.chunk_count; ++i) bytes += entry->chunks[extent.first_chunk + i].length;
  if (bytes == extent.bytes) return;
  hurting.insert(
      shared_.findings.add(manifest_object(manifest.id),
                           fmt::format("A recipe says that chunks of frame {} have {} bytes; they have {}.",
                                       extent.frame.hex().substr(0, 16), extent.bytes, bytes)));
}

void ReferenceCheck::note_missing(const FrameId& frame, Numbers& hurting) {
  frames_are_unlisted_ = true;
  // Most likely it was listed in what is damaged.
  for (const FindingList::Number finding : damaged_indexes_) hurting.insert(finding);
  if (!damaged_indexes_.empty()) return;
  const bool listed = ++missing_frames_ <= kMaxMissingFrames;
  hurting.insert(shared_.findings.add(listed ? fmt::format("frame {}", frame.hex().substr(0, 16)) : "index",
                                      listed
                                          ? (shared_.blame_indexes ? "No index lists it." : "No pack has it.")
                                          : "More frames that backups need are missing."));
}

}  // namespace dbb::repository
