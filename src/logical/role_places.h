#pragma once

#include <cstddef>
#include <vector>

#include "logical/sql_script.h"

namespace dbb::logical {

// The tokens of a statement that name roles, as pg_dump and pg_dumpall write them: GRANT, REVOKE, ALTER ...
// OWNER TO, ALTER DEFAULT PRIVILEGES, policies, user mappings, SET SESSION AUTHORIZATION. Words that stand in
// the place of a role, such as PUBLIC and CURRENT_USER, are left out.
std::vector<size_t> role_places(const Statement& statement);

}  // namespace dbb::logical
