#pragma once

#include <string>

#include "base/backup_id.h"
#include "logical/lock_budget.h"
#include "logical/operation.h"
#include "repository/repository.h"

namespace dbb::logical {

// The lock budget of a restore, and what it was computed from.
struct LockCalculation {
  std::string backup;   // id; "" without one
  std::string address;  // of the target; "" when it was only described
  postgres::ServerFacts server;
  LockBudget budget;
  uint64_t databases = 0;  // whose statements were looked at
};

// What a restore of the backup would do on this target, without the rest of its checks. Reads the catalogs of
// the target and the schemas in the backup, and changes nothing. `server`: this one, described, instead of
// the target.
LockCalculation calculate_locks(repository::Repository& repository, const BackupId& backup, Parallelism asked,
                                const Operation& operation);
LockCalculation calculate_locks(repository::Repository& repository, const BackupId& backup, Parallelism asked,
                                const postgres::ServerFacts& server);
// With nothing but numbers.
LockCalculation calculate_locks(int64_t locks_per_worker, Parallelism asked,
                                const postgres::ServerFacts& server);

// A server of which only these settings are known. Its capacity is then the documented one.
postgres::ServerFacts described_server(int max_locks_per_transaction, int max_connections,
                                       int max_prepared_transactions);

}  // namespace dbb::logical
