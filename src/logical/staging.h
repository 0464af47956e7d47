#pragma once

#include <string>

#include "logical/names.h"
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

// Says in its comment how far it is.
void mark_staging(postgres::Connection& session, const std::string& name, const Mark& mark);

// The OID of the database of that name; 0 when there is none.
postgres::Oid find_database(postgres::Connection& session, const std::string& name);

// Drops the subscriptions of a database, which stand in the way of dropping it, without a word to their
// publishers.
void forget_subscriptions(const Operation& operation, const std::string& database);

// Drops it with the subscriptions in it, whose publishers are not told: the slots there belong to the source.
void drop_staging_now(const Operation& operation, const std::string& maintenance, const std::string& name);

struct FailedStaging {
  std::string name;
  std::string for_database;
  bool renamed = false;  // to <database>_failed_<date>
};
// Lets it be, marked so that no later restore takes it for debris. Returns the name that it has then, "" when
// there is none. Likewise over a fresh session, and never throws.
std::string keep_failed(const Operation& operation, const std::string& maintenance,
                        const FailedStaging& failed) noexcept;

// Drops it, over a fresh session and within its own time, since the operation may have been stopped. Never
// throws; false when it may still be there.
bool drop_staging(const Operation& operation, const std::string& maintenance,
                  const std::string& name) noexcept;

}  // namespace dbb::logical
