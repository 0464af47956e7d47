#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/shell_word.h"
#include "logical/carried_statistics.h"
#include "logical/globals_align.h"
#include "logical/plan_databases.h"
#include "logical/preflight.h"
#include "logical/restore_contents.h"
#include "logical/restore_manifest.h"
#include "logical/restore_session.h"
#include "logical/restore_sizes.h"
#include "logical/schema_archive.h"
#include "logical/source.h"
#include "logical/unfinished_fill.h"
#include "logical/upgrade.h"
#include "postgres/name_pattern.h"
#include "repository/damage.h"
#include "system/machine.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using postgres::Connection;

const postgres::ClientPrograms* choose_programs(const Operation& operation, RestoreFacts& facts) {
  try {
    const postgres::ClientPrograms& programs =
        postgres::choose_for_dump(operation.programs, facts.server.version);
    facts.client = programs.version;
    return &programs;
  } catch (const Error& error) {
    facts.client_problem = error.what();
    for (const std::string& step : error.solution()) facts.client_problem += " " + step;
    return nullptr;
  }
}

// Which part of the one database is restored. The names are judged by the target, whose patterns they are.
void choose_what_was_asked(repository::BackupReader& backup, const Operation& operation,
                           const std::string& maintenance, RestorePlan& plan) {
  const Selection& selection = plan.options.selection;
  if (selection.is_everything()) return;
  DatabasePlan& database = plan.databases.front();
  const auto record = std::ranges::find(plan.document.databases, database.source, &DatabaseRecord::name);
  DatabaseContent content = read_database_content(backup, database.source);
  if (database.action == DatabaseAction::kSkip || !content.schema) return;
  if (database.action == DatabaseAction::kFillSystem) {
    throw Error(ErrorCode::kUsage,
                {.message = fmt::format("A part of \"{}\" cannot be restored into it.", database.name),
                 .cause = "A system database is filled where it is, all or nothing.",
                 .solution = {"Give the part a database of its own: --as OTHER"}});
  }
  const SchemaArchive archive(backup, *content.schema);
  Connection session =
      open_session(operation, {.database = maintenance, .encoding = record->properties.encoding}, "preflight",
                   operation.stop);
  const Matchers matchers{
      .relations =
          [&](const std::string& pattern, const std::set<QualifiedName>& names) {
            return postgres::table_names_matching(session, database.source, pattern, names);
          },
      .schemas =
          [&](const std::string& pattern, const std::set<QualifiedName>& names) {
            return postgres::schema_names_matching(session, database.source, pattern, names);
          }};
  database.part = choose_part(archive.toc(), content, selection, matchers);
  narrow(content, *database.part);
  narrow(*record, content, *database.part);
  database.tables = record->tables;
  database.row_bytes = record->row_bytes;
  database.size_bytes = record->properties.size_bytes;
}

// Large objects are not in the schema: what their roles are was recorded beside them.
void add_large_objects(const PartAttributes& objects, const EntryRules& rules, const std::string& database,
                       RestoreFacts& facts) {
  std::set<std::string>& roles = facts.schemas[database].roles;
  if (rules.owners) {
    for (const auto& [name, count] : objects.owners) {
      const std::string& owner = rules.role(name);
      roles.insert(owner);
      if (!facts.server.is_superuser && owner != facts.server.role)
        facts.cannot_give[database].owners[owner] += count;
    }
  }
  if (!rules.privileges) return;
  for (const std::string& name : objects.in_privileges) roles.insert(rules.role(name));
}

// Looks into the schema of each database that will be restored.
void read_schemas(repository::BackupReader& backup, const SchemaContent& content,
                  const std::vector<DatabasePlan>& databases, const EntryRules& rules, RestoreFacts& facts) {
  for (const DatabasePlan& plan : databases) {
    const auto schema = content.schemas.find(database_key(plan.source, kSchemaKind));
    if (plan.action == DatabaseAction::kSkip || schema == content.schemas.end()) continue;
    const SchemaArchive archive(backup, schema->second);
    const RuledToc ruled(plan.part ? part_of(archive.toc(), *plan.part) : archive.toc(), rules);
    facts.schemas[plan.source] = read_schema_facts(ruled.toc());
    if (!facts.server.is_superuser) {
      facts.cannot_give[plan.source] = what_cannot_be_given(ruled.toc(), facts.server.role);
    }
    const auto objects = content.large_objects.find(database_key(plan.source, kLargeObjectsKind));
    if (objects != content.large_objects.end() && !plan.part)
      add_large_objects(objects->second, rules, plan.source, facts);
  }
}

