#include "postgres/name_pattern.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dbb::postgres {
namespace {

constexpr std::string_view kSpecial = "|*+?()[]{}.^$\\";

Error bad_pattern(std::string_view pattern, std::string cause) {
  return Error(
      ErrorCode::kUsage,
      {.message = fmt::format("\"{}\" is not a pattern that can be looked for.", pattern),
       .cause = std::move(cause),
       .solution = {"Write patterns as psql and pg_dump do: log* or app.\"Odd.Name\"; put shell quotes "
                    "around them."}});
}

// One part of a pattern as the name it stands for when nothing in it is special: what was typed, unquoted.
struct Part {
  std::string expression;
  std::string literal;
};

std::vector<Part> split(std::string_view pattern) {
  std::vector<Part> parts(1);
  bool quoted = false;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const bool another_quote = quoted && at + 1 < pattern.size() && pattern[at + 1] == '"';
    if (c == '"' && !another_quote) {
      quoted = !quoted;
      continue;
    }
    if (c == '.' && !quoted) {
      parts.emplace_back();
      continue;
    }
    Part& part = parts.back();
    char plain = c;
    if (c == '"') {
      ++at;
      part.expression += c;
    } else if (!quoted && c >= 'A' && c <= 'Z') {
      plain = static_cast<char>(c - 'A' + 'a');
      part.expression += plain;
    } else if (!quoted && c == '*') {
      part.expression += ".*";
    } else if (!quoted && c == '?') {
      part.expression += '.';
    } else {
      // `[]` rather names an array type than begins a bracket expression.
      const bool is_array = c == '[' && at + 1 < pattern.size() && pattern[at + 1] == ']';
      if (c == '$' || is_array || (quoted && kSpecial.find(c) != std::string_view::npos))
        part.expression += '\\';
      part.expression += c;
    }
    part.literal += plain;
  }
  return parts;
}

std::string anchored(const std::string& expression) { return "^(" + expression + ")$"; }

void refuse_other_database(const std::string& database, const NamePattern& parsed, std::string_view pattern) {
  if (parsed.database.empty() || parsed.database == database) return;
  throw bad_pattern(
      pattern, fmt::format("It names the database \"{}\", and this is \"{}\".", parsed.database, database));
}

Result ask(Connection& connection, std::string_view pattern, const std::string& sql,
           std::initializer_list<std::optional<std::string>> parameters) {
  try {
    return connection.execute(sql, parameters);
  } catch (const Error& error) {
    if (error.sqlstate() == "2201B")
      throw bad_pattern(pattern, error.message());  // invalid regular expression
    throw;
  }
}

std::set<Oid> oids_of(const Result& answer) {
  std::set<Oid> oids;
  for (int row = 0; row < answer.rows(); ++row) oids.insert(answer.oid(row, 0));
  return oids;
}

// The server's regular expressions, whatever operators the search path has.
constexpr std::string_view kMatches = "OPERATOR(pg_catalog.~)";

// The input of a text[].
std::string array_of(const NameSet& names, bool of_schemas) {
  std::string text = "{";
  for (const auto& [schema, name] : names) {
    text += text.size() > 1 ? ",\"" : "\"";
    for (const char c : of_schemas ? schema : name) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

// An empty expression matches every name.
NameSet matching(Connection& connection, std::string_view pattern, const NameSet& names,
                 const std::string& schema, const std::string& name) {
  const Result answer =
      ask(connection, pattern,
          fmt::format("SELECT t.s, t.n FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), "
                      "pg_catalog.unnest($2::pg_catalog.text[])) t(s, n) "
                      "WHERE t.s {0} $3::pg_catalog.text COLLATE pg_catalog.default "
                      "AND t.n {0} $4::pg_catalog.text COLLATE pg_catalog.default",
                      kMatches),
          {array_of(names, true), array_of(names, false), schema, name});
  NameSet found;
  for (int row = 0; row < answer.rows(); ++row) found.emplace(answer.string(row, 0), answer.string(row, 1));
  return found;
}

}  // namespace

NamePattern parse_name_pattern(std::string_view pattern, int most_parts) {
  const std::vector<Part> parts = split(pattern);
  if (parts.size() > static_cast<size_t>(most_parts))
    throw bad_pattern(pattern, "It has too many dots. A dot in a name is written inside double quotes.");
  NamePattern parsed;
  parsed.name = anchored(parts.back().expression);
  if (most_parts == 2 && parts.size() == 2) parsed.database = parts.front().literal;
  if (most_parts == 3 && parts.size() >= 2) parsed.schema = anchored(parts[parts.size() - 2].expression);
  if (most_parts == 3 && parts.size() == 3) parsed.database = parts.front().literal;
  return parsed;
}

std::set<Oid> relations_matching(Connection& connection, std::string_view pattern) {
  const NamePattern parsed = parse_name_pattern(pattern, 3);
  refuse_other_database(connection.database(), parsed, pattern);
  return oids_of(ask(
      connection, pattern,
      fmt::format("SELECT c.oid FROM pg_catalog.pg_class c "
                  "JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
                  "WHERE c.relkind OPERATOR(pg_catalog.=) ANY "
                  "(array['r', 'S', 'v', 'm', 'f', 'p']::pg_catalog.\"char\"[]) "
                  "AND c.relname {0} $1::pg_catalog.text COLLATE pg_catalog.default AND {1}",
                  kMatches,
                  parsed.schema.empty()
                      ? "pg_catalog.pg_table_is_visible(c.oid) AND $2::pg_catalog.text IS NOT NULL"
                      : fmt::format("n.nspname {} $2::pg_catalog.text COLLATE pg_catalog.default", kMatches)),
      {parsed.name, parsed.schema}));
}

std::set<Oid> schemas_matching(Connection& connection, std::string_view pattern) {
  const NamePattern parsed = parse_name_pattern(pattern, 2);
  refuse_other_database(connection.database(), parsed, pattern);
  return oids_of(ask(connection, pattern,
                     fmt::format("SELECT n.oid FROM pg_catalog.pg_namespace n "
                                 "WHERE n.nspname {} $1::pg_catalog.text COLLATE pg_catalog.default",
                                 kMatches),
                     {parsed.name}));
}

std::vector<std::string> databases_matching(Connection& connection, std::string_view pattern) {
  const NamePattern parsed = parse_name_pattern(pattern, 1);
  const Result answer = ask(connection, pattern,
                            fmt::format("SELECT d.datname FROM pg_catalog.pg_database d "
                                        "WHERE d.datname {} $1::pg_catalog.text COLLATE pg_catalog.default "
                                        "ORDER BY 1",
                                        kMatches),
                            {parsed.name});
  std::vector<std::string> names;
  for (int row = 0; row < answer.rows(); ++row) names.push_back(answer.string(row, 0));
  return names;
}

NameSet table_names_matching(Connection& connection, const std::string& database, std::string_view pattern,
                             const NameSet& names) {
  const NamePattern parsed = parse_name_pattern(pattern, 3);
  refuse_other_database(database, parsed, pattern);
  return matching(connection, pattern, names, parsed.schema, parsed.name);
}

NameSet schema_names_matching(Connection& connection, const std::string& database, std::string_view pattern,
                              const NameSet& names) {
  const NamePattern parsed = parse_name_pattern(pattern, 2);
  refuse_other_database(database, parsed, pattern);
  return matching(connection, pattern, names, parsed.name, "");
}

}  // namespace dbb::postgres
