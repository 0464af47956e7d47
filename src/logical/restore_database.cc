#include "logical/restore_database.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/units.h"
#include "logical/analyze.h"
#include "logical/carried_statistics.h"
#include "logical/proof.h"
#include "logical/row_loader.h"
#include "logical/schema_archive.h"
#include "logical/schema_runner.h"
#include "logical/sequences.h"
#include "logical/staging.h"
#include "logical/unfinished_fill.h"
#include "logical/unprivileged.h"
#include "logical/upgrade.h"
#include "postgres/archive_statements.h"
#include "system/machine.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

constexpr uint64_t kMiB = uint64_t{1} << 20;

const DatabaseRecord& record_of(const RestorePlan& plan, const std::string& source) {
  const DatabaseRecord* record = plan.document.find(source);
  DBB_CHECK(record != nullptr, "a plan names databases of its own document");
  return *record;
}

// For CREATE INDEX of each worker: an eighth of the memory together, when the server shares this host's.
std::optional<uint64_t> maintenance_memory_mib(const postgres::ServerFacts& server, int workers) {
  const uint64_t memory = system::physical_memory_bytes();
  if (!server.data_is_local || memory == 0) return std::nullopt;
  return std::clamp<uint64_t>(memory / 8 / static_cast<uint64_t>(std::max(workers, 1)) / kMiB, 64, 1024);
}

// Measures the time from its construction to its end.
class Stopwatch {
 public:
  Stopwatch(system::Clock& clock, double& seconds)
      : clock_(clock), seconds_(seconds), begun_(clock.steady_now()) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(clock_.steady_now() - begun_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  system::Clock& clock_;
  double& seconds_;
  std::chrono::steady_clock::time_point begun_;
};

std::map<std::string, uint64_t> row_bytes_of(const DatabaseContent& content) {
  std::map<std::string, uint64_t> bytes;
  for (const TableContent& table : content.tables) {
    bytes[table.attributes.qualified_name()] = table.attributes.row_bytes;
  }
  return bytes;
}

// The entry that creates the schema in which an extension lies.
EntryFilter home_of(const postgres::ExtensionNeed& extension) {
  return [schema = extension.schema](const postgres::ArchiveEntry& entry) {
    return entry.description == "SCHEMA" && entry.tag == schema;
  };
}

Error has_contents(const std::string& database, const std::string& finding) {
  return Error(ErrorCode::kTargetExists,
               {.message = fmt::format("Database \"{}\" has contents of its own now.", database),
                .cause = finding,
                .solution = {"Run the restore again without --confirm: the plan says what can be done."}});
}

// Tables whose rows no transaction of their own froze.
std::set<std::string> not_frozen(const Connection& session, const DatabaseContent& content, int workers) {
  std::set<std::string> names;
  for (const LoadTask& task : plan_load(content, workers)) {
    if (task.kind != LoadTask::Kind::kPart && task.kind != LoadTask::Kind::kRoot) continue;
    const TableAttributes& table = content.tables.at(task.tables.front()).attributes;
    names.insert(task.kind == LoadTask::Kind::kRoot ? table.load_through
                                                    : session.qualified(table.schema, table.name));
  }
  return names;
}

}  // namespace

DatabaseRestore::DatabaseRestore(const RestoreShared& shared, const DatabasePlan& plan,
                                 const Operation& operation, DatabaseOutcome& outcome)
    : shared_(shared),
      plan_(plan),
      operation_(operation),
      outcome_(outcome),
      record_(record_of(shared.plan, plan.source)),
      with_owners_(shared.plan.with_owners) {}

void DatabaseRestore::run() {
  const Stopwatch watch(operation_.clock, outcome_.seconds);
  try {
    content_ = read_database_content(shared_.backup, plan_.source);
    if (plan_.part) narrow(content_, *plan_.part);
    if (plan_.action == DatabaseAction::kFillSystem) {
      fill_system();
    } else {
      build_and_swap();
    }
  } catch (Error& error) {
    error.add_context("Database", plan_.name);
    throw;
  }
}

void DatabaseRestore::settle_outcome() {
  outcome_.restored = true;
  outcome_.tables = content_.tables.size();
  for (const TableContent& table : content_.tables) {
    outcome_.rows += table.attributes.fingerprint.rows;
    outcome_.row_bytes += table.attributes.row_bytes;
  }
  outcome_.large_objects = record_.large_objects;
}

WorkSession DatabaseRestore::work_session(std::string database) const {
  WorkSession work{.database = std::move(database), .encoding = record_.properties.encoding};
  work.database_settings = record_.properties.settings;
  work.settings = {{"synchronous_commit", "off"}};
  const std::string& money_locale = shared_.plan.document.money_locale;
  if (!money_locale.empty()) work.settings.emplace_back("lc_monetary", money_locale);
  if (const auto memory = maintenance_memory_mib(shared_.server, shared_.plan.workers)) {
    work.settings.emplace_back("maintenance_work_mem", fmt::format("{}MB", *memory));
  }
  // Triggers on login and on statements are part of what is restored, not of restoring it.
  if (shared_.server.is_superuser && shared_.server.version.major() >= 17) {
    work.settings.emplace_back("event_triggers", "off");
  }
  return work;
}

