#include "logical/moved_names.h"

#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using Tokens = std::vector<Token>;

bool word_before(const Tokens& tokens, size_t at, std::string_view word, size_t distance = 1) {
  return at >= distance && tokens[at - distance].is(word);
}

bool symbol_before(const Tokens& tokens, size_t at, char symbol) {
  return at > 0 && tokens[at - 1].is_symbol(symbol);
}

// name(...) is a call, but where a table is named with its columns.
bool is_call(const Tokens& tokens, size_t at) {
  if (at + 3 >= tokens.size() || !tokens[at + 3].is_symbol('(')) return false;
  for (const std::string_view word : {"TABLE", "REFERENCES", "ONLY", "ON", "INTO"}) {
    if (word_before(tokens, at, word)) return false;
  }
  return at > 0;
}

// CREATE INDEX ... (column public.class)
bool is_operator_class(const Statement& statement, size_t at) {
  if (!statement.begins_with({"CREATE", "INDEX"}) && !statement.begins_with({"CREATE", "UNIQUE", "INDEX"}))
    return false;
  const Tokens& tokens = statement.tokens;
  if (word_before(tokens, at, "ON") || word_before(tokens, at, "ONLY")) return false;
  return symbol_before(tokens, at, ')') || (at > 0 && tokens[at - 1].is_identifier());
}

bool may_be_table(const Statement& statement, size_t at) {
  return !is_call(statement.tokens, at) && !word_before(statement.tokens, at, "COLLATE") &&
         !is_operator_class(statement, at);
}

bool may_be_parent(const Statement& statement, size_t at) {
  return word_before(statement.tokens, at, "TABLE") || word_before(statement.tokens, at, "ONLY") ||
         statement.find("INHERITS") < at;
}

bool may_be_sequence(const Tokens& tokens, size_t at) {
  if (word_before(tokens, at, "NAME") && word_before(tokens, at, "SEQUENCE", 2)) return true;
  for (const std::string_view word : {"SEQUENCE", "TABLE", "FROM", "JOIN"}) {
    if (word_before(tokens, at, word)) return true;
  }
  return false;
}

bool may_be_index(const Statement& statement, size_t at) {
  return word_before(statement.tokens, at, "INDEX") ||
         (word_before(statement.tokens, at, "PARTITION") && statement.begins_with({"ALTER", "INDEX"}));
}

const QualifiedName* find(const MovedNames::Names& names, const QualifiedName& name) {
  const auto found = names.find(name);
  return found == names.end() ? nullptr : &found->second;
}

const QualifiedName* new_name(const Statement& statement, size_t at, const QualifiedName& name,
                              const MovedNames& names) {
  if (word_before(statement.tokens, at, "STATISTICS")) return find(names.statistics, name);
  if (may_be_index(statement, at)) {
    if (const QualifiedName* index = find(names.indexes, name)) return index;
  }
  if (may_be_sequence(statement.tokens, at)) {
    if (const QualifiedName* sequence = find(names.sequences, name)) return sequence;
  }
  if (may_be_parent(statement, at)) {
    if (const QualifiedName* parent = find(names.parents, name)) return parent;
  }
  return may_be_table(statement, at) ? find(names.tables, name) : nullptr;
}

bool is_cast_to_regclass(const Tokens& tokens, size_t at) {
  return at + 3 < tokens.size() && tokens[at + 1].is_symbol(':') && tokens[at + 2].is_symbol(':') &&
         tokens[at + 3].is("regclass") && (at + 4 == tokens.size() || !tokens[at + 4].is_symbol('.'));
}

std::string in_sql(const QualifiedName& name) {
  return postgres::quoted(name.first) + "." + postgres::quoted(name.second);
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// Of a literal that is nothing but a relation's name; "" for any other.
std::string moved_literal(const std::string& value, const MovedNames& names) {
  std::string moved;
  for_each_statement(value, [&](const Statement& statement) {
    const std::optional<QualifiedName> name = qualified_name_at(statement.tokens, 0);
    if (!name || statement.tokens.size() != 3) return;
    for (const MovedNames::Names* relations : {&names.tables, &names.sequences, &names.indexes}) {
      if (const QualifiedName* to = find(*relations, *name)) moved = in_sql(*to);
    }
  });
  return moved;
}

}  // namespace

std::string with_moved_names(std::string_view definition, const MovedNames& names) {
  EditedScript moved_definition(definition);
  for_each_statement(definition, [&](const Statement& statement) {
    const Tokens& tokens = statement.tokens;
    for (size_t at = 0; at < tokens.size(); ++at) {
      if (tokens[at].kind == TokenKind::kString) {
        if (!is_cast_to_regclass(tokens, at)) continue;
        const std::string moved = moved_literal(tokens[at].value(), names);
        if (!moved.empty()) moved_definition.replace(tokens[at].text, literal(moved));
      } else if (const std::optional<QualifiedName> name = qualified_name_at(tokens, at)) {
        if (const QualifiedName* to = new_name(statement, at, *name, names))
          moved_definition.replace({tokens[at].text.begin(), tokens[at + 2].text.end()}, in_sql(*to));
        at += 2;
      }
    }
  });
  return moved_definition.text();
}

}  // namespace dbb::logical
