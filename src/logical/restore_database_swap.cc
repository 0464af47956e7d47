// The last part of DatabaseRestore: properties, the swap, and what becomes of the old database.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "logical/database_properties.h"
#include "logical/names.h"
#include "logical/old_database.h"
#include "logical/restore_database.h"
#include "logical/swap.h"

namespace dbb::logical {

using postgres::Connection;

namespace {

// PUBLIC ("") does.
bool exists(Connection& session, const std::string& role) {
  return role.empty() ||
         session.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", {role}).rows() > 0;
}

}  // namespace

void DatabaseRestore::give_properties(const std::string& database, bool in_place) {
  Connection session = operation_.connect(shared_.maintenance, "properties");
  const std::string name = session.quote_identifier(database);
  const postgres::DatabaseProperties& wanted = record_.properties;
  std::vector<std::string> exact;
  if (in_place) {
    exact.push_back(fmt::format("ALTER DATABASE {} RESET ALL", name));
    if (with_owners_) {
      exact.push_back(
          fmt::format("ALTER DATABASE {} OWNER TO {}", name, session.quote_identifier(wanted.owner)));
    }
    for (std::string& statement : flag_statements(session, database, wanted))
      exact.push_back(std::move(statement));
  }
  if (with_owners_) {
    const bool has_list =
        session
            .execute("SELECT datacl IS NOT NULL FROM pg_catalog.pg_database WHERE datname = $1", {database})
            .boolean(0, 0);
    const postgres::DatabaseProperties spelled = has_list ? with_spelled_privileges(wanted) : wanted;
    for (std::string& statement : privilege_statements(session, database, spelled)) {
      exact.push_back(std::move(statement));
    }
  }
  std::vector<std::string> warnings;
  postgres::in_transaction(session, [&] {
    for (const std::string& statement : exact) session.execute(statement);
    warnings = execute_tolerantly(session, setting_statements(session, database, wanted));
  });
  for (std::string& warning : warnings) warn("property-failed", std::move(warning));
}

void DatabaseRestore::swap_in() {
  shared_.progress.show("swap", plan_.name);
  std::optional<DisabledSubscriptions> subscriptions;
  Swap swap{.staging_name = plan_.staging_name,
            .staging = staging_,
            .name = plan_.name,
            .old_one = old_,
            .lock_timeout = shared_.plan.options.lock_timeout};
  {
    Connection session = operation_.connect(shared_.maintenance, "properties");
    swap.before_rename = flag_statements(session, plan_.staging_name, record_.properties);
    if (!with_owners_) {  // a staging database of such a role is closed by its privileges
      postgres::DatabaseProperties wanted = record_.properties;
      std::erase_if(wanted.acl,
                    [&](const postgres::AclEntry& entry) { return !exists(session, entry.grantee); });
      std::ranges::move(privilege_statements_of(shared_.server.role, session, plan_.staging_name, wanted),
                        std::back_inserter(swap.before_rename));
    }
    if (old_) {
      const auto there = postgres::read_databases(session);
      const auto found = std::ranges::find(there, plan_.name, &postgres::DatabaseProperties::name);
      if (found != there.end()) {
        for (const std::string& line : property_differences(*found, record_.properties)) {
          operation_.notice("property-differs", fmt::format("{}: {}", plan_.name, line),
                            {{"database", plan_.name}});
        }
        swap.kept_comment = to_comment({.kind = MarkKind::kKept,
                                        .run = operation_.run,
                                        .database = plan_.name,
                                        .original_comment = found->comment.value_or("")});
      }
      swap.kept_name = plan_.kept_name.value_or("");
      if (!postgres::read_bindings(session, plan_.name).subscriptions.empty()) {
        subscriptions.emplace(operation_, plan_.name);
        subscriptions->disable();
      }
    }
  }
  outcome_.swap_window_seconds = swap_databases(operation_, shared_.maintenance, swap);
  if (subscriptions) subscriptions->keep_disabled();
}

void DatabaseRestore::drop_old() {
  const std::string name = plan_.kept_name.value_or("");
  try {
    drop_old_database(operation_, shared_.maintenance,
                      {.name = name, .oid = *old_, .drop_slots = shared_.plan.options.drop_slots});
    operation_.at_step("old-dropped", plan_.name);
  } catch (const Error& error) {
    outcome_.kept_as = name;
    if (error.code() == ErrorCode::kCancelled) throw;
    warn(
        "old-left",
        fmt::format(
            "The old database could not be dropped and is there as \"{}\": {} When that is settled: dbbackup "
            "cleanup --kept",
            name, error.what()));
  }
}

}  // namespace dbb::logical
