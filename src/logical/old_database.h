#pragma once

#include <string>
#include <vector>

#include "logical/operation.h"
#include "postgres/connection.h"

// What becomes of the database that was replaced.
namespace dbb::logical {

// Of a database that was replaced and is kept: it must not go on eating what its publisher sends. Returns the
// names of those that were enabled.
std::vector<std::string> disable_subscriptions(const Operation& operation, const std::string& database);

struct OldDatabaseToDrop {
  std::string name;  // that it has now
  postgres::Oid oid;
  bool drop_slots = false;  // with its subscriptions and logical slots, which otherwise refuse it
};

// Looks once more at what is bound to it: DROP DATABASE would take an idle logical slot with it without a
// word. Throws kSwapFailed when something is and may not be dropped, else what the server says; the database
// is then there as before, or invalid when the DROP was interrupted.
void drop_old_database(const Operation& operation, const std::string& maintenance,
                       const OldDatabaseToDrop& old_one);

}  // namespace dbb::logical
