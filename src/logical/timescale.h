#pragma once

#include "logical/document.h"
#include "postgres/connection.h"

// TimescaleDB wants to be told around a restore (its documentation, "Logical backup"): while
// `timescaledb.restoring` is on, it takes its tables for plain ones and starts no jobs.
namespace dbb::logical {

inline constexpr std::string_view kTimescaleExtension = "timescaledb";

// nullptr when the database did not have the extension.
const postgres::ExtensionNeed* find_timescale(const DatabaseRecord& record);

// Before the schema is restored, but for the schema that the extension lies in: creates the extension in the
// recorded version, which its catalog's rows need, and calls timescaledb_pre_restore().
void begin_timescale_restore(postgres::Connection& session, const postgres::ExtensionNeed& extension);

// When all is restored and proven: calls timescaledb_post_restore(). Jobs may run from then on.
void end_timescale_restore(postgres::Connection& session, const postgres::ExtensionNeed& extension);

}  // namespace dbb::logical
