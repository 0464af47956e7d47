#include "logical/restore_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "logical/analyze.h"
#include "logical/names.h"
#include "logical/place_table.h"
#include "logical/proof.h"
#include "logical/restore_sizes.h"
#include "logical/restore_watch.h"
#include "logical/row_loader.h"
#include "logical/schema_archive.h"
#include "logical/schema_runner.h"
#include "logical/sequences.h"
#include "logical/table_leftovers.h"
#include "logical/table_neighbours.h"
#include "postgres/archive_statements.h"
#include "postgres/server.h"
#include "postgres/server_error.h"
#include "system/machine.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using postgres::Connection;

std::string shown(const QualifiedName& name) { return fmt::format("{}.{}", name.first, name.second); }

const DatabaseRecord& record_of(const Document& document, const RestoreTableOptions& options) {
  const DatabaseRecord* record = document.find(options.database);
  if (record != nullptr) return *record;
  throw Error(
      ErrorCode::kDatabaseNotFound,
      {.message = fmt::format("Backup {} holds no database \"{}\".", options.backup.text(), options.database),
       .solution = {fmt::format("See what it holds: dbbackup show {}", options.backup.text())}});
}

Error no_such_table(const RestoreTableOptions& options, const DatabaseRecord& record) {
  std::string cause;
  for (const std::string& line : record.left_out) {
    if (line.find(options.table.second) != std::string::npos) cause += line + "\n";
  }
  if (record.is_part()) cause += "The backup is of a part of the database: " + record.selection.text();
  return Error(
      ErrorCode::kUsage,
      {.message = fmt::format(
           "Backup {} holds no rows of a table \"{}\" in database \"{}\".", options.backup.text(),
           options.table.first.empty() ? options.table.second : shown(options.table), options.database),
       .cause = std::move(cause),
       .solution = {fmt::format("See its tables: dbbackup show {} --items", options.backup.text()),
                    "Names are as the server has them: upper and lower case differ."}});
}

// The schema of a table that was named without one.
QualifiedName full_name(const RestoreTableOptions& options, const postgres::ArchiveToc& toc) {
  if (!options.table.first.empty()) return options.table;
  std::vector<std::string> schemas;
  for (const ArchiveEntry& entry : toc.entries) {
    if (entry.description == "TABLE" && entry.tag == options.table.second) schemas.emplace_back(entry.schema);
  }
  if (schemas.empty()) return options.table;
  if (schemas.size() == 1) return {schemas.front(), options.table.second};
  throw Error(ErrorCode::kUsage,
              {.message = fmt::format("Several schemas have a table \"{}\".", options.table.second),
               .cause = fmt::format("They are: {}.", fmt::join(schemas, ", ")),
               .solution = {fmt::format("Name one: {}.{}", schemas.front(), options.table.second)}});
}

// What the backup holds of the rows of a table and of those below it. `without_rows` gets the names of those
// below whose rows it does not hold.
std::vector<TableContent> take_tables(const DatabaseContent& content, const TableEntries& entries,
                                      const RestoreTableOptions& options, const DatabaseRecord& record,
                                      std::vector<std::string>& without_rows) {
  if (entries.members().empty()) throw no_such_table(options, record);
  std::map<QualifiedName, const TableContent*> by_name;
  for (const TableContent& table : content.tables)
    by_name.emplace(QualifiedName(table.attributes.schema, table.attributes.name), &table);
  std::vector<TableContent> tables;
  for (const TableEntries::Member& member : entries.members()) {
    if (member.is_partitioned || member.is_foreign) continue;
    const auto found = by_name.find(member.name);
    if (found != by_name.end()) {
      tables.push_back(*found->second);
    } else if (member.name == entries.members().front().name) {
      throw no_such_table(options, record);
    } else {
      without_rows.push_back(fmt::format("rows of {}: they are not in the backup", shown(member.name)));
    }
  }
  return tables;
}

void refuse_clash(const TableEntries& entries) {
  if (entries.clash().empty()) return;
  throw Error(ErrorCode::kUsage,
              {.message = fmt::format("{} cannot be restored together.", entries.clash()),
               .cause = "They are built in one schema, where both have one name.",
               .solution = {
                   "Restore the database beside, and move them from there: dbbackup restore database --as"}});
}