// What a restore of one database refers to.
GlobalsFilter filter_for(const DatabaseRecord& record, const RestoreFacts& facts) {
  GlobalsFilter filter;
  const auto schema = facts.schemas.find(record.name());
  if (schema != facts.schemas.end()) {
    filter.roles = schema->second.roles;
    filter.tablespaces = schema->second.tablespaces;
  }
  filter.roles.insert(record.properties.owner);
  filter.tablespaces.insert(record.properties.tablespace);
  for (const postgres::AclEntry& entry : record.properties.acl) {
    filter.roles.insert(entry.grantor);
    filter.roles.insert(entry.grantee);
  }
  for (const postgres::RoleSetting& setting : record.properties.settings) filter.roles.insert(setting.role);
  return filter;
}

std::string target_globals(const postgres::ClientPrograms& programs, const Operation& operation,
                           postgres::Connection& session, bool is_superuser) {
  std::string text;
  postgres::ProgramRun run{.arguments = {"--globals-only"},
                           .settings = postgres::settings_beside(session),
                           .application_name = operation.application_name("globals"),
                           .on_output = [&](ByteView bytes) { text += as_text(bytes); }};
  if (!is_superuser) run.arguments.emplace_back("--no-role-passwords");
  postgres::run_program(programs, "pg_dumpall", operation.target.with_database(session.database()), run,
                        system::StopEvent(operation.stop));
  return text;
}

void read_globals(repository::BackupReader& backup, const SchemaContent& content,
                  const RestoreOptions& options, const Document& document,
                  const postgres::ClientPrograms& programs, const Operation& operation, Connection& session,
                  RestoreFacts& facts) {
  if (!content.globals || options.globals == Globals::kNone) return;
  const Bytes text = backup.read_all(*content.globals, kLongestGlobals);
  const std::string target = target_globals(programs, operation, session, facts.server.is_superuser);
  std::optional<GlobalsFilter> filter;
  const DatabaseRecord* record = options.database ? document.find(*options.database) : nullptr;
  if (record != nullptr) filter = filter_for(*record, facts);
  const Upgrade upgrade{
      .from = document.server_version, .to = facts.server.version, .dumped_by = document.client_version};
  const std::string wanted = globals_for(as_text(text), upgrade);
  GlobalsScope scope{.tablespaces = options.rules.tablespaces};
  for (const auto& [name, other] : options.rules.roles) scope.without_roles.insert(name);
  facts.globals = plan_globals(wanted, target, filter, scope);
  if (options.globals == Globals::kAlign) {
    facts.globals.align = align_globals(
        wanted, target, filter, {.major = facts.server.version.major(), .connected_role = facts.server.role});
  }
  if (options.rules.security_labels) return;
  const auto is_label = [](const std::string& statement) { return statement.starts_with("SECURITY LABEL "); };
  std::erase_if(facts.globals.create, is_label);
  std::erase_if(facts.globals.align, is_label);
}

void settle_system_databases(std::vector<DatabasePlan>& databases, const RestoreOptions& options,
                             const RestoreFacts& facts) {
  for (DatabasePlan& plan : databases) {
    const TargetDatabase* target = facts.find(plan.name);
    if (plan.action != DatabaseAction::kFillSystem || target == nullptr) continue;
    if (target->unfinished) {
      plan.begun_by = target->unfinished->run.text();
    } else {
      settle_system_database(plan, target->is_empty.value_or(false), options);
    }
  }
}

// What an earlier run left is removed only when it is known to be nothing else.
void look_at_unfinished(repository::Repository& repository, std::vector<DatabasePlan>& databases,
                        const postgres::ClientPrograms& programs, const Operation& operation,
                        const RestoreFacts& facts) {
  for (DatabasePlan& plan : databases) {
    const TargetDatabase* target = facts.find(plan.name);
    if (plan.begun_by.empty() || target == nullptr) continue;
    plan.in_doubt =
        what_else_is_there(repository, {plan.name, target->unfinished.value()}, programs, operation);
  }
}

// The manifest's hash tree names what is missing; reading every byte finds what is damaged, too.
void validate(repository::BackupReader& backup, const RestoreOptions& options, const Operation& operation,
              RestoreFacts& facts) {
  facts.missing_frames = backup.missing_frames(operation.stop);
  if (!options.validate_fully || !facts.missing_frames.empty()) return;
  backup.for_each_item([&](const repository::Item& item) {
    for (const repository::StreamRef& part : item.parts) {
      if (operation.stop.stop_requested()) throw cancelled();
      try {
        const std::unique_ptr<repository::StreamReader> reader = backup.open_stream(part);
        for (ByteView piece; reader->next(piece);) facts.bytes_validated += piece.size();
      } catch (const Error& error) {
        if (!repository::is_damage(error)) throw;
        facts.missing_frames.push_back(fmt::format("{} ({})", error.what(), item.key));
      }
    }
  });
}

