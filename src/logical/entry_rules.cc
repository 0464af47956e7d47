#include "logical/entry_rules.h"

#include <algorithm>

#include "logical/role_places.h"
#include "logical/sql_script.h"
#include "postgres/archive_statements.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;

// "PUBLICATION", "PUBLICATION TABLE", and the comment on one.
bool is_of(const ArchiveEntry& entry, std::string_view kind) {
  return entry.description.starts_with(kind) || postgres::is_about(entry, kind);
}

bool is_wanted(const ArchiveEntry& entry, const EntryRules& rules) {
  if (!rules.privileges && postgres::pass_of(entry) == postgres::RestorePass::kPrivileges) return false;
  if (!rules.comments && entry.description == "COMMENT") return false;
  if (!rules.security_labels && entry.description == "SECURITY LABEL") return false;
  if (!rules.publications && is_of(entry, "PUBLICATION")) return false;
  if (!rules.subscriptions && is_of(entry, "SUBSCRIPTION")) return false;
  return rules.refreshes || entry.description != "MATERIALIZED VIEW DATA";
}

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
  EditedScript edited(definition);
  for_each_statement(definition, [&](const Statement& statement) {
    for (const size_t place : role_places(statement)) {
      const Token& token = statement.tokens[place];
      const auto renamed = roles.find(token.value());
      if (renamed != roles.end()) edited.replace(token.text, postgres::quoted(renamed->second));
    }
  });
  return edited.text();
}

std::string with_spelled_all(std::string_view definition) {
  EditedScript edited(definition);
  for_each_statement(definition, [&](const Statement& statement) {
    const std::vector<Token>& tokens = statement.tokens;
    const size_t all = statement.find("GRANT") + 1;
    if (all + 2 >= tokens.size() || !tokens[all].is("ALL") || !tokens[all + 1].is("ON")) return;
    if (!tokens[all + 2].is("TABLE") && !tokens[all + 2].is("TABLES")) return;
    edited.replace(tokens[all].text, "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER");
  });
  return edited.text();
}

RuledToc::RuledToc(const postgres::ArchiveToc& toc, const EntryRules& rules) : toc_(toc) {
  if (!rules.change_anything()) return;
  std::erase_if(toc_.entries, [&](const ArchiveEntry& entry) { return !is_wanted(entry, rules); });
  for (ArchiveEntry& entry : toc_.entries) {
    if (!rules.owners) entry.owner = {};
    if (!rules.tablespaces && entry.tablespace) entry.tablespace = std::string_view();
    if (rules.spell_out_all && (entry.description == "ACL" || entry.description == "DEFAULT ACL")) {
      entry.definition = texts_.emplace_back(with_spelled_all(entry.definition));
    }
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
