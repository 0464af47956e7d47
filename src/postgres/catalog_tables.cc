#include <fmt/format.h>

#include "base/check.h"
#include "postgres/catalog.h"

namespace dbb::postgres {
namespace {

// The elements of a one-dimensional text array as the server writes it: {a,"b c","d\"e"}. No NULLs.
std::vector<std::string> elements_of(std::string_view array) {
  std::vector<std::string> elements;
  if (array.size() <= 2) return elements;
  DBB_CHECK(array.front() == '{' && array.back() == '}', "the query casts to text[]");
  array = array.substr(1, array.size() - 2);
  std::string element;
  bool quoted = false;
  for (size_t at = 0; at < array.size(); ++at) {
    const char c = array[at];
    if (c == '\\' && at + 1 < array.size()) {
      element += array[++at];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      elements.push_back(std::exchange(element, {}));
    } else {
      element += c;
    }
  }
  elements.push_back(std::move(element));
  return elements;
}

std::string oid_array(const std::vector<Table>& tables, uint32_t (*value)(const Table&)) {
  std::string array = "{";
  for (const auto& table : tables) {
    if (array.size() > 1) array += ',';
    array += std::to_string(value(table));
  }
  return array + "}";
}

// One pass over each catalog, whatever the number of tables.
//
// busy: pg_relation_size() opens the relation and would wait behind a holder of, or a waiter for, an
// exclusive lock, without bound; for those the last count of pages must do. unsafe: partitioned by hash on an
// enum, found as pg_dump does: by the operator class, so that domains and expressions are found too; on an
// array, a composite type or a range that has an enum inside, and on names of objects (regclass). Their hash
// values depend on OIDs, so a restored row may belong into another partition. A privilege that is
// NULL: the table was dropped since the snapshot, which whoever locks it finds out; it is no matter of
// rights. Columns of such partitions are in the order of their root: a row has the same text in each of them.
constexpr std::string_view kTables = R"(
  WITH RECURSIVE
  busy AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks
     WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())),
  config AS MATERIALIZED (
    SELECT e.extname, r.oid AS relation, coalesce(e.extcondition[r.place], '') AS condition
      FROM pg_catalog.pg_extension e, pg_catalog.unnest(e.extconfig) WITH ORDINALITY AS r(oid, place)),
  member AS MATERIALIZED (
    SELECT d.objid AS relation, e.extname
      FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.deptype = 'e'
       AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass),
  hashed AS MATERIALIZED (
    SELECT p.partrelid, o.opcname, a.atttypid AS type
      FROM pg_catalog.pg_partitioned_table p CROSS JOIN LATERAL
           ROWS FROM (pg_catalog.unnest(p.partclass::pg_catalog.oid[]),
                      pg_catalog.unnest(p.partattrs::pg_catalog.int2[])) AS k(class, number)
      JOIN pg_catalog.pg_opclass o ON o.oid = k.class
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.number AND k.number > 0
     WHERE p.partstrat = 'h' AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace
       AND o.opcname IN ('enum_ops', 'array_ops', 'record_ops', 'range_ops', 'multirange_ops', 'oid_ops')),
  inside(partrelid, type) AS (
    SELECT h.partrelid, h.type FROM hashed h WHERE h.type IS NOT NULL
    UNION
    SELECT i.partrelid, part.type FROM inside i JOIN pg_catalog.pg_type t ON t.oid = i.type,
           LATERAL (SELECT t.typelem UNION SELECT t.typbasetype
                    UNION SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
                    UNION SELECT a.atttypid FROM pg_catalog.pg_attribute a
                           WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS part(type)
     WHERE part.type <> 0),
  unsafe AS MATERIALIZED (
    SELECT h.partrelid FROM hashed h
     WHERE h.opcname IN ('enum_ops', 'multirange_ops') OR (h.type IS NULL AND h.opcname <> 'oid_ops')
    UNION
    SELECT i.partrelid FROM inside i JOIN pg_catalog.pg_type t ON t.oid = i.type
     WHERE t.typtype IN ('e', 'm')
        OR (t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typname ~ '^reg')),
  below(relation, ancestor) AS (
    SELECT i.inhrelid, u.partrelid FROM unsafe u JOIN pg_catalog.pg_inherits i ON i.inhparent = u.partrelid
    UNION
    SELECT i.inhrelid, b.ancestor FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.relation),
  through AS MATERIALIZED (
    SELECT DISTINCT b.relation, c.oid AS root, n.nspname, c.relname
      FROM below b JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.pg_partition_root(b.ancestor)
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace),
  chosen AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, n.nspname, c.relam, c.relpages, c.reltoastrelid, c.relfilenode,
           c.relpersistence, c.relrowsecurity, config.condition, coalesce(member.extname, config.extname) AS extname
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN member ON member.relation = c.oid
      LEFT JOIN config ON config.relation = c.oid
     WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND (member.relation IS NULL OR config.relation IS NOT NULL)),
  indexes AS MATERIALIZED (
    SELECT x.indrelid, sum({index_size}) AS bytes
      FROM chosen t JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
      JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
     GROUP BY x.indrelid),
  columns AS MATERIALIZED (
    SELECT a.attrelid, pg_catalog.array_agg(a.attname::text ORDER BY coalesce(r.attnum, a.attnum)) AS names,
           pg_catalog.bool_and(t.all_visible
             OR coalesce(pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'), true)) AS visible
      FROM (SELECT oid, coalesce(pg_catalog.has_table_privilege(oid, 'SELECT'), true) AS all_visible FROM chosen) t
      JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
      LEFT JOIN through u ON u.relation = t.oid
      LEFT JOIN pg_catalog.pg_attribute r ON r.attrelid = u.root AND r.attname = a.attname
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     GROUP BY a.attrelid)
  SELECT t.oid, t.nspname, t.relname, coalesce(m.amname, ''), coalesce(columns.names, '{{}}'),
         {heap_size}, CASE WHEN toast.oid IS NULL THEN 0 ELSE {toast_size} END, coalesce(indexes.bytes, 0),
         t.relfilenode, t.relpersistence = 'u', t.relrowsecurity,
         coalesce(pg_catalog.has_schema_privilege(t.relnamespace, 'USAGE'), true)
           AND coalesce(columns.visible, pg_catalog.has_table_privilege(t.oid, 'SELECT'), true),
         through.nspname, through.relname, t.condition IS NOT NULL, coalesce(t.condition, ''), coalesce(t.extname, '')
    FROM chosen t
    LEFT JOIN pg_catalog.pg_am m ON m.oid = t.relam
    LEFT JOIN pg_catalog.pg_class toast ON toast.oid = t.reltoastrelid
    LEFT JOIN indexes ON indexes.indrelid = t.oid
    LEFT JOIN columns ON columns.attrelid = t.oid
    LEFT JOIN through ON through.relation = t.oid
   ORDER BY t.nspname, t.relname)";

std::string size_of(std::string_view relation, std::string_view lock_of) {
  return fmt::format(
      "CASE WHEN {1} IN (SELECT relation FROM busy) "
      "THEN {0}.relpages::bigint * pg_catalog.current_setting('block_size')::bigint "
      "ELSE coalesce(pg_catalog.pg_relation_size({0}.oid), 0) END",
      relation, lock_of);
}

}  // namespace

