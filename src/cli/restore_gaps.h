#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logical/restore.h"

// What a restore could not give because the backup has not got it. The plan knows. `database`: its name on
// the target.
namespace dbb::cli {

// Nothing of it is in the backup, so it is not restored either.
bool failed_in_backup(const logical::RestorePlan& plan, std::string_view database);
// What the backup lacks of it: "table public.secret: permission denied". Of a chosen part of it, what is of
// that part as far as can be told; with doubt it is named.
std::vector<std::string> gaps_in_backup(const logical::RestorePlan& plan, std::string_view database);
// Both, of all databases that are restored or failed in the backup, a line each: "app: incomplete in ...".
std::vector<std::string> all_gaps(const logical::RestorePlan& plan, const logical::RestoreResult& result);

// "complete", "partial" (some are restored, and something is not), "failed" (none is). A database that was
// left as it is on purpose does not count.
std::string_view status_of(const logical::RestorePlan& plan, const logical::RestoreResult& result);

}  // namespace dbb::cli
