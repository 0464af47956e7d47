#pragma once

#include <string>
#include <vector>

#include "logical/lock_waits.h"
#include "logical/operation.h"
#include "postgres/connection.h"

// What the server says of the locks that the sessions of a run wait for.
namespace dbb::logical {

// Sessions of `operation`'s run that wait for a lock now, with whoever stands before them. `session` is any
// of its sessions. Costs a look at pg_stat_activity, and one at the lock table for each that waits.
std::vector<LockWait> look_at_lock_waits(postgres::Connection& session, const Operation& operation);

// For people who look for the reason of a wait: how full the lock table is, what each session of the run
// does, and every wait down to whoever waits for nobody. One line each.
std::vector<std::string> describe_locks(postgres::Connection& session, const Operation& operation,
                                        const std::vector<LockWait>& waits);

}  // namespace dbb::logical
