#include "logical/entry_rules.h"

#include <algorithm>

#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

// "PUBLICATION", "PUBLICATION TABLE", and the comment on one.
bool is_of(const ArchiveEntry& entry, std::string_view kind) {
  if (entry.description.starts_with(kind)) return true;
  const bool is_about = entry.description == "COMMENT" || entry.description == "SECURITY LABEL";
  return is_about && entry.tag.starts_with(kind) && entry.tag.substr(kind.size()).starts_with(' ');
}

bool is_wanted(const ArchiveEntry& entry, const EntryRules& rules) {
  if (!rules.privileges && postgres::pass_of(entry) == postgres::RestorePass::kPrivileges) return false;
  if (!rules.comments && entry.description == "COMMENT") return false;
  if (!rules.security_labels && entry.description == "SECURITY LABEL") return false;
  if (!rules.publications && is_of(entry, "PUBLICATION")) return false;
  if (!rules.subscriptions && is_of(entry, "SUBSCRIPTION")) return false;
  return rules.refreshes || entry.description != "MATERIALIZED VIEW DATA";
}

// Where in a statement roles stand: half-open ranges of tokens.
class RolePlaces {
 public:
  explicit RolePlaces(const Statement& statement) : tokens_(statement.tokens) {
    if (statement.begins_with({"GRANT"}) || statement.begins_with({"REVOKE"})) {
      list_at(std::min(statement.find("TO"), statement.find("FROM")) + 1);
      list_at(statement.find("BY") + 1);
    } else if (statement.begins_with({"ALTER", "DEFAULT", "PRIVILEGES"})) {
      if (statement.begins_with({"ALTER", "DEFAULT", "PRIVILEGES", "FOR"})) list_at(5);
      list_at(std::min(statement.find("TO", 6), statement.find("FROM", 6)) + 1);
    } else if (statement.begins_with({"CREATE", "POLICY"})) {
      list_at(statement.find("TO") + 1);
    } else if (statement.begins_with({"CREATE", "USER", "MAPPING", "FOR"})) {
      list_at(4);
    } else if (statement.begins_with({"SET", "SESSION", "AUTHORIZATION"})) {
      list_at(3);
    }
  }
  const std::vector<size_t>& places() const { return places_; }

 private:
  void list_at(size_t at) {
    while (at < tokens_.size()) {
      const Token& token = tokens_[at];
      if (token.is_identifier() || token.kind == TokenKind::kString) places_.push_back(at);
      if (at + 1 >= tokens_.size() || !tokens_[at + 1].is_symbol(',')) return;
      at += 2;
    }
  }

  const std::vector<Token>& tokens_;
  std::vector<size_t> places_;
};

bool names_roles(const ArchiveEntry& entry) {
  return entry.description == "ACL" || entry.description == "DEFAULT ACL" || entry.description == "POLICY" ||
         entry.description == "USER MAPPING";
}

}  // namespace

const std::string& EntryRules::role(const std::string& name) const {
  const auto renamed = roles.find(name);
  return renamed == roles.end() ? name : renamed->second;
}

std::string with_renamed_roles(std::string_view definition, const std::map<std::string, std::string>& roles) {
  std::string out;
  const char* copied_to = definition.data();
  for_each_statement(definition, [&](const Statement& statement) {
    const RolePlaces roles_in_it(statement);
    for (const size_t place : roles_in_it.places()) {
      const Token& token = statement.tokens[place];
      const auto renamed = roles.find(token.value());
      if (renamed == roles.end()) continue;
      out.append(copied_to, token.text.begin());
      out += postgres::quoted(renamed->second);
      copied_to = token.text.data() + token.text.size();
    }
  });
  out.append(copied_to, definition.data() + definition.size());
  return out;
}

RuledToc::RuledToc(const postgres::ArchiveToc& toc, const EntryRules& rules) : toc_(toc) {
  if (!rules.change_anything()) return;
  std::erase_if(toc_.entries, [&](const ArchiveEntry& entry) { return !is_wanted(entry, rules); });
  for (ArchiveEntry& entry : toc_.entries) {
    if (!rules.owners) entry.owner = {};
    if (!rules.tablespaces && entry.tablespace) entry.tablespace = std::string_view();
    if (rules.roles.empty()) continue;
    const auto owner = rules.roles.find(std::string(entry.owner));
    if (owner != rules.roles.end()) entry.owner = owner->second;
    if (names_roles(entry)) {
      entry.definition = texts_.emplace_back(with_renamed_roles(entry.definition, rules.roles));
    }
  }
}

namespace {

// What databases and large objects have in common.
template <typename Object>
void apply_to_object(const EntryRules& rules, const std::string& connected_role, Object& object) {
  const std::string old_owner = object.owner;
  object.owner = rules.owners ? rules.role(object.owner) : connected_role;
  if (!rules.privileges) {
    object.has_acl = false;
    object.acl.clear();
  }
  for (postgres::AclEntry& entry : object.acl) {
    // Without owners, it is the one who restores that grants; what the owner had, he has.
    entry.grantor = rules.owners ? rules.role(entry.grantor) : connected_role;
    if (!rules.owners && entry.grantee == old_owner) entry.grantee = connected_role;
    if (!entry.grantee.empty()) entry.grantee = rules.role(entry.grantee);
  }
  if (!rules.comments) object.comment.reset();
  if (!rules.security_labels) object.labels.clear();
}

}  // namespace

void apply_rules(const EntryRules& rules, const std::string& connected_role, postgres::LargeObject& object) {
  if (rules.change_anything()) apply_to_object(rules, connected_role, object);
}

void apply_rules(const EntryRules& rules, const std::string& connected_role,
                 postgres::DatabaseProperties& properties) {
  if (!rules.change_anything()) return;
  apply_to_object(rules, connected_role, properties);
  for (postgres::RoleSetting& setting : properties.settings) {
    if (!setting.role.empty()) setting.role = rules.role(setting.role);
  }
  if (!rules.tablespaces) properties.tablespace = "pg_default";
}

}  // namespace dbb::logical
