#include "logical/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/units.h"
#include "logical/large_objects.h"
#include "logical/row_copy.h"
#include "logical/row_loader.h"
#include "logical/sequences.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr uint64_t kBlocksAtOnce = 16384;  // of one range of a large table: 128 MiB
constexpr int kFirstVersionWithRangeScans = 140000;

struct ProofTask {
  size_t unit = 0;
  std::string statement;
  uint64_t weight = 0;
};

struct Storage {
  uint64_t blocks = 0;
  bool is_heap = false;
};

// "schema"."name" -> how it lies on disk
std::map<std::string, Storage> read_storage(Connection& session) {
  const postgres::Result answer = session.execute(R"(
    SELECT n.nspname, c.relname,
           pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8,
           a.amname = 'heap'
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.relkind = 'r')");
  std::map<std::string, Storage> storage;
  for (int row = 0; row < answer.rows(); ++row) {
    storage[session.qualified(answer.text(row, 0), answer.text(row, 1))] = {
        static_cast<uint64_t>(answer.integer(row, 2)), answer.boolean(row, 3)};
  }
  return storage;
}

ProofUnit unit_of_table(const Connection& session, const TableAttributes& table, size_t index) {
  ProofUnit unit{.shown = table.qualified_name(),
                 .source = session.qualified(table.schema, table.name),
                 .columns = table.columns,
                 .tables = {index},
                 .expected = table.fingerprint,
                 .row_bytes = table.row_bytes,
                 .format = table.format};
  if (table.is_extension_config && !table.extension_condition.empty()) {
    unit.source = fmt::format("(SELECT {} FROM ONLY {} {})", column_list(session, table.columns), unit.source,
                              table.extension_condition);
    unit.columns.clear();
  }
  return unit;
}

// A row may have come to lie in another leaf: they are compared together, and their columns are recorded in
// one order, so that a row has the same text in each. Leaves elsewhere below the same root are units of their
// own.
void add_leaf(const Connection& session, const TableAttributes& leaf, size_t index, ProofUnit& unit) {
  const std::string rows = fmt::format("SELECT {} FROM ONLY {}", column_list(session, leaf.columns),
                                       session.qualified(leaf.schema, leaf.name));
  unit.source = unit.source.empty()
                    ? fmt::format("({})", rows)
                    : fmt::format("{} UNION ALL {})", unit.source.substr(0, unit.source.size() - 1), rows);
  unit.tables.push_back(index);
  unit.expected += leaf.fingerprint;
  unit.row_bytes += leaf.row_bytes;
}

std::vector<ProofUnit> plan_units(const Connection& session, const DatabaseContent& content) {
  std::vector<ProofUnit> units;
  std::map<std::string, size_t> roots;
  for (size_t i = 0; i < content.tables.size(); ++i) {
    const TableAttributes& table = content.tables[i].attributes;
    if (table.load_through.empty()) {
      units.push_back(unit_of_table(session, table, i));
      continue;
    }
    const auto [place, is_new] = roots.try_emplace(table.load_through, units.size());
    if (is_new) units.push_back({.shown = table.load_through});
    add_leaf(session, table, i, units[place->second]);
  }
  return units;
}

std::vector<ProofTask> plan_tasks(Connection& session, const std::vector<ProofUnit>& units) {
  const std::map<std::string, Storage> storage = read_storage(session);
  std::vector<ProofTask> tasks;
  for (size_t i = 0; i < units.size(); ++i) {
    const ProofUnit& unit = units[i];
    const std::string_view options = unit.format == RowFormat::kBinary ? " (FORMAT binary)" : "";
    const auto found = storage.find(unit.source);
    const Storage lies = found == storage.end() ? Storage{} : found->second;
    if (lies.blocks <= kBlocksAtOnce || !lies.is_heap || unit.columns.empty() ||
        session.version().number < kFirstVersionWithRangeScans) {
      tasks.push_back(
          {i, fmt::format("COPY {} TO STDOUT{}", with_columns(session, unit.source, unit.columns), options),
           unit.row_bytes});
      continue;
    }
    const std::string columns = column_list(session, unit.columns);
    for (uint64_t block = 0; block < lies.blocks; block += kBlocksAtOnce) {
      const bool is_last = block + kBlocksAtOnce >= lies.blocks;
      const std::string end = is_last ? "" : fmt::format(" AND ctid < '({},0)'", block + kBlocksAtOnce);
      tasks.push_back({i,
                       fmt::format("COPY (SELECT {} FROM ONLY {} WHERE ctid >= '({},0)'{}) TO STDOUT{}",
                                   columns, unit.source, block, end, options),
                       unit.row_bytes * kBlocksAtOnce / lies.blocks});
    }
  }
  std::ranges::stable_sort(tasks, std::ranges::greater{}, &ProofTask::weight);
  return tasks;
}

