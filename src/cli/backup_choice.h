#pragma once

#include <optional>
#include <string>

#include "base/backup_id.h"
#include "repository/repository.h"

// Which backup a person means by what was typed.
namespace dbb::cli {

// "latest" is the newest of a whole cluster, whatever single databases were backed up since. Anything else is
// the repository's to resolve; a backup of one database is then Error kUsage with the command that restores
// it.
BackupId choose_cluster_backup(repository::Repository& repository, const std::string& typed);

// Without `typed`, or for "latest", the newest backup that contains the database. Error kDatabaseNotFound
// with what the backup does contain.
BackupId choose_database_backup(repository::Repository& repository, const std::optional<std::string>& typed,
                                const std::string& database);

}  // namespace dbb::cli
