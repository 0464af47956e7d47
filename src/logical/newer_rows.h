#pragma once

#include <string>
#include <vector>

#include "logical/restore_session.h"
#include "repository/backup_reader.h"

namespace dbb::logical {

// How the tables of a database differ from the backup in their number of rows: "public.orders: 1,050 rows,
// 1,000 in the backup", the largest difference first. Counts every table, `workers` at once, on the server.
std::vector<std::string> rows_that_differ(repository::BackupReader& backup, const std::string& source,
                                          const Operation& operation, const WorkSession& work, int workers);

}  // namespace dbb::logical
