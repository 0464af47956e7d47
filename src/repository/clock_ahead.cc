#include "repository/clock_ahead.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace dbb::repository {

bool is_ahead(const BackupId& id, UtcTime now) {
  const std::string limit = UtcTime(now.microseconds() + kClockAheadMicroseconds).compact();
  return std::string_view(id.text()).substr(0, limit.size()) > limit;
}

std::vector<BackupId> backups_ahead(const std::vector<BackupId>& ids, UtcTime now) {
  std::vector<BackupId> ahead;
  std::ranges::copy_if(ids, std::back_inserter(ahead), [&](const BackupId& id) { return is_ahead(id, now); });
  return ahead;
}

}  // namespace dbb::repository
