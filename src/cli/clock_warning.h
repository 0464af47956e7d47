#pragma once

#include <vector>

#include "base/backup_id.h"

namespace dbb::cli {

class Context;

// Warns of each of these backups that is ahead of this host's clock (repository/clock_ahead.h).
void warn_of_clock_ahead(Context& context, const std::vector<BackupId>& ids);
// Likewise, of whatever backups there are that can be read.
void warn_of_clock_ahead(Context& context);

}  // namespace dbb::cli
