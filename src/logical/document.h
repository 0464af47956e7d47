#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/backup_id.h"
#include "logical/fingerprint.h"
#include "logical/selection.h"
#include "postgres/catalog.h"

// What a logical backup says about itself: the document inside the manifest, and the attributes of its items.
// JSON, documented in docs/format/logical.md.
namespace dbb::logical {

enum class DatabaseState : uint8_t {
  kComplete,
  kIncomplete,  // something in it could not be read: `left_out` says what
  kFailed,      // nothing of it is in the backup: `error` says why
};
std::string_view name_of(DatabaseState state);

struct DatabaseRecord {
  postgres::DatabaseProperties properties;
  DatabaseState state = DatabaseState::kComplete;
  std::string error;                              // "CODE: message", for kFailed
  std::vector<std::string> left_out;              // "table public.secret: permission denied"
  std::vector<std::string> invalid_indexes = {};  // not in the schema: pg_dump passes over them
  std::vector<std::string> grants;                // statements that would give the role what it lacked
  Selection selection;                            // what was asked for; what it leaves out is no lack
  std::vector<std::string>
      omitted;  // by it: "table public.log", "rows of table public.log"; at most kMostOmitted
  uint64_t tables_omitted = 0;
  uint64_t tables_without_rows = 0;
  std::vector<postgres::ExtensionNeed> extensions;
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;  // of COPY text
  uint64_t large_objects = 0;
  double seconds = 0;
  const std::string& name() const { return properties.name; }
  bool is_part() const { return !selection.is_everything(); }
};
inline constexpr size_t kMostOmitted = 1000;

struct Document {
  postgres::ServerVersion server_version;
  std::string system_identifier;
  std::string server_address;              // host:port as it was asked for
  postgres::ServerVersion client_version;  // of pg_dump and pg_dumpall
  bool has_globals = false;
  std::string money_locale;  // lc_monetary of rows and schemas; "": as each database had it
  bool from_standby = false;
  std::vector<std::string> globals_left_out;    // "passwords of roles: ..."
  std::vector<DatabaseRecord> databases;        // largest first
  std::vector<std::string> debris;              // databases of dbbackup's own that were not backed up
  std::vector<std::string> exclude_databases;   // patterns that were asked to be left out
  std::vector<std::string> excluded_databases;  // the databases that were left out for it

  // Whether something was left out on purpose.
  bool is_part() const;
  const DatabaseRecord* find(std::string_view database) const;
};

std::string to_json(const Document& document);
Document parse_document(std::string_view json);  // kCorruptedBackup

// Keys and kinds of items. `name` parts are percent-encoded, so that '/' separates.
inline constexpr std::string_view kGlobalsKind = "globals";        // text of pg_dumpall --globals-only
inline constexpr std::string_view kSchemaKind = "schema";          // pg_dump custom archive, no rows
inline constexpr std::string_view kStatisticsKind = "statistics";  // pg_dump custom archive of statistics
inline constexpr std::string_view kTableKind = "table";            // rows, one part per block range
inline constexpr std::string_view kSequencesKind = "sequences";    // records, see sequences.h
inline constexpr std::string_view kLargeObjectsKind = "large-objects";  // records, see large_objects.h
std::string globals_key();
std::string database_key(std::string_view database, std::string_view kind);
std::string table_key(std::string_view database, std::string_view schema, std::string_view table);

// How the rows of a table stand in their streams.
enum class RowFormat : uint8_t {
  kText,    // of COPY, one row after the other: canonical over versions and settings
  kBinary,  // each part one COPY file in binary format: for tables of which a row is longer than 1 GiB as
            // text
};

struct TableAttributes {
  std::string database;
  std::string schema;
  std::string name;
  std::vector<std::string> columns;
  Fingerprint fingerprint = {};
  uint64_t row_bytes = 0;
  uint64_t heap_bytes = 0;
  uint64_t index_bytes = 0;
  uint32_t part_blocks = 0;  // G of DESIGN section 5; 0: one part
  std::string load_through;  // see postgres::Table
  RowFormat format = RowFormat::kText;
  bool is_extension_config = false;
  std::string extension;
  std::string extension_condition;
  std::string qualified_name() const { return schema + "." + name; }
};
std::string to_json(const TableAttributes& attributes);
TableAttributes parse_table_attributes(std::string_view json);

// Attributes of the items of one database that are not tables.
struct PartAttributes {
  std::string database;
  uint64_t count = 0;            // sequences, large objects
  Fingerprint fingerprint = {};  // of large objects: a row is one object, see large_objects.h
  // Of large objects, which the schema says nothing of: how many each owner has, and the roles that grant
  // privileges on them or have some. Empty in backups that did not record it.
  std::map<std::string, uint64_t> owners = {};
  std::set<std::string> in_privileges = {};
};
std::string to_json(const PartAttributes& attributes);
PartAttributes parse_part_attributes(std::string_view json);

}  // namespace dbb::logical
