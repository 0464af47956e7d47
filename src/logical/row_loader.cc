#include "logical/row_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/task_group.h"
#include "base/units.h"
#include "codec/xxh3.h"
#include "logical/large_objects.h"
#include "logical/restore_watch.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

// Parts loaded at once cannot be frozen while they load, and the VACUUM (FREEZE) that makes up for it takes
// about half as long as loading the table with one worker (docs/decisions/0004).
constexpr int kWorkersWorthSplitting = 4;

constexpr int kAttempts = 3;  // of loading one table that met another of our sessions in a circle

// By a hash, since a name may hold what a mark may not.
std::string hash_of(std::string_view name) { return codec::xxh3_128(as_bytes(name)).hex(); }

std::string marks_of_parts(const TableAttributes& table) {
  return fmt::format("part of {} ", hash_of(table.qualified_name()));
}

std::string mark_of(const LoadTask& task, const DatabaseContent& content) {
  if (task.kind == LoadTask::Kind::kLargeObjects) return fmt::format("large objects {}", task.part);
  const TableAttributes& table = content.tables.at(task.tables.front()).attributes;
  if (task.kind == LoadTask::Kind::kRoot) return fmt::format("root {}", hash_of(table.load_through));
  if (task.kind == LoadTask::Kind::kPart) return fmt::format("{}{}", marks_of_parts(table), task.part);
  return mark_of_table(table);
}

uint64_t bytes_of(const std::vector<repository::StreamRef>& parts) {
  return std::transform_reduce(parts.begin(), parts.end(), uint64_t{0}, std::plus<>{},
                               [](const repository::StreamRef& part) { return part.bytes; });
}

class Loader {
 public:
  Loader(repository::BackupReader& backup, const DatabaseContent& content, const Operation& operation,
         const LoadOptions& options, RestoreProgress& progress, std::string shown_database)
      : backup_(backup),
        content_(content),
        operation_(operation),
        options_(options),
        progress_(progress),
        shown_database_(std::move(shown_database)),
        rows_of_split_(content.tables.size()) {}

  void run(Connection& session, const LoadTask& task) {
    if (is_done(task)) return;
    switch (task.kind) {
      case LoadTask::Kind::kTable:
        return in_context(task, [&] { load_table(session, task); });
      case LoadTask::Kind::kPart:
        return in_context(task, [&] { load_part(session, task); });
      case LoadTask::Kind::kRoot:
        return in_context(task, [&] { load_root(session, task); });
      case LoadTask::Kind::kLargeObjects:
        return load_large_objects(session, task);
    }
  }

  // Parts are counted apart; their sum is what was recorded. For one of them, when all are loaded.
  void check_split(const LoadTask& part) const {
    if (options_.marks != nullptr && options_.marks->has(mark_of_table(table(part).attributes))) return;
    in_context(part, [&] { expect_rows(table(part).attributes, rows_of_split_[part.tables.front()]); });
  }

 private:
  // What an earlier attempt has loaded counts as progress all the same.
  bool is_done(const LoadTask& task) {
    if (options_.marks == nullptr) return false;
    const std::optional<uint64_t> amount = options_.marks->amount(mark_of(task, content_));
    if (!amount &&
        (task.kind != LoadTask::Kind::kPart || !options_.marks->has(mark_of_table(table(task).attributes))))
      return false;
    if (task.kind == LoadTask::Kind::kPart) rows_of_split_[task.tables.front()] += amount.value_or(0);
    progress_.add_done_before(task.bytes);
    return true;
  }

  // In the transaction that does the work, at its end; once it is committed, keep(mark) follows.
  void write_mark(Connection& session, const LoadTask& task, uint64_t rows) const {
    if (options_.marks != nullptr) session.execute(options_.marks->statement(mark_of(task, content_), rows));
  }
  void keep_mark(const LoadTask& task, uint64_t rows) const {
    if (options_.marks != nullptr) options_.marks->done(mark_of(task, content_), rows);
  }

  const TableContent& table(const LoadTask& task) const { return content_.tables.at(task.tables.front()); }

  static std::string name_of(const Connection& session, const TableContent& table) {
    return session.qualified(table.attributes.schema, table.attributes.name);
  }

  template <typename Body>
  void in_context(const LoadTask& task, Body&& body) const {
    try {
      body();
    } catch (Error& error) {
      error.add_context("Table", table(task).attributes.qualified_name());
      throw;
    }
  }

  static void expect_rows(const TableAttributes& table, uint64_t found) {
    if (found == table.fingerprint.rows) return;
    throw Error(
        ErrorCode::kRestoreFailed,
        {.message = fmt::format("Table {} took {} rows, {} are in the backup.", table.qualified_name(),
                                format_count(found), format_count(table.fingerprint.rows)),
         .solution = {
             "See what changed rows while they were loaded: an event trigger of the target, or a session "
             "in the staging database.",
             "Run the restore again."}});
  }

