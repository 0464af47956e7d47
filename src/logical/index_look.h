#pragma once

#include <vector>

#include "logical/operation.h"
#include "logical/restore_progress.h"
#include "postgres/connection.h"

namespace dbb::logical {

// The indexes that sessions of this run build now, from pg_stat_progress_create_index. `session` is any of
// its sessions.
std::vector<IndexBuild> look_at_index_builds(postgres::Connection& session, const Operation& operation);

// Between which shares a build is done, from the server's words for what it does and its counts there, 0 to
// 1: it reads the table, sorts, and writes the index. How the time is divided among these depends on what is
// sorted and on whether the memory holds it. A pure function.
ShareBounds bounds_of_build(std::string_view phase, double blocks_share, double tuples_share);

}  // namespace dbb::logical
