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
};

// One transaction renames all of them, while a second session ends their sessions in a loop: the lock of a
// rename makes new ones queue, so that clients who reconnect without pause cannot win. No intermediate state
// is ever committed. Databases are checked by OID inside the transaction. Returns, for each, the seconds in
// which neither name could be connected to.
//
// Error kSwapFailed: nothing has changed. Calls at_step("swap-open") between the renames of each and the
// commit.
std::vector<double> swap_databases(const Operation& operation, const std::string& maintenance,
                                   const std::vector<Swap>& swaps, std::chrono::seconds lock_timeout);

}  // namespace dbb::logical