// Every schema that something comes into must be there.
void refuse_missing_schemas(Connection& session, const TablePlan& plan) {
  std::set<std::string> schemas;
  for (const QualifiedName& table : plan.tables)
    schemas.insert(schema_for(table, plan.options.table, plan.options.as));
  for (const std::string& schema : schemas) refuse_missing_schema(session, schema);
}

void refuse_downgrade(const Document& document, const postgres::ServerFacts& server) {
  if (server.version.major() >= document.server_version.major()) return;
  throw Error(
      ErrorCode::kVersionDowngrade,
      {.message = fmt::format("The backup is of PostgreSQL {}, the target is {}.",
                              document.server_version.text(), server.version.text()),
       .solution = {fmt::format("Restore into PostgreSQL {} or newer.", document.server_version.major())}});
}

// Of the parents that it had, and of those whose child it becomes in place of the old one.
void tell_parents(TablePlan& plan, const TableEntries& entries,
                  const std::vector<QualifiedName>& taken_over) {
  for (const QualifiedName& parent : taken_over)
    plan.entries.push_back(fmt::format("INHERITS {}", shown(parent)));
  for (const auto& [child, parent] : entries.other_parents()) {
    const bool comes =
        child == plan.options.table && std::ranges::find(taken_over, parent) != taken_over.end();
    if (!comes)
      plan.left_behind.push_back(fmt::format("INHERITS TABLE {} of TABLE {}", shown(parent), shown(child)));
  }
}

// Statements of the running database's own event triggers are not for us.
// Everything but the table itself may refer to something that this database does not have.
bool may_be_left_out(const Error& error, const ArchiveEntry& entry) {
  if (entry.description == "TABLE" || entry.description == "SEQUENCE" || error.sqlstate().empty())
    return false;
  if (entry.description == "FK CONSTRAINT") return true;  // other rows are there by now
  return postgres::is_undefined(error) || error.sqlstate() == "42501";
}

class TableRestore {
 public:
  TableRestore(repository::Repository& repository, const TablePlan& plan, const Operation& operation,
               RestoreProgress& progress)
      : plan_(plan),
        operation_(operation),
        manifest_(repository.read_manifest(plan.options.backup)),
        document_(parse_document(manifest_.document)),
        record_(record_of(document_, plan.options)),
        backup_(repository.open_backup(plan.options.backup)),
        progress_(progress),
        schema_(building_schema(operation.run.random_part())) {}

  TableResult run() {
    const auto begun = operation_.clock.steady_now();
    {
      Connection session = operation_.connect(plan_.options.into, "control");
      server_ = postgres::read_server_facts(session);
      work_ = like_the_source(plan_.options.into, document_, record_, server_);
      remove_dead_leftovers();
      create_schema(session);
      try {
        build(session);
        operation_.at_step("before-move", plan_.options.into);
        place(session);
      } catch (...) {
        drop_schema();
        throw;
      }
    }
    operation_.at_step("moved", plan_.options.into);
    result_.seconds = std::chrono::duration<double>(operation_.clock.steady_now() - begun).count();
    return std::move(result_);
  }

 private:
  // What runs before this one left when they were killed.
  void remove_dead_leftovers() {
    for (const Leftover& leftover : find_table_leftovers(operation_, plan_.options.into)) {
      if (leftover.in_use) continue;
      try {
        remove_table_leftover(leftover, operation_);
        operation_.notice("leftover-removed",
                          fmt::format("Dropped what a restore of table {} that did not end left in {}.",
                                      leftover.original, leftover.database),
                          {{"database", leftover.database}});
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
        operation_.warn("leftover-stays", error.what(), {{"database", leftover.database}});
      }
    }
  }

  // By its mark `cleanup` knows it, should this run be killed.
  void create_schema(Connection& session) {
    const Mark mark{
        .kind = MarkKind::kStaging, .run = operation_.run, .database = shown(plan_.options.table)};
    const std::string name = session.quote_identifier(schema_);
    postgres::in_transaction(session, [&] {
      session.execute(fmt::format("CREATE SCHEMA {}", name));
      session.execute(
          fmt::format("COMMENT ON SCHEMA {} IS {}", name, session.quote_literal(to_comment(mark))));
    });
  }

