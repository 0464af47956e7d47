#pragma once

#include <optional>
#include <string>

#include "base/error.h"

#include "cli/style.h"
#include "logical/restore.h"

namespace dbb::cli {

// What will be done, for people: the preflight table, the databases with what becomes of each, globals.
std::string render_plan(const logical::RestorePlan& plan, size_t width, const Style& style);
// What was done: of each database what became of it. `way_on` is the command that continues, "" without one.
std::string render_result(const logical::RestorePlan& plan, const logical::RestoreResult& result,
                          const std::string& way_on, const Style& style);

// The error of a plan that is refused, with every refused line: CORRUPTED_BACKUP when the backup is damaged,
// VERSION_DOWNGRADE when the version alone speaks against it, otherwise PREFLIGHT_REFUSED.
Error refusal_of(const logical::RestorePlan& plan);

// The error with its database (nothing: all of the backup), server and role, where it does not know them
// itself.
Error tell_where(Error error, const std::optional<std::string>& database,
                 const postgres::ConnectionTarget& target);

}  // namespace dbb::cli