Unreadable read_unreadable(Connection& connection, const RelationFilter& wanted) {
  // A privilege that is NULL: dropped since the snapshot, see above.
  const Result answer = connection.execute(R"(
    SELECT n.nspname, c.relname, c.relkind = 'S', c.oid,
           coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), true)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence IN ('p', 'u')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT (coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), true)
                AND coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), true))
     ORDER BY n.nspname, c.relname)");
  Unreadable found;
  for (int row = 0; row < answer.rows(); ++row) {
    if (!wanted(answer.oid(row, 3))) continue;
    if (!answer.boolean(row, 4)) found.schemas.insert(answer.string(row, 0));
    (answer.boolean(row, 2) ? found.sequences : found.tables)
        .push_back({.schema = answer.string(row, 0), .name = answer.string(row, 1)});
  }
  return found;
}

Hidden read_hidden(Connection& connection) {
  Hidden hidden;
  const Result subscriptions = connection.execute(
      "SELECT s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
      "WHERE d.datname = pg_catalog.current_database() ORDER BY 1");
  for (int row = 0; row < subscriptions.rows(); ++row)
    hidden.subscriptions.push_back(subscriptions.string(row, 0));
  // The condition under which the view pg_user_mappings shows options.
  const Result mappings = connection.execute(R"(
    SELECT m.usename, m.srvname
      FROM pg_catalog.pg_user_mappings m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid
     WHERE m.umoptions IS NULL
       AND NOT (m.umuser <> 0 AND m.usename = current_user
                AND (pg_catalog.pg_has_role(s.srvowner, 'USAGE')
                     OR pg_catalog.has_server_privilege(s.oid, 'USAGE'))
                OR m.umuser = 0 AND pg_catalog.pg_has_role(s.srvowner, 'USAGE'))
     ORDER BY 2, 1)");
  for (int row = 0; row < mappings.rows(); ++row)
    hidden.user_mappings.push_back(
        fmt::format("{} on server {}", mappings.text(row, 0), mappings.text(row, 1)));
  return hidden;
}