  void build(Connection& session) {
    DatabaseContent content = read_database_content(*backup_, plan_.options.database);
    const SchemaArchive archive(*backup_, content.schema.value());
    const RuledToc ruled(archive.toc(),
                         rules(session, TableEntries(archive.toc(), plan_.options.table, schema_)));
    const TableEntries entries(ruled.toc(), plan_.options.table, schema_);
    DatabaseContent only;
    std::vector<std::string> without_rows;
    only.tables = take_tables(content, entries, plan_.options, record_, without_rows);
    const std::string root = session.qualified(schema_, plan_.options.table.second);
    for (TableContent& table : only.tables) {
      table.attributes.schema = schema_;
      table.attributes.is_extension_config = false;
      // Through the table that was named, where it is one.
      const bool has_root = entries.members().front().is_partitioned;
      if (!table.attributes.load_through.empty()) table.attributes.load_through = has_root ? root : "";
    }

    const SchemaPlan plan = plan_schema(entries.toc(), [](const ArchiveEntry&) { return true; });
    SchemaRunner runner(operation_, work_, entries.toc(), {.given = true}, progress_, plan_.options.into);
    runner.tolerate(
        [this](const Error& error, const ArchiveEntry& entry) { return leave_out(error, entry); });
    const int workers = plan_.options.jobs > 0 ? plan_.options.jobs : system::processor_count();
    runner.run("schema", plan.before_rows, 1);
    leave_to_owners(session, schema_);
    leave_parents(session, schema_, {});
    const std::vector<std::string> hidden = hide_from_publications(session, schema_);
    load_rows(*backup_, only, operation_, work_, {.workers = workers}, progress_, plan_.options.into);
    make_logged(session, schema_, hidden);
    set_sequences(session, content, entries.sequences());
    runner.run("indexes", plan.after_rows, workers);
    leave_parents(session, schema_, entries.helpers());
    runner.run("privileges", plan.privileges, 1);
    operation_.at_step("table-built", plan_.options.into);
    if (plan_.options.proof) {
      prove(*backup_, only, operation_, work_, workers, progress_, plan_.options.into);
      result_.proven = true;
    }
    // A root of partitions takes them with it.
    for (const TableEntries::Member& member : entries.members()) {
      if (member.is_foreign) continue;
      session.execute(fmt::format("ANALYZE {}", session.qualified(schema_, member.name.second)));
      if (member.is_partitioned && &member == &entries.members().front()) break;
    }
    for (const TableContent& table : only.tables) {
      result_.rows += table.attributes.fingerprint.rows;
      result_.row_bytes += table.attributes.row_bytes;
    }
  }

  // Who does not exist here, or may not be given things, owns nothing.
  const EntryRules& rules(Connection& session, const TableEntries& entries) {
    rules_ = plan_.options.rules;
    if (!server_.is_superuser) rules_.owners = false;
    std::set<std::string> owners;
    for (const TableEntries::Member& member : entries.members()) owners.insert(rules_.role(member.owner));
    for (const std::string& owner : owners) {
      const bool is_there = owner.empty() || postgres::role_exists(session, owner);
      if (is_there || !rules_.owners) continue;
      warn(fmt::format("Role {} does not exist here: the table belongs to {}.", owner, server_.role));
      rules_.owners = false;
    }
    return rules_;
  }

  void set_sequences(Connection& session, const DatabaseContent& content,
                     const std::vector<QualifiedName>& sequences) {
    for (const repository::StreamRef& stream : content.sequences) {
      restore_sequences(*backup_->open_stream(stream), session, [&](postgres::SequenceValue& value) {
        const bool is_ours =
            std::ranges::find(sequences, QualifiedName(value.schema, value.name)) != sequences.end();
        value.schema = schema_;
        return is_ours;
      });
    }
  }

  void place(Connection& session) {
    PlacedTable placed = place_table(session, {.from_schema = schema_,
                                               .tables = plan_.tables,
                                               .as = plan_.options.as,
                                               .replace = plan_.options.replace && plan_.exists,
                                               .kept_name = plan_.kept_name,
                                               .lock_timeout = plan_.options.lock_timeout});
    for (std::string& line : placed.renamed) operation_.notice("table-renamed", std::move(line));
    if (plan_.options.replace && plan_.exists) result_.kept_as = plan_.kept_name;
    for (std::string& line : left_out_) warn(std::move(line));
    for (std::string& line : placed.not_inherited) warn(std::move(line));
  }

  bool leave_out(const Error& error, const ArchiveEntry& entry) {
    if (!may_be_left_out(error, entry)) return false;
    const std::scoped_lock lock(mutex_);
    left_out_.push_back(
        fmt::format("{} {} was not restored: {}", entry.description, entry.tag, error.what()));
    return true;
  }

