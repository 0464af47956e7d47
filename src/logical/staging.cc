#include "logical/staging.h"

#include <fmt/format.h>

#include "base/error.h"
#include "logical/restore_session.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::DatabaseProperties;

constexpr std::chrono::seconds kTimeToDrop{30};
constexpr int kAttemptsToDrop = 8;
constexpr std::chrono::milliseconds kBetweenAttempts{500};

// The words of CREATE DATABASE that choose the collation, as the target's version knows them.
std::string locale_clause(const Connection& session, const DatabaseProperties& wanted) {
  const int major = session.version().major();
  const auto literal = [&](const std::string& text) { return session.quote_literal(text); };
  std::string clause =
      fmt::format(" LC_COLLATE {} LC_CTYPE {}", literal(wanted.collate), literal(wanted.ctype));
  if (major < 15) return clause;
  if (wanted.locale_provider == "i") {
    clause += fmt::format(" LOCALE_PROVIDER icu ICU_LOCALE {}", literal(wanted.locale));
    if (!wanted.icu_rules.empty() && major >= 16)
      clause += fmt::format(" ICU_RULES {}", literal(wanted.icu_rules));
  } else if (wanted.locale_provider == "b") {
    clause += fmt::format(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", literal(wanted.locale));
  } else {
    clause += " LOCALE_PROVIDER libc";
  }
  return clause;
}

}  // namespace

postgres::Oid create_staging(Connection& session, const StagingRequest& request, const BackupId& run) {
  const DatabaseProperties& wanted = request.properties;
  const std::string name = session.quote_identifier(request.name);
  std::string statement = fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING {}{}", name,
                                      session.quote_literal(wanted.encoding), locale_clause(session, wanted));
  if (request.with_owner) statement += fmt::format(" OWNER {}", session.quote_identifier(wanted.owner));
  if (!wanted.tablespace.empty() && wanted.tablespace != "pg_default") {
    statement += fmt::format(" TABLESPACE {}", session.quote_identifier(wanted.tablespace));
  }
  if (request.is_superuser) statement += " CONNECTION LIMIT 0";
  session.execute(statement);
  if (!request.is_superuser) {
    session.execute(fmt::format("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC", name));
  }
  mark_staging(session, request.name,
               {.kind = MarkKind::kStaging, .run = run, .database = request.for_database});
  return find_database(session, request.name);
}

void mark_staging(Connection& session, const std::string& name, const Mark& mark) {
  session.execute(fmt::format("COMMENT ON DATABASE {} IS {}", session.quote_identifier(name),
                              session.quote_literal(to_comment(mark))));
}

postgres::Oid find_database(Connection& session, const std::string& name) {
  const postgres::Result answer =
      session.execute("SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", {name});
  return answer.rows() == 0 ? postgres::Oid{} : answer.oid(0, 0);
}

void forget_subscriptions(const Operation& operation, const std::string& database) {
  Connection session = operation.connect(database, "cleanup");
  for (const std::string& subscription : postgres::read_bindings(session, database).subscriptions) {
    const std::string name = session.quote_identifier(subscription);
    session.execute(fmt::format("ALTER SUBSCRIPTION {} DISABLE", name));
    session.execute(fmt::format("ALTER SUBSCRIPTION {} SET (slot_name = NONE)", name));
    session.execute(fmt::format("DROP SUBSCRIPTION {}", name));
  }
}

void drop_staging_now(const Operation& operation, const std::string& maintenance, const std::string& name) {
  Connection session = operation.connect(maintenance, "cleanup");
  if (find_database(session, name).value != 0 &&
      !postgres::read_bindings(session, name).subscriptions.empty()) {
    forget_subscriptions(operation, name);
  }
  session.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", session.quote_identifier(name)));
}

std::string keep_failed(const Operation& operation, const std::string& maintenance,
                        const FailedStaging& failed) noexcept {
  try {
    const Deadline deadline(kTimeToDrop);
    Connection session = with_stop(operation, deadline.token()).connect(maintenance, "cleanup");
    if (find_database(session, failed.name).value == 0) return {};
    mark_staging(session, failed.name,
                 {.kind = MarkKind::kFailed, .run = operation.run, .database = failed.for_database});
    if (!failed.renamed) return failed.name;
    std::string name;
    for (int number = 1; name.empty() || find_database(session, name).value != 0; ++number) {
      name = failed_name(failed.for_database, operation.clock.now(), number);
    }
    session.execute(fmt::format("ALTER DATABASE {} RENAME TO {}", session.quote_identifier(failed.name),
                                session.quote_identifier(name)));
    return name;
  } catch (const std::exception&) {
    return failed.name;
  }
}

bool drop_staging(const Operation& operation, const std::string& maintenance,
                  const std::string& name) noexcept {
  try {
    const Deadline deadline(kTimeToDrop);
    for (int attempts_left = kAttemptsToDrop;; --attempts_left) {
      try {
        drop_staging_now(with_stop(operation, deadline.token()), maintenance, name);
        return true;
      } catch (const Error& error) {
        // Whoever filled the lock table may need a moment to leave it.
        if (error.code() != ErrorCode::kLockExhaustion || attempts_left == 0) throw;
        system::sleep_for(kBetweenAttempts, system::StopEvent(deadline.token()));
      }
    }
  } catch (const std::exception&) {
    return false;  // the caller has a failure to report already, and names what is left
  }
}

}  // namespace dbb::logical