// In a system database a table has all its rows or none, so that what a killed run left can be told.
int DatabaseRestore::load_workers() const {
  const int workers = shared_.plan.workers;
  return plan_.action == DatabaseAction::kFillSystem ? std::min(workers, kMostWorkersUnsplit) : workers;
}

void DatabaseRestore::create() {
  Connection session = operation_.connect(shared_.maintenance, "create");
  const postgres::Oid there = find_database(session, plan_.name);
  if (plan_.action == DatabaseAction::kCreate && there.value != 0) {
    throw Error(ErrorCode::kTargetExists,
                {.message = fmt::format("A database \"{}\" exists now on the target.", plan_.name),
                 .cause = "It was created after the restore was planned.",
                 .solution = {"Run the restore again: the plan then says what becomes of it."}});
  }
  if (there.value != 0) old_ = there;
  staging_ = create_staging(session,
                            {.name = plan_.staging_name,
                             .for_database = plan_.name,
                             .properties = record_.properties,
                             .with_owner = with_owners_,
                             .is_superuser = shared_.server.is_superuser},
                            operation_.run);
}

void DatabaseRestore::build_and_swap() {
  try {
    create();
    operation_.at_step("staging-created", plan_.name);
    work_ = work_session(plan_.staging_name);
    fill(false);
    make_durable();
    prove();
    end_extensions();
    give_properties(plan_.staging_name, false);
    operation_.at_step("before-swap", plan_.name);
    swap_in();
  } catch (Error& error) {
    if (!drop_staging(operation_, shared_.maintenance, plan_.staging_name)) {
      error.add_context("Left behind", plan_.staging_name);
      warn("staging-left",
           fmt::format(
               "Database \"{}\" could not be dropped. The next restore or `dbbackup cleanup` removes it.",
               plan_.staging_name));
    }
    throw;
  } catch (...) {
    drop_staging(operation_, shared_.maintenance, plan_.staging_name);
    throw;
  }
  settle_outcome();
  operation_.at_step("swapped", plan_.name);
  if (old_ && plan_.drop_old && outcome_.missing.empty()) {
    drop_old();
  } else if (old_) {
    outcome_.kept_as = plan_.kept_name.value_or("");
    if (plan_.drop_old) {
      warn("old-kept",
           fmt::format("The old database is kept as \"{}\": it has what is missing here.", outcome_.kept_as));
    }
  }
}

void DatabaseRestore::fill_system() {
  operation_.notice("system-database",
                    fmt::format("Skipping create for system database (assume exists): {}", plan_.name),
                    {{"database", plan_.name}});
  work_ = work_session(plan_.name);
  begin_to_fill();
  operation_.at_step("filling-begun", plan_.name);
  try {
    fill(true);
    make_durable();
    prove();
    end_extensions();
    give_properties(plan_.name, true);
  } catch (Error& error) {
    error.add_context("Left behind", fmt::format("parts of the backup in \"{}\": the next restore removes "
                                                 "them and begins again",
                                                 plan_.name));
    throw;
  }
  settle_outcome();
}

// Marks the database before the first statement; give_properties() takes the mark away with its settings, in
// the last transaction.
void DatabaseRestore::begin_to_fill() {
  Connection session = operation_.connect(shared_.maintenance, "properties");
  const postgres::ClientPrograms& programs =
      postgres::choose_for_dump(operation_.programs, shared_.server.version);
  for (postgres::DatabaseProperties& there : postgres::read_databases(session)) {
    if (there.name != plan_.name) continue;
    const std::optional<FillMark> mark = take_fill_mark(there);
    if (!mark) continue;
    const UnfinishedFill unfinished{plan_.name, *mark};
    const std::string doubt = what_else_is_there(shared_.repository, unfinished, programs, operation_);
    if (!doubt.empty()) throw has_contents(plan_.name, doubt);
    empty_unfinished(unfinished, work_, programs, operation_);
    operation_.notice("unfinished-removed",
                      fmt::format("{}: removed what restore {} put there, which did not finish.", plan_.name,
                                  mark->run.text()),
                      {{"database", plan_.name}, {"run", mark->run.text()}});
    operation_.at_step("unfinished-removed", plan_.name);
  }
  bool is_empty = false;
  {
    Connection inside = operation_.connect(plan_.name, "schema");
    is_empty = postgres::is_empty_database(inside);
  }
  const bool may_be_filled = shared_.plan.options.system_databases == SystemDatabases::kMerge;
  if (!is_empty && !may_be_filled) throw has_contents(plan_.name, "it was empty when this was planned");
  if (!shared_.server.is_superuser) return;  // nobody else may set it
  set_fill_mark(session, plan_.name,
                {.run = operation_.run, .backup = shared_.plan.manifest.id, .beside_others = !is_empty});
}

