#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logical/globals.h"

namespace dbb::logical {

struct AlignTarget {
  int major = 0;               // of the server that is aligned
  std::string connected_role;  // nothing about it is changed: it is the one that restores
};

// Statements that give roles and tablespaces which both sides have what the backup says of them: attributes,
// passwords, settings, comments, memberships, privileges. Each may fail on its own (a grant that others
// depend on). Roles that only the target has are not touched, a password only where the backup has passwords
// at all, and the location of a tablespace cannot be. A pure function over the texts of `pg_dumpall
// --globals-only`.
std::vector<std::string> align_globals(std::string_view backup, std::string_view target,
                                       const std::optional<GlobalsFilter>& filter, const AlignTarget& where);

}  // namespace dbb::logical
