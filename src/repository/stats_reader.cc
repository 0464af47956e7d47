#include "repository/stats_reader.h"

#include <algorithm>
#include <ranges>
#include <unordered_set>

#include "base/error.h"
#include "repository/backup_reader.h"
#include "repository/damage.h"
#include "repository/object_names.h"

namespace dbb::repository {
namespace {

void read_manifests(RepositoryCore& core, RepositoryStats& stats, const std::stop_token& stop) {
  for (const BackupId& id : core.backup_ids()) {
    if (stop.stop_requested()) throw cancelled();
    try {
      BackupStats backup{.manifest = core.read_manifest(id)};
      backup.manifest.document.clear();
      stats.logical_bytes += backup.manifest.totals.logical_bytes;
      stats.backups.push_back(std::move(backup));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kBackupNotFound) continue;  // forgotten since it was listed
      if (!is_damage(error) && error.code() != ErrorCode::kRepositoryTooNew) throw;
      ++stats.damaged_manifests;
    }
  }
  uint64_t stored = 0;
  for (BackupStats& backup : stats.backups | std::views::reverse) {
    stored += backup.manifest.totals.stored_bytes;
    backup.stored_so_far_bytes = stored;
  }
}

}  // namespace

RepositoryStats read_stats(const std::shared_ptr<RepositoryCore>& core, const std::stop_token& stop) {
  RepositoryStats stats;
  read_manifests(*core, stats, stop);
  const std::shared_ptr<const FrameIndex> index = core->refresh_index();
  stats.frames = index->frame_count();
  std::unordered_set<std::string> listed;
  for (const IndexedPack& pack : index->packs()) listed.insert(pack_name(pack.id));
  core->store().list("", [&](const storage::ListedObject& object) {
    if (stop.stop_requested()) throw cancelled();
    const auto count = [&](ObjectStats& kind) {
      ++kind.count;
      kind.bytes += object.size_bytes;
    };
    if (is_pack_name(object.name)) {
      count(stats.packs);
      if (!listed.contains(object.name)) count(stats.unreferenced_packs);
    } else if (is_index_name(object.name)) {
      count(stats.indexes);
    } else if (is_manifest_name(object.name)) {
      count(stats.manifests);
    } else {
      count(stats.others);
    }
    return true;
  });
  return stats;
}

ContentStats read_contents(const std::shared_ptr<RepositoryCore>& core, const BackupId& id,
                           const std::stop_token& stop) {
  Manifest manifest = core->read_manifest(id);  // before the index: DESIGN section 5, order of writing
  ContentStats stats;
  BackupReader backup(core, core->refresh_index(), std::move(manifest));
  backup.for_each_item([&](const Item& item) {
    if (stop.stop_requested()) throw cancelled();
    ContentStats::Kind& kind = stats.kinds[item.kind];
    ++kind.items;
    for (const StreamRef& part : item.parts) kind.bytes += part.bytes;
  });
  return stats;
}

}  // namespace dbb::repository