void DatabaseRestore::fill(bool in_one_transaction) {
  if (!content_.schema) {
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("The backup holds no schema of database \"{}\".", plan_.source)});
  }
  const SchemaArchive archive(shared_.backup, *content_.schema);
  EntryRules rules = shared_.plan.options.rules;
  rules.spell_out_all = spells_out_all(upgrade());
  const RuledToc ruled(plan_.part ? part_of(archive.toc(), *plan_.part) : archive.toc(), rules);
  const postgres::ExtensionNeed* timescale = find_timescale(record_);
  const SchemaPlan plan = plan_schema(ruled.toc(), entries_to_run(timescale), row_bytes_of(content_));
  if (in_one_transaction && plan.size() == 0) return;  // a system database nobody used
  SchemaRunner runner(operation_, work_, ruled.toc(), {.given = with_owners_}, shared_.progress, plan_.name);

  if (with_owners_) {
    Connection session = open_session(operation_, work_, "schema", operation_.stop);
    begin_upgrade(session, upgrade());
  }
  if (timescale != nullptr) {
    runner.run_in_one_transaction(plan_schema(ruled.toc(), home_of(*timescale), {}).before_rows);
    Connection session = open_session(operation_, work_, "extensions", operation_.stop);
    begin_timescale_restore(session, *timescale);
  }
  if (in_one_transaction) {
    runner.run_in_one_transaction(plan.before_rows);
  } else {
    create_missing_schemas(ruled.toc());
    runner.tolerate([this](const Error& error, const postgres::ArchiveEntry& entry) {
      return may_be_left_out(error, entry);
    });
    runner.run("schema", plan.before_rows, shared_.plan.workers);
  }
  std::erase_if(content_.tables, [&](const TableContent& table) {
    const auto left_out = tables_left_out_.find(table.attributes.qualified_name());
    if (left_out == tables_left_out_.end()) return false;
    outcome_.missing.push_back(fmt::format("{}; the backup has {} rows of it", left_out->second,
                                           format_count(table.attributes.fingerprint.rows)));
    return true;
  });
  operation_.at_step("pre-data-done", plan_.name);
  load();
  finish_schema(runner, plan, ruled.toc());
  settle_what_was_left_out();
}

