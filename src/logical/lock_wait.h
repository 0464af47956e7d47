#pragma once

#include "base/error.h"
#include "postgres/connection.h"

namespace dbb::logical {

// `error`, which says that a lock was not granted in time, with the sessions that hold or wait for exclusive
// locks in the connection's database added to cause and solution. The connection must not be in a failed
// transaction.
Error with_lock_holders(const Error& error, postgres::Connection& connection);

}  // namespace dbb::logical
