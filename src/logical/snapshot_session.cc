#include "logical/snapshot_session.h"

#include <utility>

namespace dbb::logical {
namespace {

constexpr int kTablesPerTransaction = 64;

}  // namespace

SnapshotSession::SnapshotSession(const Operation& operation, const std::string& database,
                                 std::string snapshot)
    : connection_(operation.connect_to_read(database, "worker")), snapshot_(std::move(snapshot)) {
  begin();
}

void SnapshotSession::reopen() {
  connection_.execute("ROLLBACK");
  begin();
}

void SnapshotSession::begin() {
  connection_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  connection_.execute("SET TRANSACTION SNAPSHOT " + connection_.quote_literal(snapshot_));
  tables_since_reopen_ = 0;
}

void SnapshotSession::count_table() {
  if (++tables_since_reopen_ >= kTablesPerTransaction) reopen();
}

}  // namespace dbb::logical