// Which databases get the planner's statistics of the backup.
void settle_statistics(const SchemaContent& content, RestorePlan& plan, RestoreFacts& facts) {
  if (!plan.options.statistics) return;
  for (DatabasePlan& database : plan.databases) {
    const DatabaseRecord* record = plan.document.find(database.source);
    if (database.action == DatabaseAction::kSkip || record == nullptr) continue;
    const bool are_in_backup = content.statistics.contains(database_key(database.source, kStatisticsKind));
    std::string why =
        why_not_carried(*record, plan.options.selection, are_in_backup, facts.server.version.major());
    database.carry_statistics = why.empty();
    if (!why.empty()) facts.without_statistics.emplace(database.source, std::move(why));
  }
}

// What the profile and the options ask for: never more databases at once than there are.
Parallelism what_is_asked(const RestorePlan& plan, const Machine& machine) {
  const RestoreOptions& options = plan.options;
  Parallelism asked = numbers_of(options.profile, machine).work;
  if (options.jobs > 0) asked.workers = options.jobs;
  if (options.parallel_databases > 0) asked.parallel = options.parallel_databases;
  const auto at_once = std::ranges::count_if(plan.databases, [](const DatabasePlan& database) {
    return database.action == DatabaseAction::kCreate || database.action == DatabaseAction::kSwap;
  });
  asked.parallel = std::clamp(asked.parallel, 1, std::max(static_cast<int>(at_once), 1));
  return asked;
}

// How many workers, in how many databases at once, with how much memory; and how long that will take.
Parallelism plan_work(const RestoreFacts& facts, RestorePlan& plan) {
  const Machine machine{.processors = system::processor_count(),
                        .memory_bytes = facts.server.data_is_local ? system::physical_memory_bytes() : 0};
  const Parallelism asked = what_is_asked(plan, machine);
  std::vector<const SchemaFacts*> schemas;
  for (const auto& [database, schema] : facts.schemas) schemas.push_back(&schema);
  plan.locks = plan_locks(schemas, fit_connections(facts.server, asked).value_or(Parallelism()), facts.server,
                          facts.locks);
  plan.workers = plan.locks.given.workers;
  plan.parallel_databases = plan.locks.given.parallel;
  const Profile profile = plan.options.profile;
  plan.maintenance_memory_mib =
      maintenance_memory_mib(numbers_of(profile, machine), machine, plan.locks.given);
  plan.profile = describe(profile, machine, plan.locks.given, plan.maintenance_memory_mib);
  plan.expected = expect_time(
      plan.sizes,
      {.databases = plan.parallel_databases, .workers = plan.workers, .processors = machine.processors});
  return asked;
}

// A manifest says nothing of other servers, and what one role has built is not what another would have.
void refuse_other_run(const RestoreManifest& earlier, const RestorePlan& plan) {
  if (!earlier.done_as.empty() && earlier.done_as != plan.done_as) {
    throw Error(ErrorCode::kPreflightRefused,
                {.message = "The restore of this manifest was begun by another role.",
                 .cause = fmt::format("It was done as {}, and this is {}: what each may give differs.",
                                      earlier.done_as, plan.done_as),
                 .solution = {fmt::format("Go on as {}: -U {}", earlier.done_as, shell_word(earlier.done_as)),
                              "Or restore anew, without --resume-from-manifest."}});
  }
  const bool is_same = earlier.system_identifier.empty() || plan.system_identifier.empty()
                           ? earlier.server == plan.server
                           : earlier.system_identifier == plan.system_identifier;
  if (is_same) return;
  throw Error(ErrorCode::kPreflightRefused,
              {.message = "The restore of this manifest is one into another server.",
               .cause = fmt::format("It went to {}, system {}; this is {}, system {}.", earlier.server,
                                    earlier.system_identifier, plan.server, plan.system_identifier),
               .solution = {"Connect to that server with -h and -p; or restore anew."}});
}

// Its name is free for the plan: the earlier attempt gave it.
bool is_built_by(const RestoreManifest* earlier, const TargetDatabase& database) {
  if (earlier == nullptr) return false;
  const ManifestDatabase* entry = earlier->find(database.properties.name);
  return entry != nullptr && entry->oid.value != 0 && entry->oid == database.properties.oid;
}

// It came after the earlier attempt had looked what there is.
bool is_stranger_to(const RestoreManifest* earlier, const TargetDatabase& database) {
  if (earlier == nullptr) return false;
  const ManifestDatabase* entry = earlier->find(database.properties.name);
  return entry != nullptr && entry->old != database.properties.oid;
}

