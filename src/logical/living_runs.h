#pragma once

#include <set>
#include <string>

#include "postgres/connection.h"

namespace dbb::logical {

// The random parts of the ids of runs that are at work on this server now: every run that changes something
// holds one session, named "dbbackup <random part> control", from beginning to end.
std::set<std::string> living_runs(postgres::Connection& session);

}  // namespace dbb::logical
