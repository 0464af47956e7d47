#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Cuts a script that pg_dump or pg_dumpall wrote into statements and tokens. It knows
// PostgreSQL's lexical rules, not its grammar: a semicolon inside a SQL-standard function body (BEGIN ATOMIC)
// ends a statement here, too.
namespace dbb::logical {

enum class TokenKind : uint8_t { kWord, kQuotedIdentifier, kString, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kWord;
  std::string_view text;  // as written, quotes included; lies in the script

  bool is(std::string_view word) const { return kind == TokenKind::kWord && text == word; }
  bool is_symbol(char symbol) const { return kind == TokenKind::kSymbol && text[0] == symbol; }
  bool is_identifier() const { return kind == TokenKind::kWord || kind == TokenKind::kQuotedIdentifier; }
  // The name an identifier stands for, or the value of a plain string literal.
  std::string value() const;
};

struct Statement {
  std::string_view text;  // without the semicolon
  std::vector<Token> tokens;

  bool begins_with(std::initializer_list<std::string_view> words) const;
  // Index of the first token that is `word`, from `from` on; tokens.size() when there is none.
  size_t find(std::string_view word, size_t from = 0) const;
};

// Comments and psql's backslash lines are left out. `script` must outlive what is visited; the statement is
// valid during the call. A literal that is not closed ends at the end of the script.
void for_each_statement(std::string_view script, const std::function<void(const Statement&)>& visit);

// A script with parts of it replaced.
class EditedScript {
 public:
  explicit EditedScript(std::string_view script) : rest_(script) {}
  // `part` lies in the script, behind those replaced before.
  void replace(std::string_view part, std::string_view text);
  // Call once, at the end.
  std::string text();

 private:
  std::string edited_;
  std::string_view rest_;  // of the script: what was not copied yet
};

}  // namespace dbb::logical