void settle_earlier_attempts(const RestoreManifest& earlier, const RestoreFacts& facts, OldDatabase old,
                             std::vector<DatabasePlan>& databases) {
  for (DatabasePlan& plan : databases) {
    const ManifestDatabase* entry = earlier.find(plan.name);
    if (entry == nullptr) continue;
    const TargetDatabase* there = facts.find(plan.name);
    settle_earlier_attempt(plan, *entry, there == nullptr ? postgres::Oid{} : there->properties.oid, old);
    const TargetDatabase* staging = facts.find(plan.staging_name);
    if (staging != nullptr) plan.present_bytes = staging->properties.size_bytes;
  }
}

// What this role cannot give the new one, the old one has.
void keep_what_has_more(const RestoreFacts& facts, RestorePlan& plan) {
  if (plan.options.old != OldDatabase::kDefault) return;
  for (DatabasePlan& database : plan.databases) {
    const auto cannot = facts.cannot_give.find(database.source);
    if (cannot == facts.cannot_give.end() || cannot->second.nothing() || database.drop_first) continue;
    if (!database.restored_before) database.drop_old = false;
  }
}

}  // namespace

bool RestorePlan::refused() const {
  return std::ranges::any_of(preflight,
                             [](const PreflightLine& line) { return line.verdict == Verdict::kRefused; });
}

RestorePlan plan_restore(repository::Repository& repository, const RestoreOptions& options,
                         const Operation& operation, const RestoreManifest* earlier) {
  RestorePlan plan{.manifest = repository.read_manifest(options.backup), .options = options};
  plan.document = parse_document(plan.manifest.document);
  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(plan.manifest.id);

  RestoreFacts facts;
  static constexpr int kProbes = 4;
  const std::string maintenance = maintenance_database(operation);
  postgres::probe_topology(operation.target.with_database(maintenance), kProbes, operation.stop);
  Connection session = operation.connect(maintenance, "preflight");
  gather_server_facts(session, operation, plan.document, facts);
  // Whoever meant another backup than this finds what it replaced.
  plan.options.validate_fully |=
      plan.options.in_place;  // what is dropped first cannot wait for a damaged byte
  if (is_of_another_system(plan.document, facts.server) && options.old == OldDatabase::kDefault) {
    plan.options.old = OldDatabase::kKeep;
  }

  for (DatabaseRecord& record : plan.document.databases) {
    apply_rules(options.rules, facts.server.role, record.properties);
  }
  plan.server = facts.address;
  plan.done_as = facts.server.role;
  plan.system_identifier = facts.server.system_identifier;
  if (earlier != nullptr) refuse_other_run(*earlier, plan);
  NamesOnTarget names;
  for (const TargetDatabase& database : facts.databases) {
    if (is_built_by(earlier, database)) continue;
    names.names.emplace(database.properties.name, database.properties.oid);
    if (is_stranger_to(earlier, database)) names.strangers.insert(database.properties.name);
  }
  plan.databases = plan_databases(plan.document, plan.options, names, operation.run, operation.clock.now());
  if (earlier != nullptr) settle_earlier_attempts(*earlier, facts, plan.options.old, plan.databases);
  gather_database_facts(session, operation, plan.document, plan.databases, facts);
  settle_system_databases(plan.databases, options, facts);

  validate(*backup, plan.options, operation, facts);
  const postgres::ClientPrograms* programs = choose_programs(operation, facts);
  if (facts.missing_frames.empty()) choose_what_was_asked(*backup, operation, maintenance, plan);
  if (programs != nullptr && facts.missing_frames.empty()) {
    const SchemaContent content = read_schema_content(*backup);
    read_schemas(*backup, content, plan.databases, options.rules, facts);
    settle_statistics(content, plan, facts);
    read_globals(*backup, content, options, plan.document, *programs, operation, session, facts);
    gather_location_facts(session, facts);
    gather_label_facts(session, plan.document, plan.databases, facts);
    look_at_unfinished(repository, plan.databases, *programs, operation, facts);
  }
  keep_what_has_more(facts, plan);
  if (facts.missing_frames.empty()) plan.sizes = sizes_of(plan, *backup);

  const Parallelism asked = plan_work(facts, plan);
  plan.preflight = judge({.facts = facts,
                          .document = plan.document,
                          .options = plan.options,
                          .databases = plan.databases,
                          .locks = plan.locks,
                          .by_connections = fit_connections(facts.server, asked),
                          .asked = asked});
  if (options.failures.go_on) give_up_refused(plan.preflight, plan.databases);
  for (const std::string& statement : facts.globals.create)
    plan.globals_to_create.push_back(mask_password(statement));
  plan.globals_with_secrets = std::move(facts.globals.create);
  plan.globals_that_differ = std::move(facts.globals.differ);
  for (const std::string& statement : facts.globals.align)
    plan.globals_to_align.push_back(mask_password(statement));
  plan.align_with_secrets = std::move(facts.globals.align);
  plan.with_owners = facts.server.is_superuser;
  return plan;
}

}  // namespace dbb::logical
