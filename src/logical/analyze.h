#pragma once

#include <set>
#include <string>
#include <vector>

#include "logical/restore_progress.h"
#include "logical/restore_session.h"

namespace dbb::logical {

struct AnalyzeChoice {
  std::set<std::string> not_frozen = {};  // "schema"."name", quoted: these are vacuumed and frozen, too
  // Statistics only for tables with extended ones (CREATE STATISTICS); the others get theirs otherwise.
  bool only_extended = false;
};

// Statistics for every table, materialized view and root of partitions, each in a transaction of its own,
// `workers` at once. Returns a warning for each that failed: a function in an index may, and a table without
// statistics is still a table.
std::vector<std::string> analyze_tables(const Operation& operation, const WorkSession& work,
                                        const AnalyzeChoice& choice, int workers, RestoreProgress& progress);

}  // namespace dbb::logical
