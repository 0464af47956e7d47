#include "logical/upgrade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "logical/globals_text.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr int kTablesAreMaintained = 17;
constexpr int kGrantorsAreHeldToTheirRights = 16;
constexpr int kPublicIsClosedAndSequencesUnlogged = 15;

struct SubscriptionDefault {
  int until;  // the major that has another
  std::string_view option;
  std::string_view value;
};
constexpr std::array kSubscriptionDefaults{SubscriptionDefault{16, "run_as_owner", "true"},
                                           SubscriptionDefault{18, "streaming", "off"}};

// Of those whose statement says nothing of the option.
void keep_subscription_default(Connection& session, const SubscriptionDefault& was,
                               const postgres::ArchiveToc& toc) {
  const postgres::Result there = session.execute(
      "SELECT s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
      "WHERE d.datname = pg_catalog.current_database()");
  for (int row = 0; row < there.rows(); ++row) {
    const std::string name = there.string(row, 0);
    const auto entry = std::ranges::find_if(toc.entries, [&](const postgres::ArchiveEntry& one) {
      return one.description == "SUBSCRIPTION" && one.tag == name;
    });
    if (entry == toc.entries.end()) continue;
    if (entry->definition.find(fmt::format("{} = ", was.option)) != std::string_view::npos) continue;
    session.execute(fmt::format("ALTER SUBSCRIPTION {} SET ({} = {})", session.quote_identifier(name),
                                was.option, was.value));
  }
}

}  // namespace

std::string globals_for(std::string_view globals, const Upgrade& upgrade) {
  if (!upgrade.crosses(kGrantorsAreHeldToTheirRights)) return std::string(globals);
  return without_grantors(globals);
}

bool spells_out_all(const Upgrade& upgrade) { return upgrade.crosses(kTablesAreMaintained); }

void begin_upgrade(Connection& session, const Upgrade& upgrade) {
  const bool is_open = upgrade.to.major() < kPublicIsClosedAndSequencesUnlogged;
  const bool was_open = upgrade.dumped_by.major() < kPublicIsClosedAndSequencesUnlogged;
  if (is_open == was_open) return;
  // A system database that is filled in place may have lost it.
  const postgres::Result owner_of_public = session.execute(
      "SELECT pg_catalog.pg_get_userbyid(10) FROM pg_catalog.pg_namespace WHERE nspname = 'public'");
  if (owner_of_public.rows() == 0) return;
  if (is_open) {
    session.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    return;
  }
  const std::string owner = owner_of_public.string(0, 0);
  session.execute(fmt::format("ALTER SCHEMA public OWNER TO {}", session.quote_identifier(owner)));
  session.execute("GRANT ALL ON SCHEMA public TO PUBLIC");
}

void finish_upgrade(Connection& session, const Upgrade& upgrade, const postgres::ArchiveToc& toc) {
  if (upgrade.crosses(kPublicIsClosedAndSequencesUnlogged)) {
    const postgres::Result unlogged = session.execute(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence "
        "= 'u'");
    for (int row = 0; row < unlogged.rows(); ++row) {
      session.execute(fmt::format("ALTER SEQUENCE {} SET LOGGED",
                                  session.qualified(unlogged.text(row, 0), unlogged.text(row, 1))));
    }
  }
  for (const SubscriptionDefault& was : kSubscriptionDefaults) {
    if (upgrade.crosses(was.until)) keep_subscription_default(session, was, toc);
  }
}

}  // namespace dbb::logical
