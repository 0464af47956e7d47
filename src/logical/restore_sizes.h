#pragma once

#include <vector>

#include "logical/restore.h"
#include "logical/restore_watch.h"
#include "postgres/server.h"
#include "repository/backup_reader.h"

// What a plan means in bytes and places, for whoever watches it being carried out.
namespace dbb::logical {

// One for each database of the plan, in its order; those that are skipped have no bytes. Reads the item list
// and the schema of each database, some 30 microseconds a table.
std::vector<DatabaseSizes> sizes_of(const RestorePlan& plan, repository::BackupReader& backup);

Concurrency concurrency_of(const RestorePlan& plan, const postgres::ServerFacts& server);

// Adds the places that hold these tablespaces, when the server's files are on this host.
void watch_places(const postgres::ServerFacts& server, const std::vector<std::string>& tablespaces,
                  postgres::Connection& session, WatchOptions& options);
WatchOptions watch_options(const RestorePlan& plan, const postgres::ServerFacts& server,
                           postgres::Connection& session);

}  // namespace dbb::logical
