#include "logical/lock_calculation.h"

#include <algorithm>

#include "logical/document.h"
#include "logical/plan_databases.h"
#include "logical/preflight.h"
#include "logical/restore_contents.h"
#include "logical/schema_archive.h"

namespace dbb::logical {
namespace {

struct Schemas {
  std::vector<SchemaFacts> facts;
  int beside = 0;  // databases that are restored beside others, not into a system database
};

Schemas read_schemas(repository::Repository& repository, const BackupId& id) {
  const Document document = parse_document(repository.read_manifest(id).document);
  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(id);
  const SchemaContent content = read_schema_content(*backup);
  Schemas schemas;
  for (const DatabaseRecord& record : document.databases) {
    const auto schema = content.schemas.find(database_key(record.name(), kSchemaKind));
    if (record.state == DatabaseState::kFailed || schema == content.schemas.end()) continue;
    schemas.facts.push_back(read_schema_facts(SchemaArchive(*backup, schema->second).toc()));
    if (!is_system_database(record.name())) ++schemas.beside;
  }
  return schemas;
}

LockCalculation calculate(repository::Repository& repository, const BackupId& backup, Parallelism asked,
                          const postgres::ServerFacts& server, const postgres::LockCapacity& capacity) {
  const Schemas schemas = read_schemas(repository, backup);
  std::vector<const SchemaFacts*> all;
  for (const SchemaFacts& facts : schemas.facts) all.push_back(&facts);
  asked.parallel = std::clamp(asked.parallel, 1, std::max(schemas.beside, 1));
  const Parallelism by_connections = fit_connections(server, asked).value_or(Parallelism());
  return {.backup = backup.text(),
          .server = server,
          .budget = plan_locks(all, by_connections, server, capacity),
          .databases = schemas.facts.size()};
}

postgres::LockCapacity documented_capacity(const postgres::ServerFacts& server) {
  const int64_t documented = postgres::lock_capacity(server).documented;
  return {.documented = documented, .floor = documented};
}

}  // namespace

LockCalculation calculate_locks(repository::Repository& repository, const BackupId& backup, Parallelism asked,
                                const Operation& operation) {
  postgres::Connection session = operation.connect(maintenance_database(operation), "locks");
  const postgres::ServerFacts server = postgres::read_server_facts(session);
  LockCalculation calculation = calculate(repository, backup, asked, server, postgres::lock_capacity(server));
  calculation.address = operation.target.host_and_port();
  return calculation;
}

LockCalculation calculate_locks(repository::Repository& repository, const BackupId& backup, Parallelism asked,
                                const postgres::ServerFacts& server) {
  return calculate(repository, backup, asked, server, documented_capacity(server));
}

LockCalculation calculate_locks(int64_t locks_per_worker, Parallelism asked,
                                const postgres::ServerFacts& server) {
  return {.server = server,
          .budget = plan_locks(locks_per_worker, asked, server, documented_capacity(server))};
}

postgres::ServerFacts described_server(int max_locks_per_transaction, int max_connections,
                                       int max_prepared_transactions) {
  postgres::ServerFacts server;
  server.is_superuser = true;
  server.max_locks_per_transaction = max_locks_per_transaction;
  server.max_connections = max_connections;
  server.max_prepared_transactions = max_prepared_transactions;
  return server;
}

}  // namespace dbb::logical
