#include "logical/globals_align.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "logical/globals_text.h"
#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::quoted;

// What an ALTER ROLE ... WITH of one side says and the other may not.
bool says(const std::string& text, std::string_view word) {
  bool found = false;
  for_each_statement(text, [&](const Statement& statement) {
    found = found || statement.find(word, 3) < statement.tokens.size();
  });
  return found;
}

// What a statement is about, beside its object: two that share it take each other's place.
std::string topic_of(const std::string& text) {
  std::string topic;
  for_each_statement(text, [&](const Statement& statement) {
    const auto& tokens = statement.tokens;
    if (statement.begins_with({"COMMENT"})) topic = "comment";
    if (statement.begins_with({"SECURITY", "LABEL", "FOR"}) && tokens.size() > 3)
      topic = "label " + tokens[3].value();
    if (!statement.begins_with({"ALTER"}) || tokens.size() < 5) return;
    if (tokens[3].is("WITH")) topic = "attributes";
    if (tokens[3].is("SET")) topic = "setting " + tokens[4].value();
  });
  return topic;
}

// The names in ALTER TABLESPACE x SET (a=1, b=2).
std::vector<std::string> option_names(const Statement& statement) {
  std::vector<std::string> names;
  for (size_t i = 4; i + 1 < statement.tokens.size(); ++i) {
    const bool begins = statement.tokens[i].is_symbol('(') || statement.tokens[i].is_symbol(',');
    if (begins) names.push_back(statement.tokens[i + 1].value());
  }
  return names;
}

// GRANT privileges ON object TO grantee [WITH GRANT OPTION], taken back.
std::string revoked(const Statement& statement) {
  const size_t to = statement.find("TO");
  if (to + 1 >= statement.tokens.size()) return {};
  const std::string_view text = statement.text;
  const size_t from = statement.tokens[0].text.size();
  const auto offset = [&](const Token& token) {
    return static_cast<size_t>(token.text.data() - text.data());
  };
  const size_t place = offset(statement.tokens[to]);
  return fmt::format("REVOKE{}FROM {};", text.substr(from, place - from), statement.tokens[to + 1].text);
}

class Aligner {
 public:
  Aligner(std::string_view backup, std::string_view target, const std::optional<GlobalsFilter>& filter,
          const AlignTarget& where)
      : backup_(read_globals(backup)),
        target_(read_globals(target)),
        where_(where),
        has_passwords_(says_any(backup_, "PASSWORD")) {
    roles_ = common(Subject::kRole, filter ? &filter->roles : nullptr);
    tablespaces_ = common(Subject::kTablespace, filter ? &filter->tablespaces : nullptr);
    for (const GlobalStatement& one : backup_) texts_of_backup_.insert(one.text);
    for (const GlobalStatement& one : target_) texts_of_target_.insert(one.text);
  }

  std::vector<std::string> statements() {
    // Backwards: what was granted by virtue of another grant goes before it.
    for (auto one = target_.rbegin(); one != target_.rend(); ++one) {
      if (concerns_both(*one) && !texts_of_backup_.contains(one->text)) take_back(*one);
    }
    for (const GlobalStatement& one : backup_) {
      if (concerns_both(one) && !texts_of_target_.contains(one.text)) give(one);
    }
    return std::move(out_);
  }

 private:
  static bool says_any(const std::vector<GlobalStatement>& all, std::string_view word) {
    return std::ranges::any_of(all, [&](const GlobalStatement& one) {
      return one.subject == Subject::kRole && !one.creates && says(one.text, word);
    });
  }

  std::set<std::string> common(Subject subject, const std::set<std::string>* only) const {
    std::set<std::string> of_backup;
    std::set<std::string> both;
    for (const GlobalStatement& one : backup_) {
      if (one.creates && one.subject == subject) of_backup.insert(one.name);
    }
    for (const GlobalStatement& one : target_) {
      if (one.creates && one.subject == subject && of_backup.contains(one.name) &&
          (only == nullptr || only->contains(one.name)))
        both.insert(one.name);
    }
    return both;
  }

  bool concerns_both(const GlobalStatement& one) const {
    switch (one.subject) {
      case Subject::kRole:
        return one.name != where_.connected_role && roles_.contains(one.name);
      case Subject::kTablespace:
        return tablespaces_.contains(one.name);
      case Subject::kMembership:
      case Subject::kParameter: {
        // Who granted it may be the one who restores; who has it may not.
        const size_t concerned = one.subject == Subject::kMembership ? 2 : one.parties.size();
        for (size_t i = 0; i < one.parties.size(); ++i) {
          const std::string& role = one.parties[i];
          if (i < concerned && role == where_.connected_role) return false;
          if (!roles_.contains(role) && role != where_.connected_role && !role.starts_with("pg_"))
            return false;
        }
        return true;
      }
      case Subject::kSession:
        break;
    }
    return false;
  }

