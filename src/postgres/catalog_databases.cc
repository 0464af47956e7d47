#include <fmt/format.h>

#include <map>

#include "postgres/catalog.h"

namespace dbb::postgres {
namespace {

using ByOid = std::map<Oid, DatabaseProperties*>;

DatabaseProperties* find(const ByOid& databases, Oid oid) {
  const auto found = databases.find(oid);
  return found == databases.end() ? nullptr : found->second;
}

void read_acls(Connection& connection, const ByOid& databases) {
  const Result answer = connection.execute(R"(
    SELECT d.oid, pg_catalog.pg_get_userbyid(a.grantor),
           CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
           a.privilege_type, a.is_grantable
      FROM pg_catalog.pg_database d,
           pg_catalog.aclexplode(d.datacl) WITH ORDINALITY AS a(grantor, grantee, privilege_type, is_grantable, place)
     ORDER BY d.oid, a.place)");
  for (int row = 0; row < answer.rows(); ++row)
    if (auto* database = find(databases, answer.oid(row, 0)))
      database->acl.push_back({.grantor = answer.string(row, 1),
                               .grantee = answer.string(row, 2),
                               .privilege = answer.string(row, 3),
                               .grantable = answer.boolean(row, 4)});
}

void read_settings(Connection& connection, const ByOid& databases) {
  // In the order the server holds them; a value may itself contain "=".
  const Result answer = connection.execute(R"(
    SELECT s.setdatabase, CASE WHEN s.setrole = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole)::text END,
           pg_catalog.split_part(c.entry, '=', 1),
           pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1)
      FROM pg_catalog.pg_db_role_setting s,
           pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(entry, place)
     WHERE s.setdatabase <> 0
     ORDER BY 1, 2, c.place)");
  for (int row = 0; row < answer.rows(); ++row)
    if (auto* database = find(databases, answer.oid(row, 0)))
      database->settings.push_back(
          {.role = answer.string(row, 1), .name = answer.string(row, 2), .value = answer.string(row, 3)});
}

void read_labels(Connection& connection, const ByOid& databases) {
  const Result answer = connection.execute(
      "SELECT objoid, provider, label FROM pg_catalog.pg_shseclabel "
      "WHERE classoid = 'pg_catalog.pg_database'::pg_catalog.regclass ORDER BY 1, 2");
  for (int row = 0; row < answer.rows(); ++row)
    if (auto* database = find(databases, answer.oid(row, 0)))
      database->labels.push_back({.provider = answer.string(row, 1), .label = answer.string(row, 2)});
}

}  // namespace

std::vector<DatabaseProperties> read_databases(Connection& connection) {
  const int major = connection.version().major();
  const std::string sql = fmt::format(
      R"(
    SELECT d.oid, d.datname, pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.pg_encoding_to_char(d.encoding),
           {}, d.datcollate, d.datctype, {}, {}, {}, t.spcname, d.datconnlimit, d.datallowconn, d.datistemplate,
           d.datacl IS NOT NULL, pg_catalog.shobj_description(d.oid, 'pg_database'),
           CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                  OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                THEN coalesce(pg_catalog.pg_database_size(d.oid), 0) ELSE 0 END
      FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
     WHERE d.datname <> 'template0'
     ORDER BY d.datname)",
      major >= 15 ? "d.datlocprovider" : "'c'",
      major >= 17   ? "coalesce(d.datlocale, '')"
      : major >= 15 ? "coalesce(d.daticulocale, '')"
                    : "''",
      major >= 16 ? "coalesce(d.daticurules, '')" : "''",
      major >= 15 ? "coalesce(d.datcollversion, '')" : "''");
  const Result answer = connection.execute(sql);

  std::vector<DatabaseProperties> databases;
  databases.reserve(static_cast<size_t>(answer.rows()));
  for (int row = 0; row < answer.rows(); ++row)
    databases.push_back({.oid = answer.oid(row, 0),
                         .name = answer.string(row, 1),
                         .owner = answer.string(row, 2),
                         .encoding = answer.string(row, 3),
                         .locale_provider = answer.string(row, 4),
                         .collate = answer.string(row, 5),
                         .ctype = answer.string(row, 6),
                         .locale = answer.string(row, 7),
                         .icu_rules = answer.string(row, 8),
                         .collation_version = answer.string(row, 9),
                         .tablespace = answer.string(row, 10),
                         .connection_limit = static_cast<int>(answer.integer(row, 11)),
                         .allow_connections = answer.boolean(row, 12),
                         .is_template = answer.boolean(row, 13),
                         .has_acl = answer.boolean(row, 14),
                         .comment = answer.optional(row, 15),
                         .size_bytes = static_cast<uint64_t>(answer.integer(row, 16))});

  ByOid by_oid;
  for (auto& database : databases) by_oid.emplace(database.oid, &database);
  read_acls(connection, by_oid);
  read_settings(connection, by_oid);
  read_labels(connection, by_oid);
  return databases;
}

Bindings read_bindings(Connection& connection, const std::string& database) {
  const auto names = [&](const std::string& sql) {
    const Result answer = connection.execute(sql, {database});
    std::vector<std::string> out;
    for (int row = 0; row < answer.rows(); ++row) out.push_back(answer.string(row, 0));
    return out;
  };
  return {
      .logical_slots = names("SELECT slot_name FROM pg_catalog.pg_replication_slots "
                             "WHERE slot_type = 'logical' AND database = $1 ORDER BY 1"),
      .subscriptions =
          names("SELECT s.subname FROM pg_catalog.pg_subscription s "
                "JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = $1 ORDER BY 1"),
      .prepared_transactions =
          connection
              .execute("SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = $1", {database})
              .integer(0, 0)};
}

}  // namespace dbb::postgres
