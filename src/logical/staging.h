#pragma once

#include <string>

#include "logical/operation.h"
#include "logical/restore.h"
#include "postgres/connection.h"

// The database a restore builds before it takes the real name.
namespace dbb::logical {

struct StagingRequest {
  std::string name;
  std::string for_database;                        // goes into the mark
  const postgres::DatabaseProperties& properties;  // as recorded
  bool with_owner = true;
  bool is_superuser = true;  // of the role that restores
};

// Creates it from template0 with the recorded encoding, locale, tablespace and owner, marked by its comment,
// and closed to everybody else at once: docs/decisions/0010. Returns its OID. `session` is to the maintenance
// database.
postgres::Oid create_staging(postgres::Connection& session, const StagingRequest& request,
                             const BackupId& run);

// The OID of the database of that name; 0 when there is none.
postgres::Oid find_database(postgres::Connection& session, const std::string& name);

// Drops the subscriptions of a database, which stand in the way of dropping it, without a word to their
// publishers.
void forget_subscriptions(const Operation& operation, const std::string& database);

// Drops it with the subscriptions in it, whose publishers are not told: the slots there belong to the source.
void drop_staging_now(const Operation& operation, const std::string& maintenance, const std::string& name);

// Drops it, over a fresh session and within its own time, since the operation may have been stopped. Never
// throws; false when it may still be there.
bool drop_staging(const Operation& operation, const std::string& maintenance,
                  const std::string& name) noexcept;

}  // namespace dbb::logical
