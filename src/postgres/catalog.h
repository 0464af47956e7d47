#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "postgres/connection.h"

// What the catalogs say, read in the session (and snapshot) of the connection that is passed in.
namespace dbb::postgres {

struct AclEntry {  // one privilege of one grantee by one grantor, from aclexplode
  std::string grantor;
  std::string grantee;  // "" is PUBLIC
  std::string privilege;
  bool grantable = false;
};

struct SecurityLabel {
  std::string provider;
  std::string label;
};

struct RoleSetting {  // ALTER DATABASE d SET / ALTER ROLE r IN DATABASE d SET
  std::string role;   // "" for all
  std::string name;
  std::string value;  // as pg_db_role_setting holds it
};

// Every property of a database that CREATE and ALTER DATABASE can give.
struct DatabaseProperties {
  Oid oid;
  std::string name;
  std::string owner;
  std::string encoding;         // "UTF8"
  std::string locale_provider;  // "c" libc, "i" ICU, "b" builtin
  std::string collate;
  std::string ctype;
  std::string locale;  // ICU or builtin locale, "" otherwise
  std::string icu_rules;
  std::string collation_version;
  std::string tablespace;
  int connection_limit = -1;  // -2: an interrupted DROP DATABASE left it invalid
  bool allow_connections = true;
  bool is_template = false;
  bool has_acl = false;  // false: datacl is NULL, the default
  std::vector<AclEntry> acl;
  std::vector<RoleSetting> settings;
  std::optional<std::string> comment;
  std::vector<SecurityLabel> labels;
  uint64_t size_bytes = 0;  // 0 when the role may not ask
};

// All but template0, by name. Works in any database.
std::vector<DatabaseProperties> read_databases(Connection& connection);

enum class RelationKind : uint8_t { kTable, kPartitionedTable, kForeignTable, kMaterializedView, kSequence };

// A table whose rows a backup reads, or the root of partitions.
struct Table {
  Oid oid;
  std::string schema;
  std::string name;
  RelationKind kind = RelationKind::kTable;
  std::string access_method;         // "heap"
  std::vector<std::string> columns;  // in order, without dropped and generated ones
  uint64_t heap_bytes = 0;           // main fork, pg_relation_size
  uint64_t toast_bytes = 0;
  uint64_t index_bytes = 0;
  uint32_t relfilenode = 0;  // pg_class.relfilenode as the snapshot sees it
  bool unlogged = false;
  bool row_security = false;
  bool has_select = true;  // has_table_privilege on the table or on every column, as the role stands
  // "schema"."root" (quoted) of the topmost root below which rows must be loaded through the root, because a
  // hash partition key on the way is an enum or has one inside, or a regclass; "" when rows are loaded where
  // they were.
  std::string load_through;
  // For configuration tables of extensions: pg_extension.extcondition ("" or "WHERE ..."); see
  // is_extension_config.
  bool is_extension_config = false;
  std::string extension_condition;
  std::string extension;  // name of the extension that owns it, "" when none
};

// Every ordinary table a pg_dump would dump rows of (permanent and unlogged, leaves of partitions,
// configuration tables of extensions; no temporary, foreign, catalog or other extension-owned tables), and
// nothing else.
std::vector<Table> read_tables(Connection& connection);

// Which relations a question is about.
using RelationFilter = std::function<bool(Oid)>;
inline bool every_relation(Oid) { return true; }

struct RelationName {
  std::string schema;
  std::string name;
  auto operator<=>(const RelationName&) const = default;
};
// What pg_dump would fail over, for want of rights.
struct Unreadable {
  // Tables and roots of partitions that the role may not lock. LOCK TABLE asks for a right to the whole
  // table: one to each of its columns is enough to read it, but not for this.
  std::vector<RelationName> tables;
  std::vector<RelationName> sequences;  // whose value it may not read
  std::set<std::string> schemas;        // of these, that it may not use
};
Unreadable read_unreadable(Connection& connection, const RelationFilter& wanted = every_relation);

// What pg_dump passes over, for want of rights, without an error.
struct Hidden {
  std::vector<std::string> subscriptions;
  std::vector<std::string>
      user_mappings;  // "role on server" whose options, such as a password, are not shown
};
Hidden read_hidden(Connection& connection);

struct SequenceValue {
  std::string schema;
  std::string name;
  int64_t last_value = 0;
  bool is_called = false;
};
// Sequences that are not owned by an extension (unless configured by it). Values are read as they stand:
// never behind the snapshot (trap 9). Those the role may not read come back in `unreadable`.
struct SequenceValues {
  std::vector<SequenceValue> values;
  std::vector<std::string> unreadable;
  std::vector<std::string> changed;  // dropped, renamed or moved since the snapshot: not read
};
SequenceValues read_sequences(Connection& connection, const RelationFilter& wanted = every_relation);

struct LargeObject {
  Oid oid;
  std::string owner;
  bool has_acl = false;
  std::vector<AclEntry> acl;
  std::optional<std::string> comment;
  std::vector<SecurityLabel> labels;
};
// In order of oid, at most `limit` with oid > `after`.
std::vector<LargeObject> read_large_objects(Connection& connection, Oid after, int limit);

// Tables whose storage the snapshot does not see as it is now: TRUNCATE, CLUSTER, VACUUM FULL or a rewriting
// ALTER TABLE came between snapshot and lock (trap 3). Names, quoted.
std::vector<std::string> tables_rewritten_since(Connection& connection, const std::vector<Table>& tables);

struct ExtensionNeed {
  std::string name;
  std::string version;
  std::string schema;
};
std::vector<ExtensionNeed> read_extensions(Connection& connection);

// Indexes that pg_dump passes over, because a CREATE or REINDEX CONCURRENTLY did not come to its end:
// "schema.index of table", and whether it is unique.
struct InvalidIndex {
  Oid table;
  std::string text;
};
std::vector<InvalidIndex> read_invalid_indexes(Connection& connection);

bool role_exists(Connection& connection, const std::string& role);

// True when a database holds nothing a user made: the state CREATE DATABASE ... TEMPLATE template0 leaves.
bool is_empty_database(Connection& connection);

// Logical slots and subscriptions bound to a database; both stand in the way of dropping it.
struct Bindings {
  std::vector<std::string> logical_slots;
  std::vector<std::string> subscriptions;
  int64_t prepared_transactions = 0;
};
Bindings read_bindings(Connection& connection, const std::string& database);

}  // namespace dbb::postgres
