#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/backup_id.h"
#include "base/units.h"

// Backups that a host made while its clock was ahead. Each would be the newest until the clocks of all have
// come there, so it counts for nothing by itself: it is taken, and forgotten, by name.
namespace dbb::repository {

// More than clocks of hosts differ by when nothing is wrong.
inline constexpr int64_t kClockAheadMicroseconds = int64_t{3600} * 1'000'000;

// Whether the time in its id lies that far ahead of `now`.
bool is_ahead(const BackupId& id, UtcTime now);
// The newest of backups, newest first, that is not; of none but such, the newest. The end of an empty range.
template <typename Backups, typename IdOf = std::identity>
auto newest_that_counts(const Backups& backups, UtcTime now, IdOf id_of = {}) {
  const auto found =
      std::ranges::find_if(backups, [&](const BackupId& id) { return !is_ahead(id, now); }, id_of);
  return found == std::ranges::end(backups) ? std::ranges::begin(backups) : found;
}
// Those of `ids` that are.
std::vector<BackupId> backups_ahead(const std::vector<BackupId>& ids, UtcTime now);

}  // namespace dbb::repository
