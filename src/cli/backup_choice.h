#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/backup_id.h"
#include "base/units.h"
#include "repository/repository.h"

// Which backup a person means by what was typed.
namespace dbb::cli {

class Context;

// What "the newest" is to be judged by.
struct Newest {
  // Names the server that is connected to, as manifests name it. Asked only when there are several.
  std::function<std::string()> source;
  UtcTime now;
};
Newest newest_for(Context& context);

// "latest" is the newest of a whole cluster, whatever single databases were backed up since. Anything else is
// the repository's to resolve; a backup of one database is then Error kUsage with the command that restores
// it.
//
// Where several servers share the repository, the newest is that of the one connected to. Has that made none,
// and did several others, it is kBackupAmbiguous, with what may have been meant. A backup that is ahead of
// the clock is the newest only when there is no other.
BackupId choose_cluster_backup(repository::Repository& repository, const std::string& typed,
                               const Newest& newest);

// Without `typed`, or for "latest", the newest backup that contains the database, likewise. Error
// kDatabaseNotFound with what the backup does contain.
BackupId choose_database_backup(repository::Repository& repository, const std::optional<std::string>& typed,
                                const std::string& database, const Newest& newest);

}  // namespace dbb::cli
