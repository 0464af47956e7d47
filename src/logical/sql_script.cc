#include "logical/sql_script.h"

#include <algorithm>

namespace dbb::logical {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool begins_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool continues_word(char c) { return begins_word(c) || (c >= '0' && c <= '9') || c == '$'; }

class Lexer {
 public:
  explicit Lexer(std::string_view script) : script_(script) {}

  // False at the end of the script. `at_statement_start`: a backslash begins a line for psql.
  bool next(Token& token, bool at_statement_start) {
    skip_blanks(at_statement_start);
    if (at_end()) return false;
    const size_t begin = offset_;
    token.kind = read(begin);
    token.text = script_.substr(begin, offset_ - begin);
    return true;
  }

 private:
  bool at_end() const { return offset_ >= script_.size(); }
  char peek(size_t ahead = 0) const {
    return offset_ + ahead < script_.size() ? script_[offset_ + ahead] : '\0';
  }
  void skip_line() { offset_ = std::min(script_.find('\n', offset_), script_.size()); }

  void skip_blanks(bool at_statement_start) {
    while (!at_end()) {
      if (is_space(peek())) {
        ++offset_;
      } else if (peek() == '-' && peek(1) == '-') {
        skip_line();
      } else if (peek() == '/' && peek(1) == '*') {
        skip_block_comment();
      } else if (peek() == '\\' && at_statement_start) {
        skip_line();
      } else {
        return;
      }
    }
  }

  void skip_block_comment() {
    int depth = 0;
    do {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        offset_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        offset_ += 2;
      } else {
        ++offset_;
      }
    } while (depth > 0 && !at_end());
  }

  TokenKind read(size_t begin) {
    const char first = peek();
    if (first == '"') {
      read_quoted('"', false);
      return TokenKind::kQuotedIdentifier;
    }
    if (first == '\'') {
      read_quoted('\'', false);
      return TokenKind::kString;
    }
    if (first == '$' && read_dollar_quoted()) return TokenKind::kString;
    if (begins_word(first) || (first >= '0' && first <= '9')) {
      while (!at_end() && continues_word(peek())) ++offset_;
      const std::string_view word = script_.substr(begin, offset_ - begin);
      if (peek() == '\'' && (word == "E" || word == "e")) {
        read_quoted('\'', true);
        return TokenKind::kString;
      }
      return TokenKind::kWord;
    }
    ++offset_;
    return TokenKind::kSymbol;
  }

  void read_quoted(char quote, bool with_backslashes) {
    ++offset_;
    while (!at_end()) {
      const char c = peek();
      if (c == '\\' && with_backslashes) {
        offset_ += 2;
      } else if (c != quote) {
        ++offset_;
      } else if (peek(1) == quote) {
        offset_ += 2;
      } else {
        ++offset_;
        return;
      }
    }
    offset_ = script_.size();
  }

  bool read_dollar_quoted() {
    size_t end = offset_ + 1;
    while (end < script_.size() && continues_word(script_[end]) && script_[end] != '$') ++end;
    if (end >= script_.size() || script_[end] != '$') return false;
    const std::string_view tag = script_.substr(offset_, end + 1 - offset_);
    const size_t close = script_.find(tag, end + 1);
    offset_ = close == std::string_view::npos ? script_.size() : close + tag.size();
    return true;
  }

  std::string_view script_;
  size_t offset_ = 0;
};

}  // namespace

std::string Token::value() const {
  if (kind != TokenKind::kQuotedIdentifier && kind != TokenKind::kString) return std::string(text);
  const char quote = kind == TokenKind::kQuotedIdentifier ? '"' : '\'';
  if (text.size() < 2 || text.front() != quote) return std::string(text);
  std::string value;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    value += text[i];
    if (text[i] == quote) ++i;  // doubled
  }
  return value;
}

bool Statement::begins_with(std::initializer_list<std::string_view> words) const {
  return tokens.size() >= words.size() &&
         std::equal(words.begin(), words.end(), tokens.begin(),
                    [](std::string_view word, const Token& token) { return token.is(word); });
}

size_t Statement::find(std::string_view word, size_t from) const {
  for (size_t i = from; i < tokens.size(); ++i) {
    if (tokens[i].is(word)) return i;
  }
  return tokens.size();
}

void for_each_statement(std::string_view script, const std::function<void(const Statement&)>& visit) {
  Lexer lexer(script);
  Statement statement;
  const auto finish = [&] {
    if (statement.tokens.empty()) return;
    const char* begin = statement.tokens.front().text.data();
    const std::string_view last = statement.tokens.back().text;
    statement.text = std::string_view(begin, static_cast<size_t>(last.data() + last.size() - begin));
    visit(statement);
    statement.tokens.clear();
  };
  for (Token token; lexer.next(token, statement.tokens.empty());) {
    if (token.is_symbol(';')) {
      finish();
    } else {
      statement.tokens.push_back(token);
    }
  }
  finish();
}

void EditedScript::replace(std::string_view part, std::string_view text) {
  edited_.append(rest_.begin(), part.begin());
  edited_ += text;
  rest_ = {part.end(), rest_.end()};
}

std::string EditedScript::text() {
  edited_ += rest_;
  return std::move(edited_);
}

}  // namespace dbb::logical
