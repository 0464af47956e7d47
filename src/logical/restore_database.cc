#include "logical/restore_database.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/units.h"
#include "codec/xxh3.h"
#include "logical/analyze.h"
#include "logical/build_cost.h"
#include "logical/carried_statistics.h"
#include "logical/index_gates.h"
#include "logical/names.h"
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
#include "postgres/server_error.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

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

}  // namespace

const DatabaseRecord& record_of(const RestorePlan& plan, const std::string& source) {
  const DatabaseRecord* record = plan.document.find(source);
  DBB_CHECK(record != nullptr, "a plan names databases of its own document");
  return *record;
}

DatabaseRestore::DatabaseRestore(const RestoreShared& shared, const DatabasePlan& plan,
                                 const Operation& operation, int workers, DatabaseOutcome& outcome)
    : shared_(shared),
      plan_(plan),
      operation_(operation),
      workers_(workers),
      outcome_(outcome),
      record_(record_of(shared.plan, plan.source)),
      with_owners_(shared.plan.with_owners),
      marks_(operation.run) {}

template <typename Body>
auto DatabaseRestore::in_phases(Body&& body) {
  const Stopwatch watch(operation_.clock, outcome_.seconds);
  try {
    content_ = read_database_content(shared_.backup, plan_.source);
    if (plan_.part) narrow(content_, *plan_.part);
    return body();
  } catch (Error& error) {
    error.add_context("Database", plan_.name);
    error.add_context("Phase", phase_);
    outcome_.tables = content_.tables.size();
    outcome_.tables_loaded = marks_.count_with("table ") + marks_.count_with("root ");
    throw;
  }
}

void DatabaseRestore::settle_outcome() {
  outcome_.tables = content_.tables.size();
  outcome_.rows = outcome_.row_bytes = 0;
  for (const TableContent& table : content_.tables) {
    outcome_.rows += table.attributes.fingerprint.rows;
    outcome_.row_bytes += table.attributes.row_bytes;
  }
  outcome_.large_objects = record_.large_objects;
}

WorkSession DatabaseRestore::work_session(std::string database) const {
  WorkSession work = like_the_source(std::move(database), shared_.plan.document, record_, shared_.server);
  work.database_settings = record_.properties.settings;
  work.settings.emplace_back("synchronous_commit", "off");
  if (const auto memory = shared_.plan.maintenance_memory_mib) {
    work.settings.emplace_back("maintenance_work_mem", fmt::format("{}MB", *memory));
  }
  return work;
}

std::string DatabaseRestore::content_text() const {
  const EntryRules& rules = shared_.plan.options.rules;
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {}", shared_.plan.manifest.id.text(), plan_.source,
                  shared_.plan.options.selection.text(), rules.owners, rules.privileges, rules.comments,
                  rules.publications, rules.subscriptions, rules.tablespaces, rules.refreshes);
  for (const auto& [from, to] : rules.roles) text += fmt::format(" {}={}", from, to);
  return codec::xxh3_128(as_bytes(text)).hex();
}

// Rows of unlogged tables do not outlive a crash of the server, the marks that tell of them do. Of an
// unlogged sequence nobody can tell.
bool DatabaseRestore::may_lack_what_is_unlogged(Connection& session) const {
  const postgres::Result unlogged = session.execute(
      "SELECT n.nspname, c.relname, c.relkind = 'S' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace "
      "n "
      "ON n.oid = c.relnamespace WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'S')");
  std::set<std::string> names;
  for (int row = 0; row < unlogged.rows(); ++row) {
    if (unlogged.boolean(row, 2)) return true;
    names.insert(fmt::format("{}.{}", unlogged.text(row, 0), unlogged.text(row, 1)));
  }
  return std::ranges::any_of(content_.tables, [&](const TableContent& table) {
    const TableAttributes& attributes = table.attributes;
    if (attributes.fingerprint.rows == 0 || !names.contains(attributes.qualified_name())) return false;
    if (!is_ready_ && !marks_.has(mark_of_table(attributes))) return false;
    const bool has_rows = session
                              .execute(fmt::format("SELECT EXISTS (SELECT FROM ONLY {})",
                                                   session.qualified(attributes.schema, attributes.name)))
                              .boolean(0, 0);
    return !has_rows;
  });
}

