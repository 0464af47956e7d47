#include "logical/place_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "logical/names.h"
#include "logical/table_neighbours.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::Result;

// What goes with a table and has a name in its schema.
struct Companion {
  std::string kind;  // "INDEX", "SEQUENCE", "STATISTICS"
  std::string name;
};

std::vector<Companion> companions_of(Connection& session, const QualifiedName& table) {
  const Result answer = session.execute(
      R"(
    WITH t AS (SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid)
    SELECT 'INDEX', c.relname::text FROM pg_catalog.pg_index i JOIN t ON i.indrelid = t.oid
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    UNION ALL
    SELECT 'SEQUENCE', c.relname::text FROM pg_catalog.pg_depend d JOIN t ON d.refobjid = t.oid
      JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
     WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
       AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL
    SELECT 'STATISTICS', s.stxname::text FROM pg_catalog.pg_statistic_ext s JOIN t ON s.stxrelid = t.oid
    ORDER BY 1, 2)",
      {session.qualified(table.first, table.second)});
  std::vector<Companion> companions;
  for (int row = 0; row < answer.rows(); ++row)
    companions.push_back({answer.string(row, 0), answer.string(row, 1)});
  return companions;
}

std::set<std::string> names_in(Connection& session, const std::string& schema) {
  const Result answer = session.execute(
      "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace "
      "WHERE n.nspname = $1 UNION SELECT s.stxname::text FROM pg_catalog.pg_statistic_ext s "
      "JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE n.nspname = $1",
      {schema});
  std::set<std::string> names;
  for (int row = 0; row < answer.rows(); ++row) names.insert(answer.string(row, 0));
  return names;
}

// Cut at a character, so that there is room for `end`.
std::string shortened(std::string text, const std::string& end) {
  while (text.size() + end.size() > kMaximumNameBytes) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  return text + end;
}

// The companion of a table that was renamed is named after it, where it was before.
std::string free_name(const std::string& companion, const std::string& old_table,
                      const std::string& new_table, std::set<std::string>& taken) {
  std::string wanted = companion;
  if (old_table != new_table) {
    wanted = companion.starts_with(old_table) ? shortened(new_table, companion.substr(old_table.size()))
                                              : shortened(companion + "_", new_table);
    if (wanted.size() > kMaximumNameBytes) wanted = shortened(companion, "");
  }
  std::string name = wanted;
  for (int number = 1; !taken.insert(name).second; ++number)
    name = shortened(wanted, fmt::format("_{}", number));
  return name;
}

void rename(Connection& session, const std::string& kind, const std::string& schema, const std::string& from,
            const std::string& to) {
  if (from == to) return;
  session.execute(fmt::format("ALTER {} {} RENAME TO {}", kind, session.qualified(schema, from),
                              session.quote_identifier(to)));
}

void rename_with_companions(Connection& session, const QualifiedName& table, const std::string& name,
                            std::set<std::string>& taken) {
  const std::vector<Companion> companions = companions_of(session, table);
  rename(session, "TABLE", table.first, table.second, name);
  for (const Companion& companion : companions) {
    const std::string new_name = free_name(companion.name, table.second, name, taken);
    rename(session, companion.kind, table.first, companion.name, new_name);
    if (new_name != companion.name) taken.erase(companion.name);
  }
  taken.erase(table.second);
  taken.insert(name);
}

std::vector<QualifiedName> tables_below(Connection& session, const QualifiedName& table) {
  const Result answer = session.execute(
      R"(
    WITH RECURSIVE below(oid) AS (
      SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1::pg_catalog.regclass
      UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid)
    SELECT n.nspname, c.relname FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2)",
      {session.qualified(table.first, table.second)});
  std::vector<QualifiedName> tables;
  for (int row = 0; row < answer.rows(); ++row)
    tables.emplace_back(answer.string(row, 0), answer.string(row, 1));
  return tables;
}

using TakenNames = std::map<std::string, std::set<std::string>>;  // by schema

std::string name_below(const QualifiedName& table, const TablePlacement& placement,
                       std::set<std::string>& taken) {
  return free_name(table.second, placement.tables.front().second, placement.as.second, taken);
}

// The old table, and of those below it the ones whose names are needed.
void move_old_away(Connection& session, const TablePlacement& placement, TakenNames& taken) {
  const QualifiedName& old_one = placement.as;
  std::set<QualifiedName> needed;
  for (const QualifiedName& table : placement.tables) {
    std::set<std::string> nothing;
    needed.emplace(schema_for(table, placement.tables.front(), placement.as),
                   name_below(table, placement, nothing));
  }
  for (const QualifiedName& below : tables_below(session, old_one)) {
    if (!needed.contains(below)) continue;
    std::set<std::string>& names = taken[below.first];
    rename_with_companions(session, below,
                           free_name(below.second, old_one.second, placement.kept_name, names), names);
  }
  rename_with_companions(session, old_one, placement.kept_name, taken[old_one.first]);
}

