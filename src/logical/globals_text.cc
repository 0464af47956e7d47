#include "logical/globals_text.h"

#include "logical/sql_script.h"

namespace dbb::logical {
namespace {

std::string spelled(std::string_view text) { return std::string(text) + ";"; }

// GRANT a TO b [WITH ...] [GRANTED BY c]
GlobalStatement read_membership(const Statement& statement) {
  GlobalStatement read{.subject = Subject::kMembership};
  read.parties = {statement.tokens[1].value(), statement.tokens[3].value()};
  const size_t granted = statement.find("GRANTED", 4);
  if (granted + 2 < statement.tokens.size()) {
    read.parties.push_back(statement.tokens[granted + 2].value());
    const Token& last = statement.tokens[granted - 1];
    const size_t length = static_cast<size_t>(last.text.data() + last.text.size() - statement.text.data());
    read.without_grantor = spelled(statement.text.substr(0, length));
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
  if (statement.begins_with({"GRANT"}) && tokens.size() > 3 && tokens[2].is("TO")) {
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