  void warn(std::string text) {
    operation_.warn("entry-left-out", text, {{"database", plan_.options.into}});
    result_.warnings.push_back(std::move(text));
  }

  // Over a session of its own, since the operation may have been stopped.
  void drop_schema() noexcept {
    static constexpr std::chrono::seconds kTime{15};
    try {
      const Deadline deadline(kTime);
      Connection session = with_stop(operation_, deadline.token()).connect(plan_.options.into, "cleanup");
      session.execute(fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", session.quote_identifier(schema_)));
    } catch (const std::exception&) {
      try {
        operation_.warn("schema-left",
                        fmt::format("Schema {} in database {} could not be dropped: dbbackup cleanup",
                                    schema_, plan_.options.into));
      } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody left to tell
      }
    }
  }

  const TablePlan& plan_;
  const Operation& operation_;
  const repository::Manifest manifest_;
  const Document document_;
  const DatabaseRecord& record_;
  const std::unique_ptr<repository::BackupReader> backup_;
  RestoreProgress& progress_;
  const std::string schema_;  // in which it is built
  postgres::ServerFacts server_;
  WorkSession work_;
  EntryRules rules_;
  std::mutex mutex_;
  std::vector<std::string> left_out_;  // guarded by mutex_ while statements run
  TableResult result_;
};

}  // namespace

TablePlan plan_restore_table(repository::Repository& repository, const RestoreTableOptions& options,
                             const Operation& operation) {
  const repository::Manifest manifest = repository.read_manifest(options.backup);
  const Document document = parse_document(manifest.document);
  const DatabaseRecord& record = record_of(document, options);
  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(options.backup);
  const DatabaseContent content = read_database_content(*backup, options.database);

  TablePlan plan{.options = options, .backup_complete = manifest.complete};
  if (!content.schema) throw no_such_table(options, record);
  const SchemaArchive archive(*backup, *content.schema);
  plan.options.table = full_name(options, archive.toc());
  if (plan.options.as.first.empty()) plan.options.as.first = plan.options.table.first;
  if (plan.options.as.second.empty()) plan.options.as.second = plan.options.table.second;
  check_database_name(plan.options.as.second);  // the same rules hold
  const RuledToc ruled(archive.toc(), options.rules);
  const TableEntries entries(ruled.toc(), plan.options.table, "x");
  for (const ArchiveEntry& entry : entries.toc().entries) {
    if (postgres::is_restored(entry) && !entries.is_helper(entry))
      plan.entries.push_back(fmt::format("{} {}", entry.description, entry.tag));
  }
  for (const TableEntries::Member& member : entries.members()) plan.tables.push_back(member.name);
  plan.left_behind = entries.left_behind();
  for (const TableContent& table : take_tables(content, entries, plan.options, record, plan.left_behind)) {
    plan.rows += table.attributes.fingerprint.rows;
    plan.row_bytes += table.attributes.row_bytes;
  }
  refuse_clash(entries);

  Connection session = operation.connect(options.into, "preflight");
  refuse_downgrade(document, postgres::read_server_facts(session));
  const TableThere there = look_at_place(session, plan.options.as);
  plan.exists = there.exists;
  plan.still_refer = there.still_refer;
  plan.publications = publications_of(session, plan.options.as.first);
  tell_parents(plan, entries, options.replace ? there.parents : std::vector<QualifiedName>{});
  if (plan.exists && options.replace)
    plan.kept_name = kept_name(plan.options.as.second, operation.clock.now());
  refuse_missing_schemas(session, plan);
  refuse_place(there, plan.options.as, options.replace);
  return plan;
}

TableResult execute_restore_table(repository::Repository& repository, const TablePlan& plan,
                                  const Operation& operation) {
  RestoreProgress progress(operation.events, operation.clock, plan.row_bytes, 1);
  WatchOptions options{.lock_timeout = plan.options.lock_timeout, .debug_locks = plan.options.debug_locks};
  {
    Connection session = operation.connect(plan.options.into, "probe");
    watch_places(postgres::read_server_facts(session), {"pg_default"}, session, options);
  }
  RestoreWatch watch(operation, plan.options.into, std::move(options), progress);
  try {
    TableResult result = TableRestore(repository, plan, watch.watched(), progress).run();
    watch.finished();
    return result;
  } catch (const Error& error) {
    throw watch.reason(error);
  }
}

}  // namespace dbb::logical
