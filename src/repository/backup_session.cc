#include "repository/backup_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ranges>

#include "base/check.h"
#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/damage.h"
#include "repository/manifest_json.h"
#include "repository/part_writer.h"
#include "repository/references.h"
#include "repository/window_reader.h"
#include "system/random.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxParents = 4;
constexpr size_t kMaxManifestsRead = 100;       // in search of parents
constexpr size_t kIndexObjectFrames = 200'000;  // about 10 MiB

// Different for two processes even if they draw the same random bytes at the same time.
template <typename Id>
Id new_name(const KeyRing& keys, ByteView what_it_names) {
  return Id::from(codec::Hmac(keys.name()).add(system::random_bytes(16)).add(what_it_names).finish());
}

// Ids sort by time, those of one second too: the later one gets the larger random half. The fraction of the
// second keeps two clones apart that draw the same random bits for backups of the same server.
BackupId id_after(const std::vector<BackupId>& newest_first, UtcTime now, uint64_t random_bits) {
  random_bits += static_cast<uint64_t>(now.microseconds());
  BackupId id(now, random_bits);
  if (newest_first.empty() || newest_first.front() < id) return id;
  const BackupId& newest = newest_first.front();
  const bool same_second = newest.text().starts_with(now.compact());
  if (!same_second) return id;  // made by a host whose clock goes ahead
  const uint64_t taken = std::stoull(std::string(newest.random_part()), nullptr, 16);
  const uint64_t room = std::numeric_limits<uint64_t>::max() - taken;
  return room == 0 ? id : BackupId(now, taken + 1 + random_bits % room);
}

}  // namespace

BackupSession::BackupSession(std::shared_ptr<RepositoryCore> core, const BeginBackup& options,
                             system::Clock& clock, std::stop_token stop)
    : core_(std::move(core)),
      clock_(clock),
      pipeline_(core_->store(), core_->keys(), core_->config().writing, std::move(stop)) {
  manifest_.kind = options.kind;
  manifest_.source = options.source;
  manifest_.program_version = options.program_version;
  manifest_.host = options.host;
  manifest_.started = clock.now();
  const Bytes who = encode_item({.kind = options.kind, .key = options.source, .attributes = options.host});
  uint64_t random_bits = 0;
  for (const uint8_t byte : new_name<PackId>(core_->keys(), who).bytes) random_bits = random_bits << 8 | byte;
  manifest_.id = id_after(core_->backup_ids(), manifest_.started, random_bits);

  choose_parents(options);  // reads manifests, so it comes before the index
  index_ = core_->refresh_index();
  const PackSizes sizes(core_->store());
  for (const IndexedPack& pack : index_->packs()) pack_usable_.push_back(sizes.problem_of(pack).empty());
  for (const BackupId& parent : manifest_.parents) {
    const StreamRef list = core_->read_manifest(parent).items;
    earlier_items_.emplace_back(core_, index_, list);
    if (earlier_items_.size() == 1) earlier_list_ = list;
  }
}

BackupSession::~BackupSession() {
  if (!index_stored_) pipeline_.abandon();
}

// From the newest on, up to the first that is complete and of the same kind: a backup of one database, or one
// that failed half-way, does not hide the backup of the whole cluster before it.
void BackupSession::choose_parents(const BeginBackup& options) {
  for (const BackupId& id : core_->backup_ids() | std::views::take(kMaxManifestsRead)) {
    try {
      const Manifest manifest = core_->read_manifest(id);
      if (manifest.source != options.source) continue;
      manifest_.parents.push_back(id);
      if (manifest.complete && manifest.kind == options.kind) return;
      if (manifest_.parents.size() == kMaxParents) return;
    } catch (const Error& error) {
      // A damaged one is nothing to compare with, nor one that was just deleted or is too new.
      const bool expected = is_damage(error) || error.code() == ErrorCode::kBackupNotFound ||
                            error.code() == ErrorCode::kRepositoryTooNew;
      if (!expected) throw;
    }
  }
}

