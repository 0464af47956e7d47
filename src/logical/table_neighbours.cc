#include "logical/table_neighbours.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::Result;

std::string in_sql(const Connection& session, const QualifiedName& name) {
  return session.qualified(name.first, name.second);
}

void run_each(Connection& session, const Result& statements) {
  for (int row = 0; row < statements.rows(); ++row) session.execute(statements.string(row, 0));
}

void change_parent(Connection& session, const QualifiedName& table, const char* how,
                   const QualifiedName& parent) {
  session.execute(fmt::format("ALTER TABLE {} {} {}", in_sql(session, table), how, in_sql(session, parent)));
}

}  // namespace

void leave_to_owners(Connection& session, const std::string& schema) {
  // A grantee of 0 is PUBLIC. The owner's own come last: defaults may have taken some from him.
  run_each(session, session.execute(
                        R"(
    WITH objects(kind, name, acl, owner) AS (
      SELECT 'SCHEMA', pg_catalog.format('%I', n.nspname), n.nspacl, n.nspowner
        FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
             pg_catalog.format('%I.%I', n.nspname, c.relname), c.relacl, c.relowner
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f', 'S'))
    SELECT DISTINCT pg_catalog.format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name,
             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
      FROM objects o, pg_catalog.aclexplode(o.acl) a WHERE a.grantee <> o.owner
    UNION ALL
    SELECT pg_catalog.format('GRANT ALL ON %s %s TO %I', kind, name, pg_catalog.pg_get_userbyid(owner))
      FROM objects WHERE acl IS NOT NULL)",
                        {schema}));
}

void leave_parents(Connection& session, const std::string& schema, const std::vector<std::string>& helpers) {
  const Result found = session.execute(
      R"(
    SELECT c.relname, pn.nspname, p.relname
      FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'f') AND NOT c.relispartition ORDER BY 1, 2, 3)",
      {schema});
  const auto is_helper = [&](const std::string& name) {
    return std::ranges::find(helpers, name) != helpers.end();
  };
  for (int row = 0; row < found.rows(); ++row) {
    const std::string child = found.string(row, 0);
    const QualifiedName parent(found.string(row, 1), found.string(row, 2));
    if (parent.first != schema || (is_helper(parent.second) && !is_helper(child)))
      change_parent(session, {schema, child}, "NO INHERIT", parent);
  }
  std::vector<std::string> dropped;
  for (const std::string& helper : helpers) dropped.push_back(session.qualified(schema, helper));
  if (!dropped.empty()) session.execute(fmt::format("DROP TABLE {}", fmt::join(dropped, ", ")));
}

std::vector<QualifiedName> parents_of(Connection& session, const QualifiedName& table) {
  const Result found = session.execute(
      R"(
    SELECT n.nspname, p.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
      JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
     WHERE c.oid = $1::pg_catalog.regclass AND NOT c.relispartition ORDER BY i.inhseqno)",
      {in_sql(session, table)});
  std::vector<QualifiedName> parents;
  for (int row = 0; row < found.rows(); ++row)
    parents.emplace_back(found.string(row, 0), found.string(row, 1));
  return parents;
}

std::vector<std::string> hand_over_parents(Connection& session, const std::vector<QualifiedName>& parents,
                                           const QualifiedName& from, const QualifiedName& to) {
  std::vector<std::string> kept;
  for (const QualifiedName& parent : parents) {
    session.execute("SAVEPOINT parent");
    try {
      change_parent(session, from, "NO INHERIT", parent);
      change_parent(session, to, "INHERIT", parent);
    } catch (const Error& error) {
      if (!error.sqlstate().starts_with("42")) throw;  // it does not fit, or the parent is somebody else's
      session.execute("ROLLBACK TO SAVEPOINT parent");
      kept.push_back(fmt::format("INHERITS {}.{}: its child is still {}.{}: {}", parent.first, parent.second,
                                 from.first, from.second, error.what()));
    }
    session.execute("RELEASE SAVEPOINT parent");
  }
  return kept;
}

std::vector<std::string> publications_of(Connection& session, const std::string& schema) {
  std::string query =
      "SELECT 'publication ' || p.pubname || ' (all tables)' FROM pg_catalog.pg_publication p WHERE "
      "p.puballtables";
  if (session.version().major() >= 15) {
    query +=
        " UNION SELECT 'publication ' || p.pubname || ' (all tables of schema ' || n.nspname || ')' "
        "FROM pg_catalog.pg_publication_namespace s JOIN pg_catalog.pg_publication p ON p.oid = s.pnpubid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE n.nspname = $1";
  } else {
    query += " AND $1::text IS NOT NULL";
  }
  const Result found = session.execute(query + " ORDER BY 1", {schema});
  std::vector<std::string> publications;
  for (int row = 0; row < found.rows(); ++row) publications.push_back(found.string(row, 0));
  return publications;
}

std::vector<std::string> hide_from_publications(Connection& session, const std::string& schema) {
  const Result found = session.execute(
      R"(
    SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relpersistence = 'p'
       AND EXISTS (SELECT FROM pg_catalog.pg_publication WHERE puballtables) ORDER BY 1)",
      {schema});
  std::vector<std::string> tables;
  for (int row = 0; row < found.rows(); ++row) {
    tables.push_back(found.string(row, 0));
    session.execute(fmt::format("ALTER TABLE {} SET UNLOGGED", session.qualified(schema, tables.back())));
  }
  return tables;
}

void make_logged(Connection& session, const std::string& schema, const std::vector<std::string>& tables) {
  for (const std::string& table : tables)
    session.execute(fmt::format("ALTER TABLE {} SET LOGGED", session.qualified(schema, table)));
}

}  // namespace dbb::logical
