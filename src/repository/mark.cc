#include "repository/mark.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/references.h"
#include "repository/window_reader.h"

namespace dbb::repository {
namespace {

[[noreturn]] void throw_unknown_needs(const BackupId& id, const Error& error) {
  throw Error(
      error.code(),
      {.message = fmt::format("Nothing can be deleted: what the backup {} needs cannot be read.", id.text()),
       .cause = error.what(),
       .solution = {
           "Look at the damage: dbbackup check", "If an index is damaged or missing: dbbackup repair index",
           fmt::format("If that backup is lost: dbbackup forget {}, then prune again.", id.text())}});
}

void for_each_extent_of(const std::shared_ptr<RepositoryCore>& core,
                        const std::shared_ptr<const FrameIndex>& index, const Manifest& manifest,
                        const std::function<void(const Extent&)>& visit) {
  for_each_extent(core, index, manifest.items, visit);
  RecordReader records(core, index, manifest.items, {.record_bytes = kMaxItemBytes, .what = "item list"});
  ByteView record;
  while (records.next(record)) {
    for (const StreamRef& part : decode_item(record, "item list").parts) {
      for_each_extent(core, index, part, visit);
    }
  }
}

}  // namespace

Mark::Mark(std::shared_ptr<RepositoryCore> core, EventSink& events, std::stop_token stop)
    : core_(std::move(core)), events_(events), stop_(std::move(stop)) {}

void Mark::update() {
  if (needed_ && core_->index_has_shrunk()) {
    needed_.reset();
    backups_.clear();
  }
  // Manifests and checkpoints before the index: DESIGN section 5, order of writing.
  std::vector<BackupId> added;
  for (const BackupId& id : core_->backup_ids()) {
    if (!backups_.contains(id.text())) added.push_back(id);
  }
  const std::shared_ptr<const FrameIndex> index = core_->refresh_index();
  if (const auto damaged = core_->damaged_indexes(); !damaged.empty()) {
    throw Error(
        ErrorCode::kCorruptedBackup,
        {.message =
             "Nothing can be deleted: an index is damaged, and with it the knowledge of what is where.",
         .cause = fmt::format("{}: {}", damaged.begin()->first, damaged.begin()->second),
         .solution = {"Rebuild it from the packs: dbbackup repair index"}});
  }
  if (!needed_) needed_.emplace(index);

  uint64_t done = 0;
  for (const BackupId& id : added) {
    events_.emit(Progress{.phase = "looking at backups",
                          .object = id.text(),
                          .bytes_done = done++,
                          .bytes_total = added.size()});
    read_backup(id, index);
  }
  for_each_state<Checkpoint>(*core_, [&](const Checkpoint& checkpoint) { read_checkpoint(checkpoint); });
}

bool Mark::lacks_chunks(const BackupId& id) {
  const std::shared_ptr<const FrameIndex> index = core_->refresh_index();
  bool lacks = false;
  for_each_extent_of(core_, index, core_->read_manifest(id), [&](const Extent& extent) {
    if (stop_.stop_requested()) throw cancelled();
    if (lacks || extent.hole) return;
    lacks = std::ranges::none_of(index->copies(extent.frame), [&](const IndexedFrame& copy) {
      return core_->may_have_chunks(index->pack_of(copy), copy, extent.first_chunk, extent.chunk_count);
    });
  });
  return lacks;
}

void Mark::read_checkpoint(const Checkpoint& checkpoint) {
  const bool useless = std::ranges::any_of(backups_, [&](const auto& entry) {
    const Backup& backup = entry.second;
    return backup.id == checkpoint.backup ||
           (checkpoint.backup < backup.id && backup.source == checkpoint.source);
  });
  if (useless) {
    useless_checkpoints_.insert(object_of(checkpoint));
    return;
  }
  for (const Checkpoint::Part& part : checkpoint.parts) {
    for (const FrameId& frame : part.frames) needed_->add_frame(frame);
  }
}

void Mark::read_backup(const BackupId& id, const std::shared_ptr<const FrameIndex>& index) {
  Backup backup = {.id = id, .source = {}};
  const auto need = [&](const Extent& extent) {
    if (stop_.stop_requested()) throw cancelled();
    if (!extent.hole && !needed_->add(extent) && index->copies(extent.frame).empty())
      ++backup.missing_extents;
  };
  try {
    const Manifest manifest = core_->read_manifest(id);
    backup.source = manifest.source;
    for_each_extent_of(core_, index, manifest, need);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kBackupNotFound) return;  // forgotten since it was listed
    if (is_damage(error) || error.code() == ErrorCode::kRepositoryTooNew) throw_unknown_needs(id, error);
    throw;
  }
  backups_.emplace(id.text(), std::move(backup));
}

}  // namespace dbb::repository
