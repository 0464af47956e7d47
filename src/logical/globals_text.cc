#include "logical/globals_text.h"

#include "logical/sql_script.h"

namespace dbb::logical {
namespace {

std::string spelled(std::string_view text) { return std::string(text) + ";"; }

bool is_membership(const Statement& statement) {
  return statement.begins_with({"GRANT"}) && statement.tokens.size() > 3 && statement.tokens[2].is("TO");
}

// Index of its first token; tokens.size() when there is none.
size_t grantor_clause(const Statement& membership) {
  const size_t granted = membership.find("GRANTED", 4);
  return granted + 2 < membership.tokens.size() ? granted : membership.tokens.size();
}

// GRANT a TO b [WITH ...] [GRANTED BY c]
GlobalStatement read_membership(const Statement& statement) {
  GlobalStatement read{.subject = Subject::kMembership};
  read.parties = {statement.tokens[1].value(), statement.tokens[3].value()};
  const size_t granted = grantor_clause(statement);
  if (granted < statement.tokens.size()) {
    read.parties.push_back(statement.tokens[granted + 2].value());
    read.without_grantor = spelled(without_grantors(statement.text));
  }
  return read;
}

// GRANT/REVOKE ... ON PARAMETER|TABLESPACE name TO|FROM grantee
GlobalStatement read_privilege(const Statement& statement, size_t on) {
  GlobalStatement read{.subject = statement.tokens[on + 1].is("TABLESPACE") ? Subject::kTablespace
                                                                            : Subject::kParameter};
  if (read.subject == Subject::kTablespace) read.name = statement.tokens[on + 2].value();
  const size_t direction = std::min(statement.find("TO", on + 2), statement.find("FROM", on + 2));
  if (direction + 1 < statement.tokens.size() && !statement.tokens[direction + 1].is("PUBLIC")) {
    read.parties.push_back(statement.tokens[direction + 1].value());
  }
  return read;
}

GlobalStatement read_statement(const Statement& statement) {
  const std::vector<Token>& tokens = statement.tokens;
  GlobalStatement read;
  const size_t on = statement.find("ON");
  const auto about = [&](size_t kind) {  // tokens[kind] says what tokens[kind + 1] is
    if (kind + 1 >= tokens.size()) return;
    if (tokens[kind].is("ROLE")) read.subject = Subject::kRole;
    if (tokens[kind].is("TABLESPACE")) read.subject = Subject::kTablespace;
    if (read.subject != Subject::kSession) read.name = tokens[kind + 1].value();
  };
  if (is_membership(statement)) {
    read = read_membership(statement);
  } else if ((statement.begins_with({"GRANT"}) || statement.begins_with({"REVOKE"})) &&
             on + 2 < tokens.size()) {
    read = read_privilege(statement, on);
  } else if (statement.begins_with({"CREATE"}) || statement.begins_with({"ALTER"})) {
    about(1);
    read.creates = statement.begins_with({"CREATE"});
    const size_t location = statement.find("LOCATION");
    if (location + 1 < tokens.size()) read.location = tokens[location + 1].value();
  } else if (statement.begins_with({"COMMENT"}) || statement.begins_with({"SECURITY", "LABEL"})) {
    about(on + 1);
  }
  read.text = spelled(statement.text);
  return read;
}

}  // namespace

std::vector<GlobalStatement> read_globals(std::string_view text) {
  std::vector<GlobalStatement> all;
  std::string prefix;
  for_each_statement(text, [&](const Statement& statement) {
    if (statement.begins_with({"SET", "SESSION", "AUTHORIZATION"})) {
      prefix = spelled(statement.text) + "\n";
    } else if (statement.begins_with({"RESET", "SESSION", "AUTHORIZATION"})) {
      if (!all.empty()) all.back().text += "\n" + spelled(statement.text);
      prefix.clear();
    } else {
      GlobalStatement read = read_statement(statement);
      read.text = prefix + read.text;
      all.push_back(std::move(read));
    }
  });
  return all;
}

std::string without_grantors(std::string_view script) {
  EditedScript changed(script);
  for_each_statement(script, [&](const Statement& statement) {
    if (!is_membership(statement)) return;
    const size_t granted = grantor_clause(statement);
    if (granted == statement.tokens.size()) return;
    changed.replace({statement.tokens[granted - 1].text.end(), statement.text.end()}, "");
  });
  return changed.text();
}

std::string mask_password(std::string_view statement) {
  EditedScript masked(statement);
  for_each_statement(statement, [&](const Statement& one) {
    for (size_t i = 1; i < one.tokens.size(); ++i) {
      const Token& token = one.tokens[i];
      if (token.kind == TokenKind::kString && one.tokens[i - 1].is("PASSWORD"))
        masked.replace(token.text, "'***'");
    }
  });
  return masked.text();
}

}  // namespace dbb::logical
