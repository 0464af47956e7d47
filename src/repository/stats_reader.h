#pragma once

#include <memory>
#include <stop_token>

#include "repository/core.h"
#include "repository/stats.h"

namespace dbb::repository {

// The work behind Repository::stats(): one listing of the store, the manifests and the index; no data.
// Memory: the index, and about 300 bytes a backup.
RepositoryStats read_stats(const std::shared_ptr<RepositoryCore>& core, const std::stop_token& stop);

// Reads the item list of one backup, in bounded memory.
ContentStats read_contents(const std::shared_ptr<RepositoryCore>& core, const BackupId& id,
                           const std::stop_token& stop);

}  // namespace dbb::repository
