#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "postgres/archive_toc.h"
#include "postgres/catalog.h"

// What of a schema archive is restored and whose it becomes: what pg_restore's options --no-owner, --no-acl,
// --no-comments and so on do, and the renaming of roles. Pure functions.
namespace dbb::logical {

struct EntryRules {
  bool owners = true;  // false: everything stays with the role that restores
  bool privileges = true;
  bool comments = true;
  bool publications = true;
  bool subscriptions = true;
  bool security_labels = true;
  bool tablespaces = true;                        // false: everything lies in the default one
  bool refreshes = true;                          // false: materialized views stay unpopulated
  std::map<std::string, std::string> roles = {};  // name in the backup -> name on the target
  // "ALL" of a table's privileges is spelled out as what it was before 17, without MAINTAIN.
  bool spell_out_all = false;

  bool change_anything() const { return *this != EntryRules(); }
  const std::string& role(const std::string& name) const;
  bool operator==(const EntryRules&) const = default;
};

// The table of contents that is left under the rules. The archive's bytes and the rules must outlive it.
class RuledToc {
 public:
  RuledToc(const postgres::ArchiveToc& toc, const EntryRules& rules);
  RuledToc(const RuledToc&) = delete;
  RuledToc& operator=(const RuledToc&) = delete;

  const postgres::ArchiveToc& toc() const { return toc_; }

 private:
  std::deque<std::string> texts_;  // definitions that were rewritten; entries point into them
  postgres::ArchiveToc toc_;
};

// A statement with "GRANT ALL ON TABLE[S]" spelled out: SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES,
// TRIGGER.
std::string with_spelled_all(std::string_view definition);

// A statement with its roles renamed: GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, policies, user mappings, SET
// SESSION AUTHORIZATION.
std::string with_renamed_roles(std::string_view definition, const std::map<std::string, std::string>& roles);

// The same for what belongs to the database itself. `connected_role` becomes its owner when owners are not
// given.
void apply_rules(const EntryRules& rules, const std::string& connected_role,
                 postgres::DatabaseProperties& properties);
void apply_rules(const EntryRules& rules, const std::string& connected_role, postgres::LargeObject& object);

}  // namespace dbb::logical
