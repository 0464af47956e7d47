#include "logical/old_database.h"

#include <fmt/format.h>

#include "base/error.h"
#include "logical/staging.h"
#include "postgres/catalog.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

std::vector<std::string> subscriptions(Connection& session, bool only_enabled) {
  const postgres::Result answer = session.execute(fmt::format(
      "SELECT s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
      "WHERE d.datname = pg_catalog.current_database(){}",
      only_enabled ? " AND s.subenabled" : ""));
  std::vector<std::string> names;
  for (int row = 0; row < answer.rows(); ++row) names.push_back(answer.string(row, 0));
  return names;
}

void drop_subscriptions(const Operation& operation, const std::string& database) {
  Connection session = operation.connect(database, "drop");
  for (const std::string& name : subscriptions(session, false)) {
    const std::string quoted = session.quote_identifier(name);
    session.execute(fmt::format("ALTER SUBSCRIPTION {} DISABLE", quoted));
    try {
      session.execute(fmt::format("DROP SUBSCRIPTION {}", quoted));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
      // The publisher does not answer: its slot stays there, and is named.
      operation.warn("slot-left",
                     fmt::format("The slot of subscription {} could not be dropped on its publisher: {}",
                                 name, error.what()));
      session.execute(fmt::format("ALTER SUBSCRIPTION {} SET (slot_name = NONE)", quoted));
      session.execute(fmt::format("DROP SUBSCRIPTION {}", quoted));
    }
  }
}

void end_slot_users(Connection& session, const std::string& database) {
  session.execute(
      "SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots "
      "WHERE database = $1 AND active_pid IS NOT NULL",
      {database});
}

}  // namespace

std::vector<std::string> disable_subscriptions(const Operation& operation, const std::string& database) {
  Connection session = operation.connect(database, "subscriptions");
  std::vector<std::string> names = subscriptions(session, true);
  for (const std::string& name : names) {
    session.execute(fmt::format("ALTER SUBSCRIPTION {} DISABLE", session.quote_identifier(name)));
  }
  return names;
}

void drop_old_database(const Operation& operation, const std::string& maintenance,
                       const OldDatabaseToDrop& old_one) {
  Connection session = operation.connect(maintenance, "drop");
  if (find_database(session, old_one.name) != old_one.oid) {
    throw Error(ErrorCode::kDatabaseNotFound,
                {.message = fmt::format("Database \"{}\" is not the one that was replaced.", old_one.name)});
  }
  const postgres::Bindings bindings = postgres::read_bindings(session, old_one.name);
  std::vector<std::string> bound = bindings.logical_slots;
  bound.insert(bound.end(), bindings.subscriptions.begin(), bindings.subscriptions.end());
  if (!bound.empty() && !old_one.drop_slots) {
    throw Error(
        ErrorCode::kSwapFailed,
        {.message = fmt::format("Logical slots or subscriptions appeared in database \"{}\" meanwhile: {}.",
                                old_one.name, fmt::join(bound, ", "))});
  }
  if (old_one.drop_slots) {
    drop_subscriptions(operation, old_one.name);
    end_slot_users(session, old_one.name);
  }
  const std::string name = session.quote_identifier(old_one.name);
  // Only a template is altered: an invalid database, left by an interrupted DROP, refuses that, but not
  // another DROP.
  const postgres::Result is_template =
      session.execute("SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1", {old_one.name});
  if (is_template.boolean(0, 0)) session.execute(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", name));
  session.execute(fmt::format("DROP DATABASE {} WITH (FORCE)", name));
}

}  // namespace dbb::logical
