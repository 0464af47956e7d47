#include "repository/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/manifest_json.h"
#include "repository/object_names.h"

namespace dbb::repository {
namespace {

constexpr int kListAttempts = 20;
constexpr size_t kCacheBytes = 32 << 20;
constexpr size_t kLastBytesRead = 64 << 10;  // of a pack: the trailer and, mostly, the directory

size_t memory_of(const PackDirectory& directory) {
  size_t bytes = sizeof directory;
  for (const DirectoryEntry& entry : directory.frames) {
    bytes += sizeof entry + entry.chunks.size() * sizeof(ChunkInfo) + entry.bitmap.size();
  }
  return bytes;
}

}  // namespace

RepositoryCore::RepositoryCore(storage::ObjectStore& store, Unlocked unlocked)
    : store_(store),
      config_(std::move(unlocked.config)),
      keys_(std::move(unlocked.keys)),
      opened_slot_(std::move(unlocked.slot)),
      index_(std::make_shared<const FrameIndex>()) {
  codec::wipe(unlocked.config.master_key);
  keys_.read_epochs_with([this](uint32_t epoch) { return read_epoch(store_, keys_, epoch); });
}

RepositoryCore::~RepositoryCore() { codec::wipe(config_.master_key); }

std::shared_ptr<const FrameIndex> RepositoryCore::refresh_index() {
  const std::scoped_lock lock(index_mutex_);
  // An object that is gone when it is read was replaced since the list was made, by one that the list lacks.
  for (int attempt = 0; !try_refresh_index(); ++attempt) {
    if (attempt == kListAttempts) {
      throw Error(
          ErrorCode::kStorageFailed,
          {.message = fmt::format("The index in {} changes faster than it can be read.", store_.describe()),
           .solution = {"Run the command again when the prune or repair that is at work has ended."}});
    }
  }
  return index_;
}

std::set<std::string> RepositoryCore::list_index_objects() {
  std::set<std::string> listed;
  store_.list("index/", [&](const storage::ListedObject& object) {
    if (is_index_name(object.name)) listed.insert(object.name);
    return true;
  });
  return listed;
}

bool RepositoryCore::index_has_shrunk() {
  const std::scoped_lock lock(index_mutex_);
  return !std::ranges::includes(list_index_objects(), index_objects_);
}

bool RepositoryCore::try_refresh_index() {
  std::set<std::string> listed = list_index_objects();
  std::vector<std::string> added;
  std::ranges::set_difference(listed, index_objects_, std::back_inserter(added));
  const bool vanished = !std::ranges::includes(listed, index_objects_);
  if (added.empty() && !vanished) return true;

  if (vanished) {
    // Let go of the old one first, so that the two are not both in memory.
    index_ = std::make_shared<const FrameIndex>();
    index_objects_.clear();
    damaged_indexes_.clear();
    added.assign(listed.begin(), listed.end());
  }
  auto index = std::make_shared<FrameIndex>(*index_);
  for (const std::string& object : added) {
    if (!add_index_object(*index, object)) return false;
  }
  index->finish();
  index_objects_ = std::move(listed);
  index_ = std::move(index);
  return true;
}

bool RepositoryCore::add_index_object(FrameIndex& index, const std::string& object) {
  try {
    return visit_index_object(object, [&](const PackContents& contents) { index.add(contents); });
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    damaged_indexes_[object] = error.cause();
  }
  return true;
}

bool RepositoryCore::visit_index_object(const std::string& object,
                                        const std::function<void(const PackContents&)>& visit) {
  const std::optional<Bytes> box = store_.get(object, max_box_bytes(BoxKind::kIndex));
  if (!box) return false;
  BoxOpener opener(keys_);
  const ByteView content = opener.open(BoxKind::kIndex, box_name_of_object(object), *box, object);
  // Twice, so that nothing is taken from an object that is damaged further behind.
  for_each_pack(content, object, [](const PackContents&) {});
  for_each_pack(content, object, visit);
  return true;
}

std::map<std::string, std::string> RepositoryCore::damaged_indexes() {
  const std::scoped_lock lock(index_mutex_);
  return damaged_indexes_;
}

std::shared_ptr<const PackDirectory> RepositoryCore::directory(const IndexedPack& pack) {
  {
    const std::scoped_lock lock(cache_mutex_);
    if (const auto found = cached_.find(pack.id); found != cached_.end()) {
      cache_.splice(cache_.begin(), cache_, found->second);
      return cache_.front().directory;
    }
  }
  // Two threads may read the same one; that is cheaper than to let one wait while the other reads a third.
  auto directory = std::make_shared<const PackDirectory>(read_directory(pack));
  remember(pack.id, directory);
  return directory;
}

void RepositoryCore::remember(const PackId& pack, const std::shared_ptr<const PackDirectory>& directory) {
  const std::scoped_lock lock(cache_mutex_);
  if (cached_.contains(pack)) return;
  cache_.push_front({.pack = pack, .directory = directory, .bytes = memory_of(*directory)});
  cached_[pack] = cache_.begin();
  cache_bytes_ += cache_.front().bytes;
  while (cache_bytes_ > kCacheBytes && cache_.size() > 1) {
    cache_bytes_ -= cache_.back().bytes;
    cached_.erase(cache_.back().pack);
    cache_.pop_back();
  }
}

PackDirectory RepositoryCore::read_directory(const IndexedPack& pack) {
  const std::string object = pack_name(pack.id);
  if (pack.size_bytes < kPackHeaderBytes + kPackTrailerBytes)
    throw_damaged(object, "It is too short to be a pack.");
  Bytes last(std::min<uint64_t>(pack.size_bytes, kLastBytesRead));
  const std::optional<size_t> got = store_.get_range(object, pack.size_bytes - last.size(), last);
  if (!got) throw_damaged(object, "It is missing.");
  if (*got != last.size())
    throw_damaged(object, fmt::format("It is shorter than {} bytes.", pack.size_bytes));
  const PackTrailer trailer =
      decode_pack_trailer(ByteView(last).last(kPackTrailerBytes), pack.size_bytes, object);

  Bytes whole;
  ByteView box;
  const size_t directory_and_trailer = trailer.directory_length + kPackTrailerBytes;
  if (directory_and_trailer <= last.size()) {
    box = ByteView(last).last(directory_and_trailer).first(trailer.directory_length);
  } else {
    whole.resize(trailer.directory_length);
    if (store_.get_range(object, trailer.directory_offset, whole) != whole.size()) {
      throw_damaged(object, "It was cut while it was read.");
    }
    box = whole;
  }
  BoxOpener opener(keys_);
  PackDirectory directory =
      decode_directory(opener.open(BoxKind::kDirectory, box_name_of_object(object), box, object), object);
  const bool fits =
      directory.pack == pack.id && directory.frames.size() == trailer.frame_count &&
      (directory.frames.empty() ||
       directory.frames.back().offset + directory.frames.back().length <= trailer.directory_offset);
  if (!fits) throw_damaged(object, "Its directory and its end contradict each other.");
  // Who compares with these chunks refers to them: a frame's id says which they are, whoever wrote the list.
  IdMaker ids(keys_);
  for (const DirectoryEntry& entry : directory.frames) {
    if (ids.frame(entry.stream_class, entry.chunks) != entry.id) {
      throw_damaged(object, fmt::format("Its directory lists chunks that frame {} does not have.",
                                        entry.id.hex().substr(0, 16)));
    }
  }
  return directory;
}

bool RepositoryCore::holds(const IndexedPack& pack, const IndexedFrame& frame) {
  try {
    const std::shared_ptr<const PackDirectory> listed = directory(pack);
    const DirectoryEntry* const entry = listed->at_offset(frame.offset);
    return entry != nullptr && entry->id == frame.id;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return false;
  }
}

bool RepositoryCore::may_have_chunks(const IndexedPack& pack, const IndexedFrame& copy, uint64_t first_chunk,
                                     uint64_t chunk_count) {
  if (first_chunk + chunk_count > copy.chunk_count) return false;
  if (!copy.partial) return true;
  try {
    const std::shared_ptr<const PackDirectory> listed = directory(pack);
    const DirectoryEntry* const entry = listed->at_offset(copy.offset);
    if (entry == nullptr || entry->chunks.size() != copy.chunk_count) return false;
    for (uint64_t i = 0; i < chunk_count; ++i) {
      if (!entry->has_chunk(first_chunk + i)) return false;
    }
    return true;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return true;
  }
}

std::vector<BackupId> RepositoryCore::backup_ids() {
  std::vector<BackupId> ids;
  // By name alone: what lies under a backup's name and cannot be read is a damaged backup, not none.
  store_.list_names("backups/", [&](const std::string& name) {
    try {
      ids.push_back(BackupId::parse(name.substr(name.find('/') + 1)));
    } catch (const Error&) {
      // Whatever lies there, it is no backup of ours.
    }
  });
  std::ranges::sort(ids, std::greater<>());
  return ids;
}

Manifest RepositoryCore::read_manifest(const BackupId& id) {
  const std::string object = manifest_object(id);
  const std::optional<Bytes> box = store_.get(object, max_box_bytes(BoxKind::kManifest));
  if (!box) {
    throw Error(ErrorCode::kBackupNotFound,
                {.message = fmt::format("There is no backup {} in {}.", id.text(), store_.describe()),
                 .solution = {"See what there is: dbbackup list"}});
  }
  BoxOpener opener(keys_);
  return decode_manifest(opener.open(BoxKind::kManifest, box_name_of_object(object), *box, object), id);
}

void RepositoryCore::throw_missing_frame(const FrameId& frame) {
  std::string problem = "No index lists it.";
  for (const auto& [object, reason] : damaged_indexes())
    problem += fmt::format(" {} is damaged: {}", object, reason);
  throw_damaged(fmt::format("frame {}", frame.hex().substr(0, 16)), problem);
}

}  // namespace dbb::repository
