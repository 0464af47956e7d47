#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "postgres/connection.h"

namespace dbb::postgres {

// What is true of a server as a whole.
struct ServerFacts {
  ServerVersion version;
  std::string system_identifier;  // "" when the role may not read it
  std::string start_time;         // pg_postmaster_start_time(), as text
  bool in_recovery = false;
  bool is_superuser = false;
  bool can_create_databases = false;  // superuser or CREATEDB
  bool can_create_roles = false;
  std::string role;
  std::string data_directory;  // "" when the role may not read it
  bool data_is_local = false;  // over a Unix socket: its path means something on this host
  // Lock table: DESIGN section 8.
  int max_locks_per_transaction = 0;
  int max_connections = 0;
  int max_prepared_transactions = 0;
  int autovacuum_max_workers = 0;
  int max_worker_processes = 0;
  int max_wal_senders = 0;
  int reserved_connections = 0;  // superuser_reserved_connections + reserved_connections (16+)
  int used_connections = 0;
  int role_connection_limit = -1;  // of the role that connected; -1: none
  int role_connections = 0;        // that it has now
  int64_t locks_in_use = 0;        // NOT fastpath, without SIReadLock
};

ServerFacts read_server_facts(Connection& connection);

// Opens `probes` fresh sessions and compares recovery state, system identifier and start time: kTopologySplit
// with the proof when two independent servers answer to one name. Connection::open itself recognises a
// pooler.
void probe_topology(const ConnectionTarget& target, int probes, std::stop_token stop);

// Capacity of the lock table, in locks.
struct LockCapacity {
  int64_t documented = 0;  // max_locks_per_transaction x (max_connections + max_prepared_transactions)
  int64_t floor = 0;       // every kind of backend has a share: what is there in any case
  int64_t in_use = 0;
  int64_t available() const { return floor - in_use; }
};
LockCapacity lock_capacity(const ServerFacts& facts);

}  // namespace dbb::postgres