std::unique_ptr<PartWriter> BackupSession::open_stream(const StreamKey& key, StreamClass stream_class) {
  DBB_CHECK(stream_class != StreamClass::kMetadata, "metadata is the repository's own");
  for (const ItemLookup& items : earlier_items_) {
    if (const std::optional<StreamRef> previous = items.find(key)) {
      return std::make_unique<PartWriter>(*this, stream_class, &*previous);
    }
  }
  return std::make_unique<PartWriter>(*this, stream_class, nullptr);
}

void BackupSession::stream_finished(uint64_t bytes) {
  logical_bytes_ += bytes;
  ++streams_;
}

PreviousPart BackupSession::previous_part(const StreamRef& stream) {
  return PreviousPart(core_, index_, stream,
                      [this](const IndexedFrame& copy) { return pack_usable_[copy.pack]; });
}

bool BackupSession::claim(const FrameId& frame, uint64_t data_bytes) {
  for (const IndexedFrame& copy : index_->copies(frame)) {
    if (!copy.partial && pack_usable_[copy.pack] && core_->holds(index_->pack_of(copy), copy)) return false;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!claimed_.insert(frame)) return false;
  }
  new_bytes_ += data_bytes;
  return true;
}

void BackupSession::add_item(const Item& item) {
  const std::scoped_lock lock(mutex_);
  items_.add(item);
}

Manifest BackupSession::commit(const ManifestDraft& draft) {
  DBB_CHECK(!index_stored_, "a backup is committed once");
  manifest_.items = write_item_list();
  const std::vector<PackContents> packs = pipeline_.finish();
  pipeline_.check();
  put_index(packs);
  manifest_.complete = draft.complete;
  manifest_.document = draft.document;
  manifest_.finished = clock_.now();
  manifest_.totals = totals();
  put_manifest();
  return manifest_;
}

StreamRef BackupSession::write_item_list() {
  // Without the mutex: streams and items have ended, and the list claims frames.
  PartWriter list(*this, StreamClass::kMetadata, earlier_items_.empty() ? nullptr : &earlier_list_);
  items_.visit_sorted([&](ByteView record) { list.append(record, codec::xxh3_128(record).low); });
  return list.finish();
}

void BackupSession::put_index(const std::vector<PackContents>& packs) {
  auto first = packs.begin();
  while (first != packs.end()) {
    auto last = first;
    for (size_t frames = 0; last != packs.end() && (last == first || frames < kIndexObjectFrames); ++last) {
      frames += last->frames.size();
    }
    const Bytes content = encode_index({first, last});
    const std::string object = "index/" + new_name<PackId>(core_->keys(), content).hex();
    const Bytes box = BoxSealer(core_->keys()).seal(BoxKind::kIndex, box_name_of_object(object), content);
    put_once(object, box);
    // From here on others may refer to the packs: they stay, whatever happens.
    index_stored_ = true;
    index_bytes_ += box.size();
    first = last;
  }
}

void BackupSession::put_manifest() {
  const std::string object = manifest_object(manifest_.id);
  const std::string text = encode_manifest(manifest_);
  const Bytes box =
      BoxSealer(core_->keys()).seal(BoxKind::kManifest, box_name_of_object(object), as_bytes(text));
  put_once(object, box);
  index_stored_ = true;  // also when there was no pack to list
}

void BackupSession::put_once(const std::string& object, ByteView box) {
  try {
    if (core_->store().put(object, box) == storage::PutResult::kStored) return;
  } catch (...) {
    // Perhaps it is there and only the answer was lost. What cannot be known counts as stored.
    index_stored_ = true;
    if (!core_->store().size(object)) index_stored_ = index_bytes_ > 0;
    throw;
  }
  throw Error(
      ErrorCode::kStorageFailed,
      {.message = fmt::format("There is an object {} already, which this backup wanted to write.", object),
       .solution = {"Run the command again: it will choose another name."}});
}

Totals BackupSession::totals() const {
  const std::scoped_lock lock(mutex_);
  return {.logical_bytes = logical_bytes_,
          .new_bytes_raw = new_bytes_,
          .stored_bytes = pipeline_.stored_bytes() + index_bytes_,
          .streams = streams_,
          .items = items_.size()};
}

}  // namespace dbb::repository
