#pragma once

#include <set>
#include <string>
#include <vector>

#include "logical/restore_progress.h"
#include "logical/restore_session.h"

namespace dbb::logical {

// Statistics for every table, materialized view and root of partitions, each in a transaction of its own,
// `workers` at once; tables that were not loaded frozen ("schema"."name", quoted) are vacuumed and frozen,
// too. Returns a warning for each that failed: a function in an index may, and a table without statistics is
// still a table.
std::vector<std::string> analyze_tables(const Operation& operation, const WorkSession& work,
                                        const std::set<std::string>& not_frozen, int workers,
                                        RestoreProgress& progress);

}  // namespace dbb::logical
