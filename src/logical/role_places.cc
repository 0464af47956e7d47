#include "logical/role_places.h"

#include <algorithm>

namespace dbb::logical {
namespace {

bool is_role(const Token& token) {
  if (token.kind == TokenKind::kString) return true;  // SET SESSION AUTHORIZATION 'role'
  // pg_dump writes "public" in CREATE USER MAPPING; no role can have that name.
  return token.is_identifier() && !token.is("PUBLIC") && !token.is("public") && !token.is("CURRENT_USER") &&
         !token.is("DEFAULT");
}

class Places {
 public:
  explicit Places(const Statement& statement) : statement_(statement) {
    if (statement.begins_with({"GRANT"}) || statement.begins_with({"REVOKE"})) {
      list_after("TO", "FROM");
      list_at(statement.find("BY") + 1);  // GRANTED BY
    } else if (statement.begins_with({"ALTER", "DEFAULT", "PRIVILEGES"})) {
      if (statement.begins_with({"ALTER", "DEFAULT", "PRIVILEGES", "FOR", "ROLE"})) list_at(5);
      list_after("TO", "FROM", 6);
    } else if (statement.begins_with({"ALTER"})) {
      const size_t owner = statement.find("OWNER");
      if (statement.find("TO", owner) == owner + 1) list_at(owner + 2);
    } else if (statement.begins_with({"CREATE", "POLICY"})) {
      list_at(statement.find("TO") + 1);
    } else if (statement.begins_with({"CREATE", "USER", "MAPPING", "FOR"})) {
      list_at(4);
    } else if (statement.begins_with({"SET", "SESSION", "AUTHORIZATION"})) {
      list_at(3);
    }
  }
  std::vector<size_t> take() { return std::move(places_); }

 private:
  void list_after(std::string_view one, std::string_view other, size_t from = 0) {
    list_at(std::min(statement_.find(one, from), statement_.find(other, from)) + 1);
  }

  // role [, role]...
  void list_at(size_t at) {
    const std::vector<Token>& tokens = statement_.tokens;
    for (; at < tokens.size(); at += 2) {
      if (is_role(tokens[at])) places_.push_back(at);
      if (at + 1 >= tokens.size() || !tokens[at + 1].is_symbol(',')) return;
    }
  }

  const Statement& statement_;
  std::vector<size_t> places_;
};

}  // namespace

std::vector<size_t> role_places(const Statement& statement) { return Places(statement).take(); }

}  // namespace dbb::logical