Fingerprint read_rows(Connection& session, const std::string& statement, RowFormat format,
                      const std::string& shown, RestoreProgress& progress) {
  static constexpr uint64_t kTellEvery = 1 << 20;
  Fingerprint found;
  uint64_t untold = 0;
  postgres::CopyOut copy = session.copy_out(statement);
  for (ByteView message; copy.next(message);) {
    if (const std::optional<ByteView> row = row_in(message, format)) found.add(*row);
    untold += message.size();
    if (untold < kTellEvery) continue;
    progress.add("proof", shown, untold);
    untold = 0;
  }
  progress.add("proof", shown, untold);
  return found;
}

void compare_rows(const std::vector<ProofUnit>& units, const std::vector<Fingerprint>& found,
                  std::vector<std::string>& differences) {
  for (size_t i = 0; i < units.size(); ++i) {
    const ProofUnit& unit = units[i];
    if (found[i] == unit.expected) continue;
    differences.push_back(fmt::format("table {}: {} rows expected, {} found{}", unit.shown,
                                      format_count(unit.expected.rows), format_count(found[i].rows),
                                      found[i].rows == unit.expected.rows ? ", with other contents" : ""));
  }
}

void compare_large_objects(Connection& session, const PartAttributes& expected,
                           std::vector<std::string>& differences) {
  if (expected.count == 0) return;
  const LargeObjectTotals found = fingerprint_large_objects(session);
  if (found.fingerprint == expected.fingerprint && found.objects == expected.count) return;
  differences.push_back(fmt::format("large objects: {} expected, {} found{}", format_count(expected.count),
                                    format_count(found.objects),
                                    found.objects == expected.count ? ", with other contents" : ""));
}

void compare_sequences(repository::BackupReader& backup, const DatabaseContent& content, Connection& session,
                       std::vector<std::string>& differences) {
  std::map<std::string, std::pair<int64_t, bool>> found;
  for (const postgres::SequenceValue& value : postgres::read_sequences(session).values) {
    found[session.qualified(value.schema, value.name)] = {value.last_value, value.is_called};
  }
  for (const repository::StreamRef& stream : content.sequences) {
    const std::unique_ptr<repository::StreamReader> reader = backup.open_stream(stream);
    for (const postgres::SequenceValue& expected : load_sequences(*reader)) {
      if (!content.wants(expected)) continue;
      const auto there = found.find(session.qualified(expected.schema, expected.name));
      if (there != found.end() && there->second == std::pair(expected.last_value, expected.is_called))
        continue;
      differences.push_back(fmt::format(
          "sequence {}.{}: {} expected, {} found", expected.schema, expected.name, expected.last_value,
          there == found.end() ? "nothing" : std::to_string(there->second.first)));
    }
  }
}

Error proof_failed(const std::string& database, std::vector<std::string> differences) {
  static constexpr size_t kShown = 20;
  std::ranges::sort(differences);
  std::string cause;
  for (size_t i = 0; i < std::min(differences.size(), kShown); ++i) {
    cause += fmt::format("{}{}", i == 0 ? "" : "; ", differences[i]);
  }
  if (differences.size() > kShown) cause += fmt::format("; and {} more", differences.size() - kShown);
  return Error(
      ErrorCode::kProofFailed,
      {.message = fmt::format("What was restored of database \"{}\" is not what was backed up.", database),
       .cause = std::move(cause),
       .solution = {"Nothing was replaced: the old database is as it was.",
                    "See whether the backup is sound: dbbackup check --read-data",
                    "See whether something writes into databases of the name dbbackup_staging_..., such as a "
                    "login trigger or a job scheduler, then restore again."}});
}

}  // namespace

ProofTotals prove(repository::BackupReader& backup, const DatabaseContent& content,
                  const Operation& operation, const WorkSession& target, int workers,
                  RestoreProgress& progress, const std::string& shown_database) {
  WorkSession work = target;
  work.canonical_formats = true;
  Connection session = open_session(operation, work, "proof", operation.stop);
  const std::vector<ProofUnit> units = plan_units(session, content);
  const std::vector<ProofTask> tasks = plan_tasks(session, units);

  std::mutex mutex;
  std::vector<Fingerprint> found(units.size());
  run_in_sessions(operation, work, "proof", tasks.size(), workers,
                  [&](Connection& reader, size_t index, const Operation&) {
                    const ProofTask& task = tasks[index];
                    const std::string shown = fmt::format("{}: {}", shown_database, units[task.unit].shown);
                    const Fingerprint part =
                        read_rows(reader, task.statement, units[task.unit].format, shown, progress);
                    const std::scoped_lock lock(mutex);
                    found[task.unit] += part;
                  });

  std::vector<std::string> differences;
  compare_rows(units, found, differences);
  compare_large_objects(session, content.large_object_attributes, differences);
  compare_sequences(backup, content, session, differences);
  if (!differences.empty()) throw proof_failed(shown_database, std::move(differences));

  ProofTotals totals{.tables = content.tables.size(), .large_objects = content.large_object_attributes.count};
  for (const ProofUnit& unit : units) {
    totals.rows += unit.expected.rows;
    totals.row_bytes += unit.row_bytes;
  }
  return totals;
}

}  // namespace dbb::logical