// A part that was chosen by the names of tables has no CREATE SCHEMA.
void DatabaseRestore::create_missing_schemas(const postgres::ArchiveToc& toc) {
  if (!is_part()) return;
  std::set<std::string_view> schemas;
  for (const postgres::ArchiveEntry& entry : toc.entries) schemas.insert(entry.schema);
  for (const postgres::ArchiveEntry& entry : toc.entries) {
    if (entry.description == "SCHEMA") schemas.erase(entry.tag);
  }
  schemas.erase("");
  if (schemas.empty()) return;
  Connection session = open_session(operation_, work_, "schema", operation_.stop);
  for (const std::string_view schema : schemas) {
    session.execute(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", session.quote_identifier(schema)));
  }
}

// What refers to something that is not in the backup, be it left out on purpose or for want of rights, cannot
// be there either. Without owners, a grant in the name of another may not be possible.
bool DatabaseRestore::may_be_left_out(const Error& error, const postgres::ArchiveEntry& entry) {
  const std::string& state = error.sqlstate();
  const bool is_undefined = state == "42P01" || state == "3F000" || state == "42704" || state == "42883";
  const bool is_grant = postgres::pass_of(entry) == postgres::RestorePass::kPrivileges;
  const bool is_without_owners = !with_owners_ || !shared_.plan.options.rules.owners;
  const bool is_nobodys_grant = is_grant && is_without_owners && (state == "42501" || state == "42704");
  // Rows that were left out may be those that others refer to.
  const bool refers_to_nothing = entry.description == "FK CONSTRAINT" && state == "23503";
  if (!((is_undefined || refers_to_nothing) && lacks_something()) && !is_nobodys_grant) return false;
  const std::scoped_lock lock(mutex_);
  left_out_.push_back(fmt::format("{} was not restored: {}", postgres::name_of(entry), error.message()));
  if (entry.description == "TABLE")
    tables_left_out_[fmt::format("{}.{}", entry.schema, entry.tag)] = left_out_.back();
  return true;
}

void DatabaseRestore::settle_what_was_left_out() {
  for (std::string& line : left_out_) warn("entry-left-out", std::move(line));
  left_out_.clear();
}

// Without the right to give objects away, privileges would be given in the wrong role's name. The schema of
// an extension that comes before everything else has come before it.
EntryFilter DatabaseRestore::entries_to_run(const postgres::ExtensionNeed* first) const {
  return [with_owners = with_owners_, role = shared_.server.role,
          is_home = first != nullptr ? home_of(*first) : EntryFilter()](const postgres::ArchiveEntry& entry) {
    if (is_home && is_home(entry)) return false;
    if (with_owners) return true;
    // What the role owned it owns again, and what it had closed must not be open.
    if (postgres::pass_of(entry) == postgres::RestorePass::kPrivileges) return entry.owner == role;
    return !takes_superuser(entry);
  };
}

void DatabaseRestore::end_extensions() {
  const postgres::ExtensionNeed* timescale = find_timescale(record_);
  if (timescale == nullptr) return;
  Connection session = open_session(operation_, work_, "extensions", operation_.stop);
  end_timescale_restore(session, *timescale);
}

void DatabaseRestore::load() {
  const Stopwatch watch(operation_.clock, outcome_.load_seconds);
  const uint64_t passes = shared_.plan.options.proof ? 2 : 1;
  for (const repository::StreamRef& stream : content_.large_objects)
    shared_.progress.add_total(stream.bytes * passes);
  load_extension_rows(shared_.backup, content_, operation_, work_, shared_.server.is_superuser);
  load_rows(shared_.backup, content_, operation_, work_,
            {.workers = load_workers(),
             .with_owners = with_owners_,
             .change =
                 [this](postgres::LargeObject& object) {
                   apply_rules(shared_.plan.options.rules, shared_.server.role, object);
                 }},
            shared_.progress, plan_.name);
  if (!content_.sequences.empty()) {
    Connection session = open_session(operation_, work_, "sequences", operation_.stop);
    for (const repository::StreamRef& stream : content_.sequences) {
      restore_sequences(*shared_.backup.open_stream(stream), session,
                        [this](const auto& value) { return content_.wants(value); });
    }
  }
  operation_.at_step("rows-done", plan_.name);
}

Upgrade DatabaseRestore::upgrade() const {
  return {.from = shared_.plan.document.server_version, .to = shared_.server.version};
}

void DatabaseRestore::finish_schema(const SchemaRunner& runner, const SchemaPlan& plan,
                                    const postgres::ArchiveToc& toc) {
  const Stopwatch watch(operation_.clock, outcome_.index_seconds);
  const int workers = shared_.plan.workers;
  runner.run("indexes", plan.after_rows, workers);
  runner.run("privileges", plan.privileges, workers);
  for (std::string& warning : runner.run_refreshes(plan.refreshes, workers)) {
    if (!lacks_something()) outcome_.missing.push_back(warning);
    warn("refresh-failed", std::move(warning));
  }
  {
    Connection session = open_session(operation_, work_, "schema", operation_.stop);
    finish_upgrade(session, upgrade(), toc);
  }
  runner.run("event triggers", plan.event_triggers, 1);
  operation_.at_step("post-data-done", plan_.name);
  give_statistics();
}

void DatabaseRestore::give_statistics() {
  const int workers = shared_.plan.workers;
  AnalyzeChoice choice{.only_extended = plan_.carry_statistics};
  {
    const Connection session = open_session(operation_, work_, "analyze", operation_.stop);
    choice.not_frozen = not_frozen(session, content_, load_workers());
  }
  for (std::string& warning : analyze_tables(operation_, work_, choice, workers, shared_.progress)) {
    warn("analyze-failed", std::move(warning));
  }
  if (!plan_.carry_statistics || !content_.statistics) return;
  for (std::string& warning :
       carry_statistics(shared_.backup, *content_.statistics, operation_, work_, workers, shared_.progress)) {
    warn("statistics-failed", std::move(warning));
  }
}

void DatabaseRestore::make_durable() {
  Connection session = open_session(operation_, work_, "sync", operation_.stop);
  session.execute("SET synchronous_commit = on");
  // The log is written in one order: a commit that waits for its own record waits for all that was written
  // before it.
  session.execute("SELECT pg_catalog.txid_current()");
}

void DatabaseRestore::prove() {
  operation_.at_step("before-proof", plan_.name);
  if (!shared_.plan.options.proof) return;
  const Stopwatch watch(operation_.clock, outcome_.proof_seconds);
  logical::prove(shared_.backup, content_, operation_, work_, shared_.plan.workers, shared_.progress,
                 plan_.name);
  outcome_.proven = tables_left_out_.empty();
  operation_.at_step("proof-done", plan_.name);
}

void DatabaseRestore::warn(const std::string& kind, std::string text) {
  operation_.warn(kind, fmt::format("{}: {}", plan_.name, text), {{"database", plan_.name}});
  outcome_.warnings.push_back(std::move(text));
}

}  // namespace dbb::logical