void move_in(Connection& session, const std::string& from, const QualifiedName& table,
             const QualifiedName& as, std::set<std::string>& taken) {
  for (const Companion& companion : companions_of(session, {from, table.second})) {
    const std::string name = free_name(companion.name, table.second, as.second, taken);
    rename(session, companion.kind, from, companion.name, name);
    if (companion.kind == "STATISTICS") {
      session.execute(fmt::format("ALTER STATISTICS {} SET SCHEMA {}", session.qualified(from, name),
                                  session.quote_identifier(as.first)));
    }
  }
  rename(session, "TABLE", from, table.second, as.second);
  session.execute(fmt::format("ALTER TABLE {} SET SCHEMA {}", session.qualified(from, as.second),
                              session.quote_identifier(as.first)));
}

PlacedTable exchange(Connection& session, const TablePlacement& placement) {
  session.execute(fmt::format("SET LOCAL lock_timeout = '{}s'", placement.lock_timeout.count()));
  refuse_missing_schema(session, placement.as.first);
  const TableThere there = look_at_place(session, placement.as);
  refuse_place(there, placement.as, placement.replace);
  const QualifiedName& first = placement.tables.front();
  TakenNames taken;
  for (const QualifiedName& table : placement.tables) {
    const std::string schema = schema_for(table, first, placement.as);
    if (!taken.contains(schema)) taken[schema] = names_in(session, schema);
  }
  if (placement.replace) move_old_away(session, placement, taken);

  std::vector<QualifiedName> places{placement.as};
  PlacedTable placed;
  taken[placement.as.first].insert(placement.as.second);
  for (size_t i = 1; i < placement.tables.size(); ++i) {
    const QualifiedName& table = placement.tables[i];
    const std::string schema = schema_for(table, first, placement.as);
    std::set<std::string> nothing;
    const std::string wanted = name_below(table, placement, nothing);
    places.emplace_back(schema, name_below(table, placement, taken[schema]));
    if (places.back().second != wanted) {
      placed.renamed.push_back(fmt::format("{}.{} is there already: the restored one is {}.{}", schema,
                                           wanted, schema, places.back().second));
    }
  }
  for (size_t i = 0; i < places.size(); ++i)
    move_in(session, placement.from_schema, placement.tables[i], places[i], taken[places[i].first]);
  session.execute(fmt::format("DROP SCHEMA {}", session.quote_identifier(placement.from_schema)));
  if (placement.replace) {
    placed.not_inherited =
        hand_over_parents(session, there.parents, {placement.as.first, placement.kept_name}, placement.as);
  }
  return placed;
}

}  // namespace

TableThere look_at_place(Connection& session, const QualifiedName& name) {
  TableThere there;
  const Result found = session.execute(
      "SELECT c.relkind IN ('r', 'p') FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2",
      {name.first, name.second});
  there.exists = found.rows() == 1;
  there.is_table = there.exists && found.boolean(0, 0);
  if (!there.is_table) return there;
  const Result refer = session.execute(
      R"(
    WITH t AS (SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid)
    SELECT DISTINCT 'view ' || r.ev_class::pg_catalog.regclass::text
      FROM pg_catalog.pg_depend d JOIN t ON d.refobjid = t.oid JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
     WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.ev_class <> t.oid
    UNION
    SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::pg_catalog.regclass::text
      FROM pg_catalog.pg_constraint k JOIN t ON k.confrelid = t.oid WHERE k.conrelid <> t.oid
    UNION
    SELECT 'publication ' || p.pubname FROM pg_catalog.pg_publication_rel r JOIN t ON r.prrelid = t.oid
      JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
    UNION
    SELECT 'child ' || i.inhrelid::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid
    UNION
    SELECT 'partitioned table ' || i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i
      JOIN t ON i.inhrelid = t.oid JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relispartition
    ORDER BY 1)",
      {session.qualified(name.first, name.second)});
  for (int row = 0; row < refer.rows(); ++row) there.still_refer.push_back(refer.string(row, 0));
  there.parents = parents_of(session, name);
  return there;
}

void refuse_missing_schema(Connection& session, const std::string& schema) {
  if (session.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {schema}).rows() == 1) return;
  throw Error(ErrorCode::kUsage,
              {.message = fmt::format("There is no schema \"{}\" in the database.", schema),
               .solution = {fmt::format("Create it: CREATE SCHEMA \"{}\";", schema),
                            "Or name another: --as SCHEMA.NAME"}});
}

void refuse_place(const TableThere& there, const QualifiedName& name, bool replace) {
  const std::string shown = fmt::format("{}.{}", name.first, name.second);
  if (!there.exists) return;
  if (replace && there.is_table) return;
  throw Error(
      ErrorCode::kTargetExists,
      {.message = there.is_table ? fmt::format("A table {} exists in the database.", shown)
                                 : fmt::format("{} exists in the database, and is no ordinary table.", shown),
       .cause = "A table that is there is never overwritten.",
       .solution = {"Give the restored one another name: --as NAME or --as SCHEMA.NAME",
                    there.is_table
                        ? "Or put it in its place, and keep the old one under another name: --replace"
                        : "Or rename what is there."}});
}

std::string schema_for(const QualifiedName& table, const QualifiedName& first, const QualifiedName& as) {
  return table.first == first.first ? as.first : table.first;
}

PlacedTable place_table(Connection& session, const TablePlacement& placement) {
  PlacedTable placed;
  postgres::in_transaction(session, [&] { placed = exchange(session, placement); });
  return placed;
}

}  // namespace dbb::logical
