#pragma once

#include <string>
#include <string_view>

#include "postgres/archive_toc.h"
#include "postgres/connection.h"

// An older client program leaves out what was the default of its server. A newer server has other defaults:
// what they changed is said to it. A newer pg_dump would write the same; each line here has its like there.
// Nothing is done between versions that agree.
namespace dbb::logical {

struct Upgrade {
  postgres::ServerVersion from;
  postgres::ServerVersion to;
  postgres::ServerVersion dumped_by;  // may be newer than both

  bool crosses(int major) const { return from.major() < major && to.major() >= major; }
};

// The globals without the grantors of memberships, when a server before 16 did not hold them to their rights.
std::string globals_for(std::string_view globals, const Upgrade& upgrade);

// Before 17 the privileges of a table did not include MAINTAIN: what was ALL is less than ALL now.
bool spells_out_all(const Upgrade& upgrade);

// Before the schema is restored: schema public is what pg_dump took for granted: before 15, of the bootstrap
// superuser, and everybody may create in it; from 15 on, nobody may, whatever the servers' versions. Needs a
// superuser.
void begin_upgrade(postgres::Connection& session, const Upgrade& upgrade);

// When the schema is restored: sequences survive a crash, as all did before 15; subscriptions whose statement
// says nothing of streaming do not stream, as before 18.
void finish_upgrade(postgres::Connection& session, const Upgrade& upgrade, const postgres::ArchiveToc& toc);

}  // namespace dbb::logical
