#include "postgres/server.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "postgres/server_error.h"

namespace dbb::postgres {
namespace {

// "" when the role may not ask: what a fact is worth does not justify failing.
std::string text_or_nothing(Connection& connection, const std::string& sql) {
  try {
    const Result answer = connection.execute(sql);
    return answer.rows() == 1 ? answer.string(0, 0) : std::string();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    return {};
  }
}

bool may_execute(Connection& connection, const char* function) {
  return connection
      .execute("SELECT pg_catalog.has_function_privilege($1, 'EXECUTE')", {std::string(function)})
      .boolean(0, 0);
}

std::string system_identifier(Connection& connection) {
  if (!may_execute(connection, "pg_catalog.pg_control_system()")) return {};
  return text_or_nothing(connection, "SELECT system_identifier::text FROM pg_catalog.pg_control_system()");
}

}  // namespace

ServerFacts read_server_facts(Connection& connection) {
  ServerFacts facts;
  facts.version = connection.version();
  facts.data_is_local = connection.target().is_local_socket();
  facts.system_identifier = system_identifier(connection);

  // Of sessions of others a plain role sees little more than the database (datid).
  // A setting the role may not see is absent from pg_settings, and asking for it by name is an error.
  const Result answer = connection.execute(R"(
    SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.pg_is_in_recovery(), current_user::text,
           r.rolsuper, r.rolsuper OR r.rolcreatedb, r.rolsuper OR r.rolcreaterole,
           (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'),
           (SELECT count(*) FROM pg_catalog.pg_locks WHERE NOT fastpath AND mode <> 'SIReadLock'),
           (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)),
           (SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_catalog.pg_roles WHERE rolname = session_user),
           (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = session_user)
      FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)");
  facts.start_time = answer.string(0, 0);
  facts.in_recovery = answer.boolean(0, 1);
  facts.role = answer.string(0, 2);
  facts.is_superuser = answer.boolean(0, 3);
  facts.can_create_databases = answer.boolean(0, 4);
  facts.can_create_roles = answer.boolean(0, 5);
  facts.data_directory = answer.string(0, 6);
  facts.locks_in_use = answer.integer(0, 7);
  facts.used_connections = static_cast<int>(answer.integer(0, 8));
  facts.role_connection_limit = static_cast<int>(answer.integer(0, 9));
  facts.role_connections = static_cast<int>(answer.integer(0, 10));

  const Result settings = connection.execute(R"(
    SELECT name, setting FROM pg_catalog.pg_settings
     WHERE name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions',
                    'autovacuum_max_workers', 'autovacuum_worker_slots', 'max_worker_processes', 'max_wal_senders',
                    'superuser_reserved_connections', 'reserved_connections')
     ORDER BY name)");
  for (int row = 0; row < settings.rows(); ++row) {
    const auto name = settings.text(row, 0);
    const int value = static_cast<int>(settings.integer(row, 1));
    if (name == "max_locks_per_transaction") facts.max_locks_per_transaction = value;
    if (name == "max_connections") facts.max_connections = value;
    if (name == "max_prepared_transactions") facts.max_prepared_transactions = value;
    if (name == "autovacuum_max_workers") facts.autovacuum_max_workers = value;
    // From 18 on the slots are reserved apart from how many may run; sorted after autovacuum_max_workers.
    if (name == "autovacuum_worker_slots") facts.autovacuum_max_workers = value;
    if (name == "max_worker_processes") facts.max_worker_processes = value;
    if (name == "max_wal_senders") facts.max_wal_senders = value;
    if (name == "superuser_reserved_connections" || name == "reserved_connections")
      facts.reserved_connections += value;
  }
  return facts;
}

void probe_topology(const ConnectionTarget& target, int probes, std::stop_token stop) {
  struct Seen {
    std::string identifier;
    std::string start_time;
    bool in_recovery;
    std::string address;
    std::string text() const {
      return fmt::format("{} (system identifier {}, started {}, {})", address,
                         identifier.empty() ? "not readable" : identifier, start_time,
                         in_recovery ? "standby" : "primary");
    }
  };
  std::optional<Seen> first;
  for (int probe = 0; probe < probes; ++probe) {
    Connection connection = Connection::open(target, {.application_name = "dbbackup probe"}, stop);
    const Result answer = connection.execute(
        "SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.pg_is_in_recovery(), "
        "coalesce(pg_catalog.host(pg_catalog.inet_server_addr()) || ':' || pg_catalog.inet_server_port(), "
        "'local socket')");
    Seen seen{.identifier = system_identifier(connection),
              .start_time = answer.string(0, 0),
              .in_recovery = answer.boolean(0, 1),
              .address = answer.string(0, 2)};
    if (!first) {
      first = std::move(seen);
      continue;
    }
    if (seen.identifier == first->identifier && seen.start_time == first->start_time &&
        seen.in_recovery == first->in_recovery)
      continue;
    Error error(ErrorCode::kTopologySplit,
                {.message = fmt::format("Two different servers answer at {}.", target.host_and_port()),
                 .cause = fmt::format("The first session reached {}, session {} reached {}.", first->text(),
                                      probe + 1, seen.text()),
                 .solution = {
                     "Give the address of one server (-h, -p), not of a load balancer or a name with several "
                     "addresses: half of the work would be on the other server.",
                     "With several hosts in a connection string, add target_session_attrs=primary."}});
    add_target(error, target);
    throw error;
  }
}

LockCapacity lock_capacity(const ServerFacts& facts) {
  const auto locks = [&](int64_t backends) { return int64_t{facts.max_locks_per_transaction} * backends; };
  // InitializeMaxBackends (postinit.c): clients, autovacuum workers and launcher, worker processes, WAL
  // senders; from 18 on two more for special workers. NLOCKENTS (lock.c) is locks per transaction times these
  // and the prepared ones.
  const int64_t special_workers = facts.version.major() >= 18 ? 2 : 0;
  const int64_t backends = int64_t{facts.max_connections} + facts.autovacuum_max_workers + 1 +
                           facts.max_worker_processes + facts.max_wal_senders + special_workers;
  return {.documented = locks(int64_t{facts.max_connections} + facts.max_prepared_transactions),
          .floor = locks(backends + facts.max_prepared_transactions),
          .in_use = facts.locks_in_use};
}

}  // namespace dbb::postgres
