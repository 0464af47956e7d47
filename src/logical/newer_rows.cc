#include "logical/newer_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/units.h"
#include "logical/restore_contents.h"

namespace dbb::logical {
namespace {

struct Difference {
  uint64_t amount;
  std::string text;
};

struct Counted {
  std::string shown;   // "public.orders"
  std::string quoted;  // "public"."orders"
};

// What a backup of it would read the rows of.
std::vector<Counted> tables_of(const Operation& operation, const WorkSession& work) {
  postgres::Connection session = open_session(operation, work, "count", operation.stop);
  const postgres::Result answer = session.execute(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace "
      "WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', "
      "'information_schema') "
      "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "
      "'pg_catalog.pg_class'::pg_catalog.regclass "
      "AND d.objid = c.oid AND d.deptype = 'e') ORDER BY pg_catalog.pg_relation_size(c.oid) DESC");
  std::vector<Counted> tables;
  for (int row = 0; row < answer.rows(); ++row) {
    tables.push_back({fmt::format("{}.{}", answer.text(row, 0), answer.text(row, 1)),
                      session.qualified(answer.text(row, 0), answer.text(row, 1))});
  }
  return tables;
}

}  // namespace

std::vector<std::string> rows_that_differ(repository::BackupReader& backup, const std::string& source,
                                          const Operation& operation, const WorkSession& work, int workers) {
  std::map<std::string, uint64_t> recorded;
  for (const TableContent& table : read_database_content(backup, source).tables) {
    if (!table.attributes.is_extension_config) {
      recorded[table.attributes.qualified_name()] = table.attributes.fingerprint.rows;
    }
  }
  const std::vector<Counted> tables = tables_of(operation, work);
  std::mutex mutex;
  std::vector<Difference> differences;
  run_in_sessions(
      operation, work, "count", tables.size(), workers,
      [&](postgres::Connection& session, size_t index, const Operation&) {
        const Counted& table = tables[index];
        const auto rows = static_cast<uint64_t>(
            session.execute(fmt::format("SELECT pg_catalog.count(*) FROM ONLY {}", table.quoted))
                .integer(0, 0));
        const auto found = recorded.find(table.shown);
        const uint64_t before = found == recorded.end() ? 0 : found->second;
        if (rows == before) return;
        const std::scoped_lock lock(mutex);
        differences.push_back({std::max(rows, before) - std::min(rows, before),
                               fmt::format("{}: {} rows, {} in the backup", table.shown, format_count(rows),
                                           found == recorded.end() ? "not" : format_count(before))});
      });
  std::ranges::sort(differences, [](const Difference& a, const Difference& b) {
    return a.amount != b.amount ? a.amount > b.amount : a.text < b.text;
  });
  std::vector<std::string> texts;
  for (Difference& difference : differences) texts.push_back(std::move(difference.text));
  return texts;
}

}  // namespace dbb::logical