// Takes over the staging database that an earlier attempt of this run left, if what is in it can be told. One
// that cannot is dropped.
bool DatabaseRestore::adopt(Connection& session) {
  const postgres::Oid there = find_database(session, plan_.staging_name);
  if (there.value == 0) return false;
  const postgres::Result comment =
      session.execute("SELECT pg_catalog.shobj_description($1::pg_catalog.oid, 'pg_database')",
                      {std::to_string(there.value)});
  const std::optional<Mark> mark = parse_comment(comment.text(0, 0));
  std::string reason = "it was not finished being made";
  if (mark && mark->run == operation_.run && mark->database == plan_.name) {
    Connection inside = open_session(operation_, work_, "schema", operation_.stop);
    const bool has_marks = marks_.load(inside, content_text());
    is_ready_ = !has_marks && mark->kind == MarkKind::kComplete;
    // What became of it was written down before it was marked as complete; unless that could not be written.
    const bool is_recorded = outcome_.proven || !outcome_.missing.empty() || !shared_.plan.options.proof;
    if (is_ready_ ? is_recorded && !may_lack_what_is_unlogged(inside)
                  : has_marks && !may_lack_what_is_unlogged(inside)) {
      operation_.notice("database-goes-on",
                        fmt::format("{}: going on with what was restored before.", plan_.name),
                        {{"database", plan_.name}, {"staging", plan_.staging_name}});
      return true;
    }
    reason = has_marks || (is_ready_ && is_recorded)
                 ? "the server may have been killed meanwhile, and have emptied what is unlogged in it"
                 : "it does not say what in it is complete";
    marks_.clear();
    is_ready_ = false;
  }
  operation_.notice("database-begins-again",
                    fmt::format("{}: beginning again, because of \"{}\", which an earlier attempt left: {}.",
                                plan_.name, plan_.staging_name, reason),
                    {{"database", plan_.name}, {"staging", plan_.staging_name}});
  drop_staging_now(operation_, shared_.maintenance, plan_.staging_name);
  return false;
}

void DatabaseRestore::create(Connection& session) {
  create_staging(session,
                 {.name = plan_.staging_name,
                  .for_database = plan_.name,
                  .properties = record_.properties,
                  .with_owner = with_owners_,
                  .is_superuser = shared_.server.is_superuser},
                 operation_.run);
  Connection inside = open_session(operation_, work_, "schema", operation_.stop);
  marks_.create(inside, content_text());
}

BuiltDatabase DatabaseRestore::build() {
  return in_phases([&] {
    Connection session = operation_.connect(shared_.maintenance, "create");
    BuiltDatabase built;
    const postgres::Oid there = find_database(session, plan_.name);
    if (there.value != 0 && there != plan_.old) {
      throw Error(ErrorCode::kTargetExists,
                  {.message = fmt::format("{} database \"{}\" exists now on the target.",
                                          plan_.old ? "Another" : "A", plan_.name),
                   .cause = "It was created after the restore was planned.",
                   .solution = {"Run the restore again: the plan then says what becomes of it."}});
    }
    if (there.value != 0 && plan_.drop_first) {
      outcome_.old_is_gone = true;
      operation_.warn("dropped-first",
                      fmt::format("{}: dropping the old database first, as --in-place says.", plan_.name),
                      {{"database", plan_.name}});
      drop_old_database(operation_, shared_.maintenance,
                        {.name = plan_.name, .oid = there, .drop_slots = shared_.plan.options.drop_slots});
    } else if (there.value != 0) {
      built.old = there;
    }
    work_ = work_session(plan_.staging_name);
    if (!adopt(session)) create(session);
    built.staging = find_database(session, plan_.staging_name);
    shared_.journal.update(plan_.name, operation_.clock.now(), [&](ManifestDatabase& entry) {
      entry.oid = built.staging;
      entry.old = built.old;
      entry.kept_name = plan_.kept_name.value_or("");  // this attempt's, by which the next one finds it
      entry.drop_old = plan_.drop_old;
    });
    operation_.at_step("staging-created", plan_.name);
    if (!is_ready_) fill();
    phase_ = "properties";
    give_properties(plan_.staging_name);
    operation_.at_step("before-swap", plan_.name);
    return built;
  });
}

