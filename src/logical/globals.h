#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logical/globals_text.h"

// Roles and tablespaces: what a restore creates of them, and how those that exist differ. Pure functions over
// the texts of `pg_dumpall --globals-only`.
namespace dbb::logical {

// What a restore of one database refers to; nothing else is created for it, but for the groups that roles
// which are created are members of.
struct GlobalsFilter {
  std::set<std::string> roles;
  std::set<std::string> tablespaces;
};

struct TablespaceToCreate {
  std::string name;
  std::string location;  // "" for one in place
};

struct GlobalsPlan {
  std::vector<std::string> create;  // statements, in order; CREATE TABLESPACE may not stand in a transaction
  std::vector<std::string> differ;  // a line each; passwords are masked
  std::vector<std::string> align;  // statements that take the differences away, in order; see align_globals()
  std::vector<std::string> roles;  // that `create` creates
  std::vector<TablespaceToCreate> tablespaces;
};

// What of the backup's globals is of no concern.
struct GlobalsScope {
  std::set<std::string> without_roles = {};  // others take their place
  bool tablespaces = true;
};

// Whatever exists on the target stays as it is there; `align` is left empty. Memberships and privileges on
// parameters are created where at least one party is new and all exist in the end.
GlobalsPlan plan_globals(std::string_view backup, std::string_view target,
                         const std::optional<GlobalsFilter>& filter, const GlobalsScope& scope = {});

// The names of all roles that a text of pg_dumpall creates.
std::set<std::string> roles_in_globals(std::string_view text);

}  // namespace dbb::logical
