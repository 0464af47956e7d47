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

}  // namespace

Mark::Mark(std::shared_ptr<RepositoryCore> core, EventSink& events, std::stop_token stop)
    : core_(std::move(core)), events_(events), stop_(std::move(stop)) {}

void Mark::update() {
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
  Backup backup = {.id = id, .source = {}, .kind = {}};
  const auto need = [&](const Extent& extent) {
    if (stop_.stop_requested()) throw cancelled();
    if (!extent.hole && !needed_->add(extent) && index->copies(extent.frame).empty())
      ++backup.missing_extents;
  };
  try {
    const Manifest manifest = core_->read_manifest(id);
    backup.source = manifest.source;
    backup.kind = manifest.kind;
    for_each_extent(core_, index, manifest.items, need);
    RecordReader records(core_, index, manifest.items, {.record_bytes = kMaxItemBytes, .what = "item list"});
    ByteView record;
    while (records.next(record)) {
      for (const StreamRef& part : decode_item(record, "item list").parts)
        for_each_extent(core_, index, part, need);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kBackupNotFound) return;  // forgotten since it was listed
    if (is_damage(error) || error.code() == ErrorCode::kRepositoryTooNew) throw_unknown_needs(id, error);
    throw;
  }
  backups_.emplace(id.text(), std::move(backup));
}

}  // namespace dbb::repository
