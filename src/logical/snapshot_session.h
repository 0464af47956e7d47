#pragma once

#include <string>

#include "logical/operation.h"
#include "postgres/connection.h"

namespace dbb::logical {

// A worker's session in the snapshot of one database.
class SnapshotSession {
 public:
  SnapshotSession(const Operation& operation, const std::string& database, std::string snapshot);
  postgres::Connection& connection() { return connection_; }
  // Ends the transaction, and with it the locks it gathered or the error it died of, and takes the same
  // snapshot again.
  void reopen();
  void count_table();  // reopens now and then, so that a worker's locks do not add up

 private:
  void begin();

  postgres::Connection connection_;
  std::string snapshot_;
  int tables_since_reopen_ = 0;
};

}  // namespace dbb::logical
