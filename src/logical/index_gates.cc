#include "logical/index_gates.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "logical/sql_script.h"

namespace dbb::logical {
namespace {

constexpr std::string_view kAllRows = "all rows";  // no table: those have a dot

// What initdb made has an OID below 16384 (FirstNormalObjectId).
constexpr const char* kUsersFunctions = R"(
  WITH made AS (
    SELECT p.oid, p.proname AS name FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                          AND e.objid = p.oid AND e.deptype = 'e')) )";

constexpr const char* kServesUnnamed = R"(
  SELECT EXISTS (SELECT FROM pg_catalog.pg_amproc WHERE amproc IN (SELECT oid FROM made))
      OR EXISTS (SELECT FROM pg_catalog.pg_am WHERE amhandler IN (SELECT oid FROM made))
      OR EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castfunc IN (SELECT oid FROM made))
      OR EXISTS (SELECT FROM pg_catalog.pg_operator WHERE oprcode IN (SELECT oid FROM made))
      OR EXISTS (SELECT FROM pg_catalog.pg_range WHERE rngsubdiff IN (SELECT oid FROM made)
                    OR rngcanonical IN (SELECT oid FROM made)))";

// Of domains: their checks are run where a value becomes one.
constexpr const char* kNames = R"(
  SELECT name FROM made
  UNION SELECT t.typname FROM pg_catalog.pg_type t WHERE t.oid >= 16384
     AND (t.typtype IN ('d', 'r', 'm') OR t.typinput IN (SELECT oid FROM made)))";

// A row that goes into a partition locks its parents.
constexpr const char* kTables = R"(
  SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND c.oid >= 16384
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid))";
// Which partition a row finds is known when it is there.
constexpr const char* kNoPartitions = " AND NOT c.relispartition";

// "schema . table" at tokens[at], after ONLY.
std::optional<std::string> table_at(const std::vector<Token>& tokens, size_t at) {
  if (at < tokens.size() && tokens[at].is("ONLY")) ++at;
  const bool is_there = at + 2 < tokens.size() && tokens[at].is_identifier() &&
                        tokens[at + 1].is_symbol('.') && tokens[at + 2].is_identifier();
  if (!is_there) return std::nullopt;
  return tokens[at].value() + "." + tokens[at + 2].value();
}

// Of the statement that builds it; nothing for an exclusion constraint, and for what is no key.
std::optional<std::string> table_of(const Statement& statement) {
  const std::vector<Token>& tokens = statement.tokens;
  if (statement.begins_with({"CREATE", "INDEX"}) || statement.begins_with({"CREATE", "UNIQUE", "INDEX"}))
    return table_at(tokens, statement.find("ON") + 1);
  if (!statement.begins_with({"ALTER", "TABLE"})) return std::nullopt;
  const size_t kind = statement.find("CONSTRAINT") + 2;
  const bool is_key = kind < tokens.size() && (tokens[kind].is("PRIMARY") || tokens[kind].is("UNIQUE"));
  return is_key ? table_at(tokens, 2) : std::nullopt;
}

std::string gate_of(const postgres::ArchiveEntry& entry, const IndexFacts& facts) {
  if (!entry.is_one_of({"INDEX", "CONSTRAINT"})) return std::string(kAllRows);
  std::optional<std::string> table;
  bool is_first = true;
  bool is_plain = true;
  for_each_statement(entry.definition, [&](const Statement& statement) {
    if (is_first) table = table_of(statement);
    is_first = false;
    is_plain &= std::ranges::none_of(statement.tokens, [&](const Token& token) {
      return token.is_identifier() && facts.users_names.contains(token.value());
    });
  });
  return is_plain && table && facts.tables.contains(*table) ? *table : std::string(kAllRows);
}

}  // namespace

IndexFacts read_index_facts(postgres::Connection& session, bool loads_through_roots) {
  IndexFacts facts;
  if (session.execute(std::string(kUsersFunctions) + kServesUnnamed).boolean(0, 0)) return facts;
  const postgres::Result names = session.execute(std::string(kUsersFunctions) + kNames);
  for (int row = 0; row < names.rows(); ++row) facts.users_names.insert(names.string(row, 0));
  const postgres::Result tables =
      session.execute(std::string(kTables) + (loads_through_roots ? kNoPartitions : ""));
  for (int row = 0; row < tables.rows(); ++row)
    facts.tables.insert(tables.string(row, 0) + "." + tables.string(row, 1));
  return facts;
}

std::vector<std::string> index_gates(const SchemaTasks& tasks, const IndexFacts& facts) {
  std::vector<std::string> gates;
  gates.reserve(tasks.size());
  for (const SchemaTask& task : tasks) gates.push_back(gate_of(*task.entry, facts));
  return gates;
}

}  // namespace dbb::logical
