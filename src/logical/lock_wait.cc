#include "logical/lock_wait.h"

#include <fmt/format.h>

namespace dbb::logical {

Error with_lock_holders(const Error& error, postgres::Connection& connection) {
  const postgres::Result holders = connection.execute(
      "SELECT DISTINCT a.pid, a.usename, a.application_name, a.state, l.relation::pg_catalog.regclass::text,"
      " pg_catalog.date_trunc('second', pg_catalog.now() - a.xact_start)::text,"
      " pg_catalog.left(pg_catalog.regexp_replace(a.query, '\\s+', ' ', 'g'), 80)"
      " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)"
      " WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'AccessExclusiveLock' AND l.relation IS NOT "
      "NULL"
      " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
      "pg_catalog.current_database())"
      " ORDER BY 1 LIMIT 5");
  std::string cause = error.cause().empty() ? error.message() : error.cause();
  std::vector<std::string> solution;
  for (int i = 0; i < holders.rows(); ++i) {
    cause +=
        fmt::format(" {} is locked exclusively by process {} (user {}, application \"{}\", {} for {}): {}",
                    holders.text(i, 4), holders.text(i, 0), holders.text(i, 1), holders.text(i, 2),
                    holders.text(i, 3), holders.text(i, 5), holders.text(i, 6));
    solution.push_back(fmt::format("Let process {0} finish, or end it: SELECT pg_terminate_backend({0});",
                                   holders.text(i, 0)));
  }
  solution.emplace_back(
      "Run the command again, with a longer --lock-wait-timeout if such locks are normal here.");
  Error explained(error.code(), {.message = "A lock on a table was not granted in time.",
                                 .cause = std::move(cause),
                                 .solution = std::move(solution),
                                 .sqlstate = error.sqlstate()});
  for (const auto& [label, value] : error.context()) explained.add_context(label, value);
  return explained;
}

}  // namespace dbb::logical
