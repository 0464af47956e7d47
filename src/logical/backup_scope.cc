#include "logical/backup_scope.h"

#include <fmt/format.h>

#include <utility>

#include "logical/document.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

void omit(BackupScope& scope, std::string_view what, const postgres::Table& table, uint64_t& count) {
  ++count;
  if (scope.omitted.size() >= kMostOmitted) return;
  scope.omitted.push_back(fmt::format("{} {}.{}", what, table.schema, table.name));
}

SelectedRelations select(const ScopeRequest& request) {
  Connection session = Connection::open(
      request.operation.target.with_database(request.database),
      {.application_name = request.operation.application_name("selection"), .users_search_path = true},
      request.operation.stop);
  session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  session.execute("SET TRANSACTION SNAPSHOT " + session.quote_literal(request.snapshot));
  return SelectedRelations(session, request.selection);
}

void leave_out_what_was_asked(const ScopeRequest& request, Connection& leader, BackupScope& scope) {
  const Selection& selection = request.selection;
  if (selection.is_everything()) return;
  scope.selected = select(request);
  std::erase_if(scope.tables, [&](postgres::Table& table) {
    // An extension's own rows have no place without the extension.
    if (!scope.selected.has(table.oid) || (table.is_extension_config && selection.names_what_to_take())) {
      omit(scope, "table", table, scope.tables_omitted);
      return true;
    }
    if (selection.schema_only || !scope.selected.has_contents(table.oid)) {
      omit(scope, "rows of table", table, scope.tables_without_rows);
      return true;
    }
    if (!table.load_through.empty()) {
      const postgres::Result root =
          leader.execute("SELECT $1::pg_catalog.regclass::pg_catalog.oid", {table.load_through});
      if (!scope.selected.has(root.oid(0, 0))) table.load_through.clear();
    }
    return false;
  });
}

void find_invalid_indexes(const ScopeRequest& request, Connection& leader, BackupScope& scope) {
  for (postgres::InvalidIndex& index : postgres::read_invalid_indexes(leader)) {
    if (!scope.selected.has(index.table)) continue;
    request.operation.warn(
        "index-invalid",
        fmt::format("{}: index {} is invalid and will not be in the backup, as in any of pg_dump. "
                    "REINDEX makes it valid, or DROP INDEX ends it.",
                    request.database, index.text),
        {{"database", request.database}});
    scope.invalid_indexes.push_back(std::move(index.text));
  }
}

void leave_out_unlogged(BackupScope& scope) {
  std::erase_if(scope.tables, [&](const postgres::Table& table) {
    if (!table.unlogged) return false;
    scope.left_out.push_back(fmt::format(
        "rows of table {}.{}: it is unlogged, and a standby has none of its rows", table.schema, table.name));
    return true;
  });
}

void leave_out_what_is_hidden(Connection& leader, BackupScope& scope) {
  const postgres::Hidden hidden = postgres::read_hidden(leader);
  for (const std::string& name : hidden.subscriptions)
    scope.left_out.push_back(fmt::format("subscription {}: pg_dump shows it to superusers only", name));
  for (const std::string& name : hidden.user_mappings) {
    scope.left_out.push_back(
        fmt::format("options of the user mapping of {}, if it has any: shown to superusers only", name));
  }
}

void leave_out_unreadable(const ScopeRequest& request, Connection& leader, BackupScope& scope) {
  const std::string role = leader.quote_identifier(request.server.role);
  std::set<std::string> closed_schemas;
  std::set<postgres::RelationName> unreadable;
  if (!request.server.is_superuser) {
    postgres::Unreadable found =
        postgres::read_unreadable(leader, [&](postgres::Oid oid) { return scope.selected.has(oid); });
    for (postgres::RelationName& table : found.tables) unreadable.insert(std::move(table));
    for (const postgres::RelationName& sequence : found.sequences)
      scope.excluded_values.push_back(leader.qualified(sequence.schema, sequence.name));
    closed_schemas = std::move(found.schemas);
  }
  std::erase_if(scope.tables, [&](const postgres::Table& table) {
    postgres::RelationName name{.schema = table.schema, .name = table.name};
    if (!table.has_select) unreadable.insert(name);
    return unreadable.contains(name);
  });
  for (const postgres::RelationName& table : unreadable) {
    const std::string quoted = leader.qualified(table.schema, table.name);
    scope.excluded.push_back(quoted);
    const std::string usage =
        closed_schemas.contains(table.schema)
            ? fmt::format("GRANT USAGE ON SCHEMA {} TO {}; ", leader.quote_identifier(table.schema), role)
            : "";
    const std::string grant = fmt::format("{}GRANT SELECT ON {} TO {}", usage, quoted, role);
    scope.left_out.push_back(
        fmt::format("table {}.{}: the role may not read it ({})", table.schema, table.name, grant));
    scope.grants.insert(grant_that_helps(request.server, role, grant));
  }
}

}  // namespace

std::string grant_that_helps(const postgres::ServerFacts& server, const std::string& quoted_role,
                             const std::string& grant) {
  return server.version.major() >= 14 ? fmt::format("GRANT pg_read_all_data TO {}", quoted_role) : grant;
}

BackupScope find_scope(const ScopeRequest& request, Connection& leader) {
  BackupScope scope;
  scope.tables = postgres::read_tables(leader);
  leave_out_what_was_asked(request, leader, scope);
  find_invalid_indexes(request, leader, scope);
  if (request.server.in_recovery) leave_out_unlogged(scope);
  if (!request.server.is_superuser && !request.selection.names_what_to_take())
    leave_out_what_is_hidden(leader, scope);
  leave_out_unreadable(request, leader, scope);
  return scope;
}

}  // namespace dbb::logical