  uint64_t copy_parts(Connection& session, const std::string& into, const TableContent& table, size_t first,
                      size_t end, std::string_view options) {
    const std::string shown = fmt::format("{}: {}", shown_database_, table.attributes.qualified_name());
    if (table.attributes.format == RowFormat::kBinary &&
        end - first > 1) {  // each part is a file with head and end
      uint64_t rows = 0;
      for (size_t part = first; part < end; ++part)
        rows += copy_parts(session, into, table, part, part + 1, options);
      return rows;
    }
    std::string with = std::string(options);
    if (table.attributes.format == RowFormat::kBinary)
      with = with.empty() ? "FORMAT binary" : "FORMAT binary, " + with;
    postgres::CopyIn copy = session.copy_in(fmt::format("COPY {} FROM STDIN{}",
                                                        with_columns(session, into, table.attributes.columns),
                                                        with.empty() ? "" : fmt::format(" ({})", with)));
    for (size_t part = first; part < end; ++part) {
      const std::unique_ptr<repository::StreamReader> reader = backup_.open_stream(table.parts.at(part));
      for (ByteView piece; reader->next(piece);) {
        copy.write(piece);
        progress_.add("rows", shown, piece.size());
      }
    }
    return copy.finish();
  }

  void load_part(Connection& session, const LoadTask& task) {
    uint64_t rows = 0;
    postgres::in_transaction(session, [&] {
      rows = copy_parts(session, name_of(session, table(task)), table(task), task.part, task.part + 1, {});
      write_mark(session, task, rows);
    });
    keep_mark(task, rows);
    rows_of_split_[task.tables.front()] += rows;
  }

  void load_table(Connection& session, const LoadTask& task) {
    const TableContent& table = this->table(task);
    const uint64_t rows = table.attributes.fingerprint.rows;
    const std::string name = name_of(session, table);
    for (int attempts_left = kAttempts - 1;; --attempts_left) {
      try {
        postgres::in_transaction(session, [&] {
          session.execute(fmt::format("TRUNCATE ONLY {}", name));
          expect_rows(table.attributes, copy_parts(session, name, table, 0, table.parts.size(), "FREEZE"));
          write_mark(session, task, rows);
        });
        keep_mark(task, rows);
        return;
      } catch (const Error& error) {
        // A check may read another table, by a function of the users' own, while that one's check reads this
        // one.
        if (waited_for_ourselves(operation_, session, error)) {
          ++attempts_left;
          continue;
        }
        if (error.sqlstate() != "40P01" || attempts_left == 0) throw;
      }
    }
  }

  // Rows find their partition anew, so none of the leaves that take part may hold any before. Other leaves of
  // the same root may be loaded already: TRUNCATE of the root would empty them.
  void load_root(Connection& session, const LoadTask& task) {
    const std::string& root = table(task).attributes.load_through;
    std::string leaves;
    for (const size_t index : task.tables) {
      leaves +=
          fmt::format("{}ONLY {}", leaves.empty() ? "" : ", ", name_of(session, content_.tables.at(index)));
    }
    postgres::in_transaction(session, [&] {
      session.execute(fmt::format("TRUNCATE {}", leaves));
      for (const size_t index : task.tables) {
        const TableContent& leaf = content_.tables.at(index);
        expect_rows(leaf.attributes, copy_parts(session, root, leaf, 0, leaf.parts.size(), {}));
      }
      write_mark(session, task, 0);
    });
    keep_mark(task, 0);
  }

  void load_large_objects(Connection& session, const LoadTask& task) {
    const std::unique_ptr<repository::StreamReader> reader =
        backup_.open_stream(content_.large_objects.at(task.part));
    const std::string shown = fmt::format("{}: large objects", shown_database_);
    const std::string so_far = fmt::format("records of large objects {}", task.part);
    LargeObjectOptions options{.with_owners = options_.with_owners,
                               .change = options_.change,
                               .on_progress = [&](uint64_t bytes) { progress_.add("rows", shown, bytes); }};
    if (RestoreMarks* marks = options_.marks) {
      options.records_done = marks->amount(so_far).value_or(0);
      options.before_commit = [&, marks](uint64_t records) {
        session.execute(marks->statement(so_far, records));
      };
      options.after_commit = [&, marks](uint64_t records) { marks->done(so_far, records); };
    }
    restore_large_objects(*reader, session, options);
    if (options_.marks != nullptr) options_.marks->set(session, mark_of(task, content_));
  }

