#pragma once

#include <span>

#include "repository/core.h"

namespace dbb::repository {

// Whether every pack that a backup relies on is there and stays there. Asked before the manifest is written,
// to save the trouble, and again after it: what a prune does between its last look at the manifests and its
// last deletion is announced by an object, so that either it saw the manifest, or this sees the announcement
// or the gap (docs/decisions/0023). Error kPackDeleted.
void refuse_deleted_packs(RepositoryCore& core, std::span<const PackId> packs);

}  // namespace dbb::repository
