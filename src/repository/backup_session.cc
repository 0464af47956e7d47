#include "repository/backup_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ranges>
#include <unordered_set>

#include "base/check.h"
#include "base/error.h"
#include "codec/xxh3.h"
#include "repository/commit_check.h"
#include "repository/damage.h"
#include "repository/manifest_json.h"
#include "repository/part_writer.h"
#include "repository/put_object.h"
#include "repository/references.h"
#include "repository/unique_name.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

constexpr size_t kMaxParents = 4;
constexpr size_t kMaxManifestsRead = 100;  // in search of parents

// Ids sort by time, those of one second too: the later one gets the larger random half.
BackupId id_after(const std::vector<BackupId>& newest_first, UtcTime now, uint64_t random_bits) {
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
      pipeline_(
          core_->store(), core_->keys(), core_->config().writing,
          [this](PackContents contents, const std::vector<FrameOrigin>& origins) {
            checkpointer_->pack_stored(std::move(contents), origins);
          },
          std::move(stop)) {
  manifest_.kind = options.kind;
  manifest_.source = options.source;
  manifest_.subject = options.subject;
  manifest_.program_version = options.program_version;
  manifest_.host = options.host;
  manifest_.started = clock.now();
  const Bytes who = encode_item({.kind = options.kind, .key = options.source, .attributes = options.host});
  uint64_t random_bits = 0;
  for (const uint8_t byte : unique_name(core_->keys(), who).bytes) random_bits = random_bits << 8 | byte;
  manifest_.id = id_after(core_->backup_ids(), manifest_.started, random_bits);
  checkpointer_.emplace(core_, clock_, manifest_.id, options.source, options.kind);

  // In this order, docs/decisions/0023: be seen, see what is condemned, then manifests, then the index.
  presence_.emplace(
      core_, SessionOptions{.operation = "backup", .host = options.host, .backup = manifest_.id.text()},
      Session::Writes::kNeeded, clock_);
  std::unordered_set<PackId, PackId::Hash> condemned;
  for (const Condemned& state : list_state<Condemned>(*core_)) {
    condemned.insert(state.packs.begin(), state.packs.end());
  }
  for (const Deleting& state : list_state<Deleting>(*core_)) {
    condemned.insert(state.packs.begin(), state.packs.end());
  }
  const std::vector<StreamRef> parent_items = choose_parents(options);
  resumed_ = ResumedParts(*core_, options.source);
  index_ = core_->refresh_index();
  const PackSizes sizes(core_->store());
  for (const IndexedPack& pack : index_->packs()) {
    pack_usable_.push_back(sizes.problem_of(pack).empty() && !condemned.contains(pack.id));
  }
  pack_used_ = std::make_unique<std::atomic<bool>[]>(index_->packs().size());
  for (const StreamRef& list : parent_items) {
    earlier_items_.emplace_back(core_, index_, list);
    if (earlier_items_.size() == 1) earlier_list_ = list;
  }
}

BackupSession::~BackupSession() {
  if (committed_) return;
  pipeline_.abandon();
  checkpointer_->remove_unindexed_packs();
}

// From the newest on, up to the first that is complete and of the same kind: a backup of one database, or one
// that failed half-way, does not hide the backup of the whole cluster before it.
std::vector<StreamRef> BackupSession::choose_parents(const BeginBackup& options) {
  std::vector<StreamRef> items;
  for (const BackupId& id : core_->backup_ids() | std::views::take(kMaxManifestsRead)) {
    try {
      const Manifest manifest = core_->read_manifest(id);
      if (manifest.source != options.source) continue;
      manifest_.parents.push_back(id);
      items.push_back(manifest.items);
      if (manifest.complete && manifest.kind == options.kind) break;
      if (manifest_.parents.size() == kMaxParents) break;
    } catch (const Error& error) {
      // A damaged one is nothing to compare with, nor one that was just deleted or is too new.
      const bool expected = is_damage(error) || error.code() == ErrorCode::kBackupNotFound ||
                            error.code() == ErrorCode::kRepositoryTooNew;
      if (!expected) throw;
    }
  }
  return items;
}

std::unique_ptr<PartWriter> BackupSession::open_stream(const StreamKey& key, StreamClass stream_class) {
  DBB_CHECK(stream_class != StreamClass::kMetadata, "metadata is the repository's own");
  const auto origin = std::make_shared<const StreamKey>(key);
  for (const ItemLookup& items : earlier_items_) {
    if (const std::optional<StreamRef> previous = items.find(key)) {
      return std::make_unique<PartWriter>(*this, stream_class, &*previous, origin);
    }
  }
  return std::make_unique<PartWriter>(*this, stream_class, nullptr, origin);
}

void BackupSession::stream_finished(uint64_t bytes) {
  logical_bytes_ += bytes;
  ++streams_;
}

PreviousPart BackupSession::previous_part(const StreamRef* stream, const StreamKey* origin) {
  const auto resumed = origin == nullptr ? std::span<const FrameId>() : resumed_.frames_of(*origin);
  if (stream == nullptr && resumed.empty()) return {};
  return PreviousPart(core_, index_, resumed, stream,
                      [this](const IndexedFrame& copy) { return is_usable(copy); });
}

// What is compared with counts as relied on, whether it turns out equal or not: that errs on the safe side.
bool BackupSession::is_usable(const IndexedFrame& copy) {
  if (!pack_usable_[copy.pack]) return false;
  pack_used_[copy.pack] = true;
  return true;
}

bool BackupSession::claim(const FrameId& frame, uint64_t data_bytes) {
  for (const IndexedFrame& copy : index_->copies(frame)) {
    if (!copy.partial && is_usable(copy) && core_->holds(index_->pack_of(copy), copy)) return false;
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
  DBB_CHECK(!committed_, "a backup is committed once");
  manifest_.items = write_item_list();
  pipeline_.finish();
  pipeline_.check();
  checkpointer_->finish();
  manifest_.complete = draft.complete;
  manifest_.document = draft.document;
  manifest_.finished = clock_.now();
  manifest_.totals = totals();

  const std::vector<PackId> packs = packs_relied_on();
  presence_->refuse_if_silent();
  refuse_deleted_packs(*core_, packs);
  try {
    put_manifest();
    refuse_deleted_packs(*core_, packs);
    presence_->refuse_if_silent();
  } catch (...) {
    withdraw_manifest();
    throw;
  }
  committed_ = true;
  checkpointer_->remove_checkpoints();
  presence_.reset();
  return manifest_;
}

std::vector<PackId> BackupSession::packs_relied_on() const {
  std::vector<PackId> packs = checkpointer_->packs();
  for (size_t i = 0; i < index_->packs().size(); ++i) {
    if (pack_used_[i]) packs.push_back(index_->packs()[i].id);
  }
  return packs;
}

StreamRef BackupSession::write_item_list() {
  // Without the mutex: streams and items have ended, and the list claims frames.
  PartWriter list(*this, StreamClass::kMetadata, earlier_items_.empty() ? nullptr : &earlier_list_);
  items_.visit_sorted([&](ByteView record) { list.append(record, codec::xxh3_128(record).low); });
  return list.finish();
}

void BackupSession::put_manifest() {
  const std::string object = manifest_object(manifest_.id);
  const std::string text = encode_manifest(manifest_);
  put_object(core_->store(), object,
             BoxSealer(core_->keys()).seal(BoxKind::kManifest, box_name_of_object(object), as_bytes(text)));
}

// Where the store does not let that happen, the session stays behind: whoever finds it looks in our place.
void BackupSession::withdraw_manifest() {
  const std::string object = manifest_object(manifest_.id);
  try {
    if (!core_->store().size(object)) return;
    put_state(*core_, Tombstone{.backup = manifest_.id, .by = manifest_.host, .created = clock_.now()});
    core_->store().remove(object);
  } catch (const Error&) {
    presence_->leave_behind();
  }
}

Totals BackupSession::totals() const {
  const std::scoped_lock lock(mutex_);
  return {.logical_bytes = logical_bytes_,
          .new_bytes_raw = new_bytes_,
          .stored_bytes = pipeline_.stored_bytes() + checkpointer_->index_bytes(),
          .streams = streams_,
          .items = items_.size()};
}

}  // namespace dbb::repository
