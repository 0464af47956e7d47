#pragma once

#include <string>
#include <vector>

#include "logical/operation.h"
#include "postgres/connection.h"

// What becomes of the database that was replaced.
namespace dbb::logical {

// Subscriptions of a database that is about to be replaced: an old database that is kept must not go on
// eating what its publisher sends. Those that were disabled are enabled again at the end of the scope unless
// keep_disabled() was called.
class DisabledSubscriptions {
 public:
  DisabledSubscriptions(const Operation& operation, std::string database);
  ~DisabledSubscriptions();
  DisabledSubscriptions(const DisabledSubscriptions&) = delete;
  DisabledSubscriptions& operator=(const DisabledSubscriptions&) = delete;

  void disable();
  void keep_disabled() { names_.clear(); }

 private:
  const Operation& operation_;
  const std::string database_;
  std::vector<std::string> names_;
};

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
