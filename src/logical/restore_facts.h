#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "logical/fill_mark.h"
#include "logical/globals.h"
#include "logical/operation.h"
#include "logical/restore.h"
#include "logical/schema_facts.h"
#include "logical/unprivileged.h"
#include "postgres/catalog.h"
#include "postgres/server.h"
#include "system/file.h"

// What a restore's preflight judges: gathered here, judged in preflight.h.
namespace dbb::logical {

struct TargetDatabase {
  postgres::DatabaseProperties properties;
  postgres::Bindings bindings;         // read for those that will be replaced
  std::optional<bool> is_empty;        // asked of system databases
  std::optional<FillMark> unfinished;  // likewise: an earlier restore began to fill it
  bool is_ours = true;  // the role is a superuser, its owner or a member of it: may rename and drop it
};

// What a place on the target's disks must take.
struct DiskPlace {
  std::string tablespace;
  std::string path;                        // "" when the role may not know
  std::optional<system::DiskSpace> space;  // empty: the data is on another host
  uint64_t file_system = 0;                // the same number: the same free space; 0: not known
};

// What becomes of the WAL that a restore writes, besides being recycled.
struct WalFacts {
  uint64_t maximum_bytes = 0;         // max_wal_size
  std::string archiver_problem = {};  // why the archiver gets nothing done; "" when it does, or there is none
  std::vector<std::string> held_by = {};  // slots that nobody reads from and that have no limit
  bool waits_for_standby = false;         // synchronous_standby_names is set, and none is connected
};

// Limits of the target that a restore may meet.
struct TargetLimits {
  std::optional<uint64_t> temp_file_bytes = {};  // temp_file_limit of each of our sessions; empty: none
};

struct LocaleFinding {
  std::string problem;            // the server's words; "" when it has the locale
  std::string collation_version;  // of the target, "" when it has none
  bool checked = true;            // false: could not be tried
};

struct RestoreFacts {
  std::string address;
  postgres::ServerFacts server;
  postgres::LockCapacity locks;
  std::vector<TargetDatabase> databases;
  std::set<std::string> roles;
  std::vector<DiskPlace> places;  // every tablespace, by name
  WalFacts wal;
  TargetLimits limits;
  std::set<std::string> extensions;                      // available
  std::set<std::string> extension_versions;              // "name version"
  std::map<std::string, std::string> broken_extensions;  // whose control file cannot be read: why
  std::set<std::string> label_providers;                 // of security labels in what will be restored
  std::set<std::string> missing_providers;               // of these, that the target has not loaded
  std::map<std::string, LocaleFinding> locales;          // by database in the backup
  std::map<std::string, std::string>
      locations;                               // of tablespaces to be created: what is wrong, "" when nothing
  std::map<std::string, SchemaFacts> schemas;  // by database in the backup
  std::map<std::string, CannotGive> cannot_give;          // likewise, when the role is no superuser
  std::map<std::string, std::string> without_statistics;  // by database in the backup: why ANALYZE it is
  std::set<std::string> superuser_extensions;             // that only a superuser may create
  std::optional<postgres::ServerVersion> client;          // of the programs that will be used
  std::string client_problem;                             // why there are none, with what to do
  GlobalsPlan globals;
  std::vector<std::string> missing_frames;  // and, validated fully, damage
  uint64_t bytes_validated = 0;

  const TargetDatabase* find(const std::string& name) const;
};

// What the target's catalogs say. `connection` is to the maintenance database.
void gather_server_facts(postgres::Connection& connection, const Operation& operation,
                         const Document& document, RestoreFacts& facts);
// What depends on which databases will be replaced, filled and created.
void gather_database_facts(postgres::Connection& connection, const Operation& operation,
                           const Document& document, const std::vector<DatabasePlan>& databases,
                           RestoreFacts& facts);
// Which providers of security labels the target lacks. Databases and globals must be known.
void gather_label_facts(postgres::Connection& connection, const Document& document,
                        const std::vector<DatabasePlan>& databases, RestoreFacts& facts);
// Whether the tablespaces that would be created have a place to be.
void gather_location_facts(postgres::Connection& connection, RestoreFacts& facts);

}  // namespace dbb::logical