void DatabaseRestore::fill_system() {
  in_phases([&] {
    operation_.notice("system-database",
                      fmt::format("Skipping create for system database (assume exists): {}", plan_.name),
                      {{"database", plan_.name}});
    work_ = work_session(plan_.name);
    begin_to_fill();
    operation_.at_step("filling-begun", plan_.name);
    try {
      fill();
      phase_ = "properties";
      give_properties(plan_.name);
    } catch (Error& error) {
      error.add_context("Left behind", fmt::format("parts of the backup in \"{}\": the next restore removes "
                                                   "them and begins again",
                                                   plan_.name));
      throw;
    }
    settle_outcome();
    outcome_.restored = true;
  });
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

void DatabaseRestore::fill() {
  if (!content_.schema) {
    throw Error(ErrorCode::kCorruptedBackup,
                {.message = fmt::format("The backup holds no schema of database \"{}\".", plan_.source)});
  }
  phase_ = "pre-data";
  outcome_.warnings.clear();
  outcome_.missing.clear();
  outcome_.proven = false;
  const SchemaArchive archive(shared_.backup, *content_.schema);
  EntryRules rules = shared_.plan.options.rules;
  rules.spell_out_all = spells_out_all(upgrade());
  const RuledToc ruled(plan_.part ? part_of(archive.toc(), *plan_.part) : archive.toc(), rules);
  const BuildCost cost(ruled.toc(), content_.tables, text_sort_of(record_.properties));
  const SchemaPlan plan = plan_schema(ruled.toc(), entries_to_run(find_timescale(record_)), &cost);
  if (is_in_place() && plan.size() == 0) return;  // a system database nobody used
  SchemaRunner runner(operation_, work_, ruled.toc(), {.given = with_owners_}, shared_.progress, plan_.name);

  begin_extensions(runner, ruled.toc());
  if (is_in_place()) {
    runner.run_in_one_transaction(plan.before_rows);
  } else {
    runner.keep_marks(marks_);
    create_missing_schemas(ruled.toc());
    runner.tolerate([this](const Error& error, const postgres::ArchiveEntry& entry) {
      return may_be_left_out(error, entry);
    });
    runner.run("schema", plan.before_rows, workers_);
  }
  leave_out_tables();
  operation_.at_step("pre-data-done", plan_.name);
  phase_ = "data";
  load_and_build(runner, plan.after_rows);
  finish_schema(runner, plan, ruled.toc());
  settle_what_was_left_out();
  phase_ = "statistics";
  give_statistics();
  make_durable();
  phase_ = "proof";
  prove();
  phase_ = "post-data";
  end_extensions();
  end_schema(runner, plan);
}

// What has to be there before the first statement of the archive.
void DatabaseRestore::begin_extensions(const SchemaRunner& runner, const postgres::ArchiveToc& toc) {
  static const std::string kMark = "begun";
  if (marks_.has(kMark)) return;
  const postgres::ExtensionNeed* timescale = find_timescale(record_);
  if (with_owners_) {
    Connection session = open_session(operation_, work_, "schema", operation_.stop);
    begin_upgrade(session, upgrade());
  }
  if (timescale != nullptr) {
    runner.run_in_one_transaction(plan_schema(toc, home_of(*timescale)).before_rows);
    Connection session = open_session(operation_, work_, "extensions", operation_.stop);
    begin_timescale_restore(session, *timescale);
  }
  if (is_in_place()) return;
  Connection session = open_session(operation_, work_, "schema", operation_.stop);
  marks_.set(session, kMark);
}

void DatabaseRestore::leave_out_tables() {
  std::erase_if(content_.tables, [&](const TableContent& table) {
    const auto left_out = tables_left_out_.find(table.attributes.qualified_name());
    if (left_out == tables_left_out_.end()) return false;
    outcome_.missing.push_back(fmt::format("{}; the backup has {} rows of it", left_out->second,
                                           format_count(table.attributes.fingerprint.rows)));
    return true;
  });
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
  const bool is_grant = postgres::pass_of(entry) == postgres::RestorePass::kPrivileges;
  const bool is_without_owners = !with_owners_ || !shared_.plan.options.rules.owners;
  const bool is_nobodys_grant = is_grant && is_without_owners && (state == "42501" || state == "42704");
  // Rows that were left out may be those that others refer to.
  const bool refers_to_nothing = entry.description == "FK CONSTRAINT" && state == "23503";
  if (!((postgres::is_undefined(error) || refers_to_nothing) && lacks_something()) && !is_nobodys_grant)
    return false;
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

// Workers that have nothing more to load build what can be built of what is loaded.
void DatabaseRestore::load_and_build(const SchemaRunner& runner, const SchemaTasks& after_rows) {
  std::optional<Stopwatch> watch(std::in_place, operation_.clock, outcome_.load_seconds);
  load_extension_rows(shared_.backup, content_, operation_, work_, shared_.server.is_superuser, marks());
  SchemaQueue queue(after_rows, gates_of(after_rows));
  shared_.progress.begin_rows();
  runner.announce_indexes(after_rows);
  const BesideLoading beside{
      .table_is_in = [&](const TableAttributes& table) { queue.open(table.qualified_name()); },
      .all_are_in =
          [&](const Operation& mine) {
            load_sequences(mine);
            mine.at_step("rows-done", plan_.name);
            phase_ = "post-data";
            watch.emplace(operation_.clock, outcome_.index_seconds);
            shared_.progress.rows_are_in();
            queue.open_all();
          },
      .then =
          [&](const Operation& mine) {
            try {
              runner.work_off("indexes", after_rows, queue, mine);
            } catch (Error& error) {  // also while the database is in the phase before
              error.add_context("Database", plan_.name);
              error.add_context("Phase", "post-data");
              throw;
            }
          }};
  load_rows(shared_.backup, content_, operation_, work_,
            {.workers = workers_,
             .may_split = may_split(),
             .with_owners = with_owners_,
             .marks = marks(),
             .change =
                 [this](postgres::LargeObject& object) {
                   apply_rules(shared_.plan.options.rules, shared_.server.role, object);
                 }},
            shared_.progress, plan_.name, beside);
}

void DatabaseRestore::load_sequences(const Operation& mine) {
  if (content_.sequences.empty()) return;
  Connection session = open_session(mine, work_, "sequences", mine.stop);
  for (const repository::StreamRef& stream : content_.sequences) {
    restore_sequences(*shared_.backup.open_stream(stream), session,
                      [this](const auto& value) { return content_.wants(value); });
  }
}

// What is filled in place shows by its rows how far it came; and what an extension that takes part in the
// restore does with indexes is its own affair.
std::vector<std::string> DatabaseRestore::gates_of(const SchemaTasks& after_rows) const {
  if (is_in_place() || find_timescale(record_) != nullptr) return index_gates(after_rows, {});
  Connection session = open_session(operation_, work_, "schema", operation_.stop);
  const bool through_roots = std::ranges::any_of(
      content_.tables, [](const TableContent& table) { return !table.attributes.load_through.empty(); });
  return index_gates(after_rows, read_index_facts(session, through_roots));
}

Upgrade DatabaseRestore::upgrade() const {
  return {.from = shared_.plan.document.server_version,
          .to = shared_.server.version,
          .dumped_by = shared_.plan.document.client_version};
}

void DatabaseRestore::finish_schema(const SchemaRunner& runner, const SchemaPlan& plan,
                                    const postgres::ArchiveToc& toc) {
  const Stopwatch watch(operation_.clock, outcome_.index_seconds);
  runner.run("privileges", plan.privileges, workers_);
  for (std::string& warning : runner.run_refreshes(plan.refreshes, workers_)) {
    if (!lacks_something()) outcome_.missing.push_back(warning);
    warn("refresh-failed", std::move(warning));
  }
  {
    Connection session = open_session(operation_, work_, "schema", operation_.stop);
    finish_upgrade(session, upgrade(), toc);
  }
  operation_.at_step("post-data-done", plan_.name);
}

void DatabaseRestore::give_statistics() {
  static const std::string kMark = "statistics";
  if (marks_.has(kMark)) return;
  Connection session = open_session(operation_, work_, "analyze", operation_.stop);
  const AnalyzeChoice choice{
      .not_frozen = tables_not_frozen(session, content_, may_split() ? workers_ : 1, marks()),
      .only_extended = plan_.carry_statistics,
  };
  for (std::string& warning : analyze_tables(operation_, work_, choice, workers_, shared_.progress)) {
    warn("analyze-failed", std::move(warning));
  }
  if (plan_.carry_statistics && content_.statistics) {
    for (std::string& warning : carry_statistics(shared_.backup, *content_.statistics, operation_, work_,
                                                 workers_, shared_.progress)) {
      warn("statistics-failed", std::move(warning));
    }
  }
  if (!is_in_place()) marks_.set(session, kMark);
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
  logical::prove(shared_.backup, content_, operation_, work_, workers_, shared_.progress, plan_.name);
  outcome_.proven = tables_left_out_.empty();
  operation_.at_step("proof-done", plan_.name);
}

// Event triggers come last, for they would fire for all else; and with them, in one transaction, the marks
// go. That nothing else is missing is said before, where it cannot be lost: it is what a later attempt goes
// by.
void DatabaseRestore::end_schema(const SchemaRunner& runner, const SchemaPlan& plan) {
  if (is_in_place()) return runner.run_in_one_transaction(plan.event_triggers);
  settle_outcome();
  shared_.journal.update(plan_.name, operation_.clock.now(),
                         [&](ManifestDatabase& entry) { entry.outcome = outcome_; });
  {
    Connection session = operation_.connect(shared_.maintenance, "properties");
    mark_staging(session, plan_.staging_name,
                 {.kind = MarkKind::kComplete, .run = operation_.run, .database = plan_.name});
  }
  runner.run_in_one_transaction(plan.event_triggers, marks_.removal());
}

void DatabaseRestore::warn(const std::string& kind, std::string text) {
  operation_.warn(kind, fmt::format("{}: {}", plan_.name, text), {{"database", plan_.name}});
  outcome_.warnings.push_back(std::move(text));
}

}  // namespace dbb::logical
