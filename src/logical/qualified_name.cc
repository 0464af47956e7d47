#include "logical/qualified_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

// ALTER TABLE ONLY public.measured ATTACH PARTITION public.measured_2026 FOR VALUES ...
bool is_attachment(const Statement& statement) {
  const size_t attach = statement.find("ATTACH");
  return statement.begins_with({"ALTER", "TABLE"}) && attach < statement.tokens.size() &&
         statement.find("PARTITION", attach) == attach + 1;
}

}  // namespace

QualifiedName parse_table_name(std::string_view typed) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    if (c == '"' && quoted && i + 1 < typed.size() && typed[i + 1] == '"') {
      parts.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const bool has_empty = std::ranges::any_of(parts, [](const std::string& part) { return part.empty(); });
  if (parts.size() > 2 || has_empty || quoted) {
    throw Error(ErrorCode::kUsage,
                {.message = fmt::format("\"{}\" is not the name of a table.", typed),
                 .solution = {"Write schema.table, as the server spells them: public.orders",
                              "A name with a dot in it stands inside double quotes: 'public.\"a.b\"'"}});
  }
  if (parts.size() == 1) return {"", parts[0]};
  return {parts[0], parts[1]};
}

std::optional<QualifiedName> qualified_name_at(const std::vector<Token>& tokens, size_t at) {
  if (at + 2 >= tokens.size() || !tokens[at].is_identifier() || !tokens[at + 1].is_symbol('.') ||
      !tokens[at + 2].is_identifier())
    return std::nullopt;
  if (at > 0 && tokens[at - 1].is_symbol('.')) return std::nullopt;
  return QualifiedName(tokens[at].value(), tokens[at + 2].value());
}

QualifiedName qualified_name(const ArchiveEntry& entry) {
  return {std::string(entry.schema), std::string(entry.tag)};
}

std::optional<std::string_view> name_after_table(const ArchiveEntry& entry, const ArchiveEntry& table) {
  if (entry.schema != table.schema || !entry.tag.starts_with(table.tag)) return std::nullopt;
  const std::string_view rest = entry.tag.substr(table.tag.size());
  if (rest.empty()) return rest;
  return rest.front() == ' ' ? std::optional(rest.substr(1)) : std::nullopt;
}

bool is_identity_sequence(const ArchiveEntry& entry) {
  return entry.description == "SEQUENCE" && entry.definition.find("ADD GENERATED") != std::string_view::npos;
}

std::optional<QualifiedName> owning_table(const ArchiveEntry& owned_by) {
  std::optional<QualifiedName> owner;
  for_each_statement(owned_by.definition, [&](const Statement& statement) {
    if (!owner) owner = qualified_name_at(statement.tokens, statement.find("BY") + 1);
  });
  return owner;
}

std::set<QualifiedName> parents_in(const ArchiveEntry& table) {
  std::set<QualifiedName> parents;
  if (table.definition.find("\nINHERITS (") == std::string_view::npos) return parents;
  for_each_statement(table.definition, [&](const Statement& statement) {
    const std::vector<Token>& tokens = statement.tokens;
    // What follows may look like names: WITH (toast.autovacuum_enabled='false').
    for (size_t at = statement.find("INHERITS"); at < tokens.size() && !tokens[at].is_symbol(')'); ++at) {
      if (const auto name = qualified_name_at(tokens, at)) parents.insert(*name);
    }
  });
  return parents;
}

std::optional<QualifiedName> attached_to(const ArchiveEntry& table) {
  std::optional<QualifiedName> parent;
  if (table.definition.find(" ATTACH PARTITION ") == std::string_view::npos) return parent;
  for_each_statement(table.definition, [&](const Statement& statement) {
    const size_t name = statement.begins_with({"ALTER", "TABLE", "ONLY"}) ? 3 : 2;
    if (!parent && is_attachment(statement)) parent = qualified_name_at(statement.tokens, name);
  });
  return parent;
}

std::string without_attachment(std::string_view definition) {
  EditedScript script(definition);
  for_each_statement(definition, [&](const Statement& statement) {
    if (is_attachment(statement)) script.replace(statement.text, "");
  });
  return script.text();
}

}  // namespace dbb::logical