  const GlobalStatement* same_topic(const std::vector<GlobalStatement>& side,
                                    const GlobalStatement& one) const {
    const std::string topic = topic_of(one.text);
    const auto found = std::ranges::find_if(side, [&](const GlobalStatement& other) {
      return other.subject == one.subject && other.name == one.name && topic_of(other.text) == topic;
    });
    return topic.empty() || found == side.end() ? nullptr : &*found;
  }

  void take_back(const GlobalStatement& one) {
    const std::string topic = topic_of(one.text);
    for_each_statement(one.text, [&](const Statement& statement) {
      if (statement.begins_with({"GRANT"})) {
        take_back_grant(one, statement);
      } else if (one.subject == Subject::kTablespace && statement.begins_with({"ALTER"})) {
        out_.push_back(fmt::format("ALTER TABLESPACE {} RESET ({});", quoted(one.name),
                                   fmt::join(option_names(statement), ", ")));
      } else if (same_topic(backup_, one) != nullptr) {
        return;  // the backup's own follows
      } else if (topic.starts_with("setting ")) {
        out_.push_back(fmt::format("ALTER ROLE {} RESET {};", quoted(one.name), statement.tokens[4].text));
      } else if (topic == "comment" || topic.starts_with("label ")) {
        const std::string_view before = statement.text.substr(
            0, static_cast<size_t>(statement.tokens.back().text.data() - statement.text.data()));
        out_.push_back(std::string(before) + "NULL;");
      }
    });
  }

  void take_back_grant(const GlobalStatement& one, const Statement& statement) {
    if (one.subject != Subject::kMembership) {
      out_.push_back(revoked(statement));
      return;
    }
    std::string text = fmt::format("REVOKE {} FROM {}", statement.tokens[1].text, statement.tokens[3].text);
    if (where_.major >= 16 && one.parties.size() > 2) text += " GRANTED BY " + quoted(one.parties[2]);
    out_.push_back(text + ";");
  }

  void give(const GlobalStatement& one) {
    if (one.creates && one.subject == Subject::kTablespace) {
      give_owner(one);
      return;
    }
    const GlobalStatement* there = same_topic(target_, one);
    if (there != nullptr && topic_of(one.text) == "attributes") {
      const auto only_there = [&](std::string_view word) {
        return says(there->text, word) && !says(one.text, word);
      };
      std::string neutral;
      if (only_there("CONNECTION")) neutral += " CONNECTION LIMIT -1";
      if (only_there("PASSWORD") && has_passwords_) neutral += " PASSWORD NULL";
      if (only_there("VALID")) neutral += " VALID UNTIL 'infinity'";
      if (!neutral.empty()) out_.push_back(fmt::format("ALTER ROLE {} WITH{};", quoted(one.name), neutral));
    }
    out_.push_back(one.text);
  }

  // CREATE TABLESPACE name OWNER owner LOCATION 'place'
  void give_owner(const GlobalStatement& one) {
    for_each_statement(one.text, [&](const Statement& statement) {
      const size_t owner = statement.find("OWNER", 3);
      if (owner + 1 >= statement.tokens.size()) return;
      const std::string clause = fmt::format("OWNER {} ", statement.tokens[owner + 1].text);
      const bool same = std::ranges::any_of(target_, [&](const GlobalStatement& other) {
        return other.creates && other.subject == Subject::kTablespace && other.name == one.name &&
               other.text.find(clause) != std::string::npos;
      });
      if (same) return;
      out_.push_back(fmt::format("ALTER TABLESPACE {} OWNER TO {};", quoted(one.name),
                                 statement.tokens[owner + 1].text));
    });
  }

  const std::vector<GlobalStatement> backup_;
  const std::vector<GlobalStatement> target_;
  const AlignTarget& where_;
  const bool has_passwords_;
  std::set<std::string> roles_;
  std::set<std::string> tablespaces_;
  std::set<std::string> texts_of_backup_;
  std::set<std::string> texts_of_target_;
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> align_globals(std::string_view backup, std::string_view target,
                                       const std::optional<GlobalsFilter>& filter, const AlignTarget& where) {
  return Aligner(backup, target, filter, where).statements();
}

}  // namespace dbb::logical