std::vector<Table> read_tables(Connection& connection) {
  const std::string sql = fmt::format(
      fmt::runtime(kTables), fmt::arg("index_size", size_of("i", "x.indrelid")),
      fmt::arg("heap_size", size_of("t", "t.oid")), fmt::arg("toast_size", size_of("toast", "t.oid")));
  const Result answer = connection.execute(sql);
  std::vector<Table> tables;
  tables.reserve(static_cast<size_t>(answer.rows()));
  for (int row = 0; row < answer.rows(); ++row)
    tables.push_back({.oid = answer.oid(row, 0),
                      .schema = answer.string(row, 1),
                      .name = answer.string(row, 2),
                      .access_method = answer.string(row, 3),
                      .columns = elements_of(answer.text(row, 4)),
                      .heap_bytes = static_cast<uint64_t>(answer.integer(row, 5)),
                      .toast_bytes = static_cast<uint64_t>(answer.integer(row, 6)),
                      .index_bytes = static_cast<uint64_t>(answer.integer(row, 7)),
                      .relfilenode = answer.oid(row, 8).value,
                      .unlogged = answer.boolean(row, 9),
                      .row_security = answer.boolean(row, 10),
                      .has_select = answer.boolean(row, 11),
                      .load_through = answer.is_null(row, 12)
                                          ? ""
                                          : connection.qualified(answer.text(row, 12), answer.text(row, 13)),
                      .is_extension_config = answer.boolean(row, 14),
                      .extension_condition = answer.string(row, 15),
                      .extension = answer.string(row, 16)});
  return tables;
}

std::vector<std::string> tables_rewritten_since(Connection& connection, const std::vector<Table>& tables) {
  // pg_relation_filenode() asks the system cache, which is not bound to the snapshot. The catalog in FROM is
  // there for its lock: taking one is what makes a session notice what others have committed.
  const Result answer = connection.execute(
      "SELECT t.place FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[])) "
      "WITH ORDINALITY AS t(relation, filenode, place) "
      "LEFT JOIN pg_catalog.pg_class c ON c.oid = t.relation "
      "WHERE pg_catalog.pg_relation_filenode(t.relation) IS DISTINCT FROM t.filenode ORDER BY 1",
      {oid_array(tables, [](const Table& table) { return table.oid.value; }),
       oid_array(tables, [](const Table& table) { return table.relfilenode; })});
  std::vector<std::string> names;
  for (int row = 0; row < answer.rows(); ++row) {
    const Table& table = tables.at(static_cast<size_t>(answer.integer(row, 0)) - 1);
    names.push_back(connection.qualified(table.schema, table.name));
  }
  return names;
}

}  // namespace dbb::postgres
