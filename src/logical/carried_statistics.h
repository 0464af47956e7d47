#pragma once

#include <string>
#include <vector>

#include "logical/document.h"
#include "logical/restore_progress.h"
#include "logical/restore_session.h"
#include "repository/backup_reader.h"

// What the planner knew of the rows when they were backed up, given to the restored ones: pg_dump writes it
// as calls of pg_restore_relation_stats() and pg_restore_attribute_stats(), in an archive of its own. What
// belongs to CREATE STATISTICS is not in it (pg_dump 18).
namespace dbb::logical {

// Major versions of the pg_dump that writes them and of the server that takes them.
inline constexpr int kFirstWithStatistics = 18;

// Why statistics are computed anew instead of carried over, for people; "" when nothing speaks against it.
// `are_in_backup`: there is an item of them.
std::string why_not_carried(const DatabaseRecord& record, const Selection& restored, bool are_in_backup,
                            int target_major);

// Runs the statements, `workers` at once, for the relations that are there. Comes last: building an index and
// VACUUM would count anew. A warning for each relation whose statistics the server does not take.
std::vector<std::string> carry_statistics(repository::BackupReader& backup,
                                          const repository::StreamRef& archive, const Operation& operation,
                                          const WorkSession& work, int workers, RestoreProgress& progress);

}  // namespace dbb::logical