  repository::BackupReader& backup_;
  const DatabaseContent& content_;
  const Operation& operation_;
  const LoadOptions& options_;
  RestoreProgress& progress_;
  const std::string shown_database_;
  std::vector<std::atomic<uint64_t>> rows_of_split_;  // by table
};

// Tables of which a check, a domain or a generated column calls a function of the users' own: it may look
// into other tables, of which the server knows nothing.
constexpr const char* kTablesThatCall = R"(
  WITH call AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
     WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid
                          AND e.deptype = 'e')),
  checking AS (
    SELECT k.conrelid, k.contypid FROM pg_catalog.pg_constraint k JOIN call ON call.objid = k.oid
       AND call.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass WHERE k.contype = 'c')
  SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND c.oid >= 16384
     AND (c.oid IN (SELECT conrelid FROM checking)
          OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN checking ON checking.contypid = a.atttypid
                      WHERE a.attrelid = c.oid AND a.atttypid >= 16384)
          OR EXISTS (SELECT FROM pg_catalog.pg_attrdef f JOIN call ON call.objid = f.oid
                        AND call.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
                      WHERE f.adrelid = c.oid AND a.attgenerated <> '')))";

std::set<std::string> tables_that_call(const Operation& operation, const WorkSession& work) {
  Connection session = open_session(operation, work, "rows", operation.stop);
  const postgres::Result answer = session.execute(kTablesThatCall);
  std::set<std::string> tables;
  for (int row = 0; row < answer.rows(); ++row)
    tables.insert(answer.string(row, 0) + "." + answer.string(row, 1));
  return tables;
}

// What such a function reads should be there already: those tables come last, one after the other, by name,
// as pg_dump's archives have them. Returns how many tasks come before them.
size_t put_last(std::vector<LoadTask>& tasks, const DatabaseContent& content,
                const std::set<std::string>& last) {
  const auto name_of = [&](const LoadTask& task) {
    return content.tables.at(task.tables.front()).attributes.qualified_name();
  };
  const auto comes_last = [&](const LoadTask& task) {
    return std::ranges::any_of(task.tables, [&](size_t table) {
      return last.contains(content.tables.at(table).attributes.qualified_name());
    });
  };
  const auto first_of_last = std::stable_partition(tasks.begin(), tasks.end(), std::not_fn(comes_last));
  std::stable_sort(first_of_last, tasks.end(),
                   [&](const LoadTask& a, const LoadTask& b) { return name_of(a) < name_of(b); });
  return static_cast<size_t>(first_of_last - tasks.begin());
}

// How many tasks of each table are left. Thread-safe.
class TablesLeft {
 public:
  TablesLeft(const DatabaseContent& content, const std::vector<LoadTask>& tasks)
      : tasks_(content.tables.size()) {
    for (const LoadTask& task : tasks) {
      for (const size_t table : task.tables) ++tasks_[table];
    }
  }
  bool is_in(size_t table) const { return tasks_[table] == 0; }
  // A task of it is. True: it was the last.
  bool done(size_t table) { return --tasks_[table] == 0; }

 private:
  std::vector<std::atomic<size_t>> tasks_;
};

void truncate_split(const Operation& operation, const WorkSession& work, const DatabaseContent& content,
                    const std::vector<LoadTask>& tasks, const RestoreMarks* marks) {
  std::optional<Connection> session;
  for (const LoadTask& task : tasks) {
    if (task.kind != LoadTask::Kind::kPart || task.part != 0) continue;
    const TableAttributes& table = content.tables.at(task.tables.front()).attributes;
    if (marks != nullptr && (marks->has(mark_of_table(table)) || marks->has_any_with(marks_of_parts(table))))
      continue;
    if (!session) session = open_session(operation, work, "rows", operation.stop);
    session->execute(fmt::format("TRUNCATE ONLY {}", session->qualified(table.schema, table.name)));
  }
}

}  // namespace

std::string mark_of_table(const TableAttributes& table) {
  return fmt::format("table {}", hash_of(table.qualified_name()));
}

std::set<std::string> tables_not_frozen(const Connection& session, const DatabaseContent& content,
                                        int workers, const RestoreMarks* marks) {
  std::set<std::string> names;
  for (const LoadTask& task : plan_load(content, workers)) {
    const TableAttributes* table =
        task.tables.empty() ? nullptr : &content.tables.at(task.tables.front()).attributes;
    // An earlier attempt, with more workers, may have split it.
    const bool was_split =
        task.kind == LoadTask::Kind::kPart || (task.kind == LoadTask::Kind::kTable && marks != nullptr &&
                                               marks->has_any_with(marks_of_parts(*table)));
    if (task.kind == LoadTask::Kind::kRoot) names.insert(table->load_through);
    if (was_split) names.insert(session.qualified(table->schema, table->name));
  }
  return names;
}

