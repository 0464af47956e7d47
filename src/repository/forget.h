#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "repository/manifest.h"
#include "repository/state_object.h"

namespace dbb::repository {

struct ForgetOptions {
  std::vector<BackupId> backups;      // these,
  std::optional<uint32_t> keep_last;  // and of every group all but so many of the newest complete ones
  bool last_too = false;              // also the newest complete one of its group
  std::string by;                     // user and host, for the tombstone
  std::optional<UtcTime> now = {};    // backups that are ahead of it (clock_ahead.h) count for nothing
};

// What is to be forgotten and what stays, and why. Backups of the same source, kind and subject are a group.
struct ForgetPlan {
  struct Entry {
    BackupId id;
    std::string group;  // "cluster", "database app"; empty when the manifest cannot be read
    bool forget = false;
    std::string reason;  // why it stays, or goes
  };
  std::vector<Entry> entries;  // newest first

  std::vector<BackupId> to_forget() const;
};

// Error kBackupNotFound, kBackupHeld or kBackupIsLast when a backup was named that is none or may not be
// forgotten; what a policy may not forget is kept and says so. `unreadable` are backups whose manifest cannot
// be read: they are forgotten only by name; so are backups that are ahead of `now`.
ForgetPlan plan_forget(const std::vector<Manifest>& newest_first, const std::vector<BackupId>& unreadable,
                       const std::vector<Hold>& holds, const ForgetOptions& options);

}  // namespace dbb::repository
