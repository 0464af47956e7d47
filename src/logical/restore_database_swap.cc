// The last part of a database's restore: properties, the swap, and what becomes of the old database.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "logical/database_properties.h"
#include "logical/names.h"
#include "logical/newer_rows.h"
#include "logical/preflight_parts.h"
#include "logical/restore_database.h"

namespace dbb::logical {

using postgres::Connection;

void DatabaseRestore::give_properties(const std::string& database) {
  Connection session = operation_.connect(shared_.maintenance, "properties");
  const std::string name = session.quote_identifier(database);
  const postgres::DatabaseProperties& wanted = record_.properties;
  std::vector<std::string> exact;
  if (is_in_place()) {
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

DatabaseSwap::DatabaseSwap(const RestoreShared& shared, const DatabasePlan& plan, const Operation& operation,
                           const BuiltDatabase& built, DatabaseOutcome& outcome)
    : shared_(shared),
      plan_(plan),
      operation_(operation),
      built_(built),
      outcome_(outcome),
      record_(record_of(shared.plan, plan.source)) {}

Swap DatabaseSwap::prepare() {
  shared_.progress.show("swap", plan_.name);
  Swap swap{.staging_name = plan_.staging_name,
            .staging = built_.staging,
            .name = plan_.name,
            .old_one = built_.old};
  Connection session = operation_.connect(shared_.maintenance, "properties");
  swap.before_rename = flag_statements(session, plan_.staging_name, record_.properties);
  if (!shared_.plan.with_owners) {  // a staging database of such a role is closed by its privileges
    postgres::DatabaseProperties wanted = record_.properties;
    std::erase_if(wanted.acl, [&](const postgres::AclEntry& entry) {
      const bool is_public = entry.grantee.empty();
      return !is_public && !postgres::role_exists(session, entry.grantee);
    });
    std::ranges::move(privilege_statements_of(shared_.server.role, session, plan_.staging_name, wanted),
                      std::back_inserter(swap.before_rename));
  }
  if (!built_.old) return swap;
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
  return swap;
}

void DatabaseSwap::done(double window_seconds) {
  outcome_.restored = true;
  outcome_.swap_window_seconds = window_seconds;
  if (built_.old) outcome_.kept_as = plan_.kept_name.value_or("");
  shared_.journal.update(plan_.name, operation_.clock.now(),
                         [&](ManifestDatabase& entry) { entry.outcome = outcome_; });
  operation_.at_step("swapped", plan_.name);
  if (built_.old) settle_old();
}

void DatabaseSwap::settle_old() {
  const bool was_closed = let_in(true);
  disable_old_subscriptions();
  const bool is_counted = count_newer_rows();
  if (was_closed) let_in(false);
  if (!plan_.drop_old) return;
  const std::string reason = reason_to_keep(is_counted);
  if (reason.empty()) return drop_old();
  warn("old-kept",
       fmt::format("The old database is kept as \"{}\": {}. When it is not needed any more: dbbackup cleanup "
                   "--kept",
                   outcome_.kept_as, reason));
}

// Whether the old one is open for connections; returns whether that changed. What does not work shows in what
// follows.
bool DatabaseSwap::let_in(bool is_open) {
  try {
    Connection session = operation_.connect(shared_.maintenance, "properties");
    const postgres::Result there =
        session.execute("SELECT datallowconn FROM pg_catalog.pg_database WHERE oid = $1::pg_catalog.oid",
                        {std::to_string(built_.old->value)});
    if (there.rows() == 0 || there.boolean(0, 0) == is_open) return false;
    session.execute(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS {}",
                                session.quote_identifier(outcome_.kept_as), is_open));
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
    return false;
  }
}

std::string DatabaseSwap::reason_to_keep(bool is_counted) const {
  const RestoreOptions& options = shared_.plan.options;
  if (!outcome_.missing.empty()) return "it has what is missing here";
  if (options.proof && !outcome_.proven) return "nothing says that the new one was proven";
  if (!is_counted && options.old != OldDatabase::kDrop)
    return "nobody could see what it has beyond the backup";
  return {};
}

// Not before the swap: a kill in between would leave a living database without what its publisher sends.
void DatabaseSwap::disable_old_subscriptions() {
  try {
    Connection session = operation_.connect(shared_.maintenance, "subscriptions");
    if (postgres::read_bindings(session, outcome_.kept_as).subscriptions.empty()) return;
    const std::vector<std::string> names = disable_subscriptions(operation_, outcome_.kept_as);
    if (names.empty()) return;
    operation_.notice("subscription-disabled",
                      fmt::format("{}: subscriptions of the old database, now \"{}\", were disabled: {}",
                                  plan_.name, outcome_.kept_as, join_names(names)),
                      {{"database", plan_.name}});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
    warn("subscription-enabled",
         fmt::format("Subscriptions of the old database, now \"{}\", could not be disabled: {}",
                     outcome_.kept_as, error.what()));
  }
}

// What was written after the backup is in the old database only. Nobody uses it any more, under its new name;
// what cannot be counted is no reason to fail.
bool DatabaseSwap::count_newer_rows() {
  try {
    outcome_.newer = rows_that_differ(shared_.backup, plan_.source, operation_,
                                      {.database = outcome_.kept_as, .encoding = record_.properties.encoding},
                                      shared_.plan.workers);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
    warn("old-not-counted",
         fmt::format("The rows of the old database could not be counted: {}", error.what()));
    return false;
  }
  if (outcome_.newer.empty()) return true;
  warn("old-has-other-rows", fmt::format("The old database does not have the rows of the backup: {}. {}",
                                         join_names(outcome_.newer),
                                         plan_.drop_old && reason_to_keep(true).empty()
                                             ? "It is dropped now; --old keep would have kept it."
                                             : fmt::format("It is kept as \"{}\".", outcome_.kept_as)));
  return true;
}

void DatabaseSwap::drop_old() {
  const std::string name = outcome_.kept_as;
  try {
    drop_old_database(operation_, shared_.maintenance,
                      {.name = name, .oid = *built_.old, .drop_slots = shared_.plan.options.drop_slots});
    outcome_.kept_as.clear();
    operation_.at_step("old-dropped", plan_.name);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    warn(
        "old-left",
        fmt::format(
            "The old database could not be dropped and is there as \"{}\": {} When that is settled: dbbackup "
            "cleanup --kept",
            name, error.what()));
  }
}

void DatabaseSwap::warn(const std::string& kind, std::string text) {
  operation_.warn(kind, fmt::format("{}: {}", plan_.name, text), {{"database", plan_.name}});
  outcome_.warnings.push_back(std::move(text));
}

}  // namespace dbb::logical
