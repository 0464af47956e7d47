#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "logical/operation.h"
#include "postgres/connection.h"

// The step in which a staging database takes the real name.
namespace dbb::logical {

struct Swap {
  std::string staging_name;
  postgres::Oid staging;
  std::string name;                             // that it takes
  std::optional<postgres::Oid> old_one = {};    // that has it now
  std::string kept_name = {};                   // that the old one gets
  std::string kept_comment = {};                // its mark
  std::vector<std::string> before_rename = {};  // statements about the staging database, by its staging name
  std::chrono::seconds lock_timeout{60};
};

// One transaction renames both, while a second session ends the sessions of both in a loop: the lock of a
// rename makes new ones queue, so that clients who reconnect without pause cannot win. No intermediate state
// is ever committed. Databases are checked by OID inside the transaction. Returns the seconds in which
// neither name could be connected to.
//
// Error kSwapFailed: nothing has changed. Calls at_step("swap-open") between the renames and the commit.
double swap_databases(const Operation& operation, const std::string& maintenance, const Swap& swap);

}  // namespace dbb::logical