std::string column_list(const Connection& session, const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) {
    if (!list.empty()) list += ", ";
    list += session.quote_identifier(column);
  }
  return list;
}

std::string with_columns(const Connection& session, const std::string& table,
                         const std::vector<std::string>& columns) {
  if (columns.empty())
    return table;  // an empty list is no syntax; the default leaves out generated columns, too
  return fmt::format("{} ({})", table, column_list(session, columns));
}

std::vector<LoadTask> plan_load(const DatabaseContent& content, int workers) {
  uint64_t total = bytes_of(content.large_objects);
  for (const TableContent& table : content.tables) total += bytes_of(table.parts);
  // Freezing later by VACUUM costs about a quarter of loading; so much longer may the others wait for one
  // table.
  const uint64_t share = total / static_cast<uint64_t>(std::max(workers, 1)) * 5 / 4;

  std::vector<LoadTask> tasks;
  std::map<std::string, size_t> roots;  // -> index in tasks
  for (size_t i = 0; i < content.tables.size(); ++i) {
    const TableContent& table = content.tables[i];
    const uint64_t bytes = bytes_of(table.parts);
    if (table.attributes.is_extension_config || bytes == 0) continue;  // it was made empty
    if (!table.attributes.load_through.empty()) {
      const auto [place, is_new] = roots.try_emplace(table.attributes.load_through, tasks.size());
      if (is_new) tasks.push_back({.kind = LoadTask::Kind::kRoot});
      tasks[place->second].tables.push_back(i);
      tasks[place->second].bytes += bytes;
    } else if (workers >= kWorkersWorthSplitting && table.parts.size() > 1 && bytes > share) {
      for (size_t part = 0; part < table.parts.size(); ++part) {
        tasks.push_back({LoadTask::Kind::kPart, {i}, part, table.parts[part].bytes});
      }
    } else {
      tasks.push_back({LoadTask::Kind::kTable, {i}, 0, bytes});
    }
  }
  for (size_t i = 0; i < content.large_objects.size(); ++i) {
    tasks.push_back({LoadTask::Kind::kLargeObjects, {}, i, content.large_objects[i].bytes});
  }
  std::ranges::stable_sort(tasks, std::ranges::greater{}, &LoadTask::bytes);
  return tasks;
}

void load_rows(repository::BackupReader& backup, const DatabaseContent& content, const Operation& operation,
               const WorkSession& work, const LoadOptions& options, RestoreProgress& progress,
               const std::string& shown_database, const BesideLoading& beside) {
  std::vector<LoadTask> tasks = plan_load(content, options.may_split ? options.workers : 1);
  const size_t at_once = put_last(tasks, content, tables_that_call(operation, work));
  truncate_split(operation, work, content, tasks, options.marks);
  Loader loader(backup, content, operation, options, progress, shown_database);
  TablesLeft left(content, tasks);
  // A table that calls functions may read any other: what locks one has to wait until it is loaded.
  const auto tell = [&](size_t table) {
    if (at_once == tasks.size()) beside.table_is_in(content.tables[table].attributes);
  };
  for (size_t table = 0; table < content.tables.size(); ++table) {
    if (left.is_in(table)) tell(table);
  }
  const auto load = [&](Connection& session, const LoadTask& task) {
    loader.run(session, task);
    for (const size_t table : task.tables) {
      if (!left.done(table)) continue;
      if (task.kind == LoadTask::Kind::kPart) loader.check_split(task);
      tell(table);
    }
  };

  const auto workers = static_cast<size_t>(std::max(options.workers, 1));
  std::atomic<size_t> next = 0;
  std::atomic<size_t> loading = workers;
  TaskGroup group(operation.stop);
  for (size_t i = 0; i < workers; ++i) {
    group.spawn("rows", [&](const std::stop_token& stop) {
      const Operation mine = with_stop(operation, stop);
      std::optional<Connection> session;
      const auto opened = [&]() -> Connection& {
        if (stop.stop_requested()) throw cancelled();
        if (!session) session = open_session(mine, work, "rows", stop);
        return *session;
      };
      for (size_t index = next++; index < at_once; index = next++) {
        load(opened(), tasks[index]);
        mine.at_step("table-loaded", shown_database);
      }
      const bool is_last = --loading == 0;
      for (size_t index = at_once; is_last && index < tasks.size(); ++index) load(opened(), tasks[index]);
      session.reset();
      if (is_last) beside.all_are_in(mine);
      beside.then(mine);
    });
  }
  group.join();
}

}  // namespace dbb::logical
