#include "logical/restore_sizes.h"

#include "logical/build_cost.h"
#include "logical/restore_contents.h"
#include "logical/schema_archive.h"
#include "system/machine.h"

namespace dbb::logical {
namespace {

DatabaseSizes sizes_of(const DatabasePlan& plan, const DatabaseRecord& record,
                       repository::BackupReader& backup) {
  DatabaseContent content = read_database_content(backup, plan.source);
  if (plan.part) narrow(content, *plan.part);
  DatabaseSizes sizes{.tablespace = record.properties.tablespace, .tables = content.tables.size()};
  for (const TableContent& table : content.tables) {
    sizes.rows += table.attributes.fingerprint.rows;
    sizes.row_bytes += table.attributes.row_bytes;
    sizes.heap_bytes += table.attributes.heap_bytes;
    sizes.index_bytes += table.attributes.index_bytes;
  }
  if (content.schema) {
    const SchemaArchive archive(backup, *content.schema);
    const BuildCost cost(archive.toc(), content.tables, text_sort_of(record.properties));
    sizes.slow_values = cost.slow_values();
    sizes.build_seconds = cost.all_seconds();
  }
  for (const repository::StreamRef& stream : content.large_objects) {
    sizes.row_bytes += stream.bytes;
    sizes.heap_bytes += stream.bytes;
  }
  return sizes;
}

}  // namespace

std::vector<DatabaseSizes> sizes_of(const RestorePlan& plan, repository::BackupReader& backup) {
  std::vector<DatabaseSizes> all;
  for (const DatabasePlan& database : plan.databases) {
    DatabaseSizes sizes{.is_restored = false};
    const DatabaseRecord* record = plan.document.find(database.source);
    if (database.action != DatabaseAction::kSkip && record != nullptr) {
      sizes = sizes_of(database, *record, backup);
    }
    sizes.name = database.name;
    sizes.is_proven = plan.options.proof;
    all.push_back(std::move(sizes));
  }
  return all;
}

Concurrency concurrency_of(const RestorePlan& plan, const postgres::ServerFacts& server) {
  return {.databases = plan.parallel_databases,
          .workers = plan.workers,
          .processors = server.data_is_local ? system::processor_count() : 0};
}

void watch_places(const postgres::ServerFacts& server, const std::vector<std::string>& tablespaces,
                  postgres::Connection& session, WatchOptions& options) {
  if (!server.data_is_local) return;
  options.places = places_to_watch(session, server.data_directory, tablespaces);
  options.wal_segment_bytes = wal_segment_bytes(session);
}

WatchOptions watch_options(const RestorePlan& plan, const postgres::ServerFacts& server,
                           postgres::Connection& session) {
  WatchOptions options{.lock_timeout = plan.options.lock_timeout, .debug_locks = plan.options.debug_locks};
  std::vector<std::string> used;
  for (const DatabasePlan& database : plan.databases) {
    const DatabaseRecord* record = plan.document.find(database.source);
    if (database.action != DatabaseAction::kSkip && record != nullptr) {
      used.push_back(plan.options.rules.tablespaces ? record->properties.tablespace : "pg_default");
    }
  }
  watch_places(server, used, session, options);
  return options;
}

}  // namespace dbb::logical
