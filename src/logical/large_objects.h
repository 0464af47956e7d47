#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "logical/fingerprint.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "repository/backup_reader.h"
#include "repository/backup_writer.h"

// Large objects with owner, privileges, comment and labels: a stream of two kinds of records. First, for a
// batch of objects, a header each; then their bytes in pieces {oid, offset, bytes} of at most 256 KiB, in any
// order. Every object has at least one piece, so that an empty one shows in the fingerprint too, which sums
// the pieces.
namespace dbb::logical {

struct LargeObjectTotals {
  uint64_t objects = 0;
  uint64_t bytes = 0;
  Fingerprint fingerprint;                 // rows are pieces
  std::vector<std::string> unreadable;     // "large object 16400"
  std::map<std::string, uint64_t> owners;  // objects of each
  std::set<std::string> in_privileges;     // roles that grant or are granted something, without PUBLIC
};

// Reads all large objects of the connection's database in its current snapshot. Those the role may not read
// are listed; since a refused read ends the transaction, `reopen` must bring the same snapshot back.
LargeObjectTotals save_large_objects(postgres::Connection& connection, const std::function<void()>& reopen,
                                     repository::StreamWriter& stream);

struct LargeObjectOptions {
  bool with_owners = true;  // owners and privileges, too
  std::function<void(postgres::LargeObject&)> change = [](postgres::LargeObject&) {};  // before it is created
  std::function<void(uint64_t bytes)> on_progress = [](uint64_t) {};
  uint64_t records_done = 0;  // at the beginning of the stream, which an earlier attempt restored
  // Called in each transaction, at its end, with the records of the stream that are restored by then; and
  // again when it is committed.
  std::function<void(uint64_t records)> before_commit = [](uint64_t) {};
  std::function<void(uint64_t records)> after_commit = [](uint64_t) {};
};

// Creates them, committing often: a large object takes a lock until its transaction ends.
LargeObjectTotals restore_large_objects(repository::StreamReader& stream, postgres::Connection& connection,
                                        const LargeObjectOptions& options);

// The fingerprint of what is in the database now, for the proof.
LargeObjectTotals fingerprint_large_objects(postgres::Connection& connection);

}  // namespace dbb::logical
