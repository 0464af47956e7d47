#include "logical/restore_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "system/file_system.h"

namespace dbb::logical {
namespace {

using postgres::Connection;
using postgres::DatabaseProperties;
using postgres::Result;

std::set<std::string> first_column(Connection& connection, const std::string& sql) {
  const Result answer = connection.execute(sql);
  std::set<std::string> values;
  for (int row = 0; row < answer.rows(); ++row) values.insert(answer.string(row, 0));
  return values;
}

std::vector<DiskPlace> read_places(Connection& connection, const postgres::ServerFacts& server) {
  const Result answer = connection.execute(
      "SELECT spcname, pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace ORDER BY "
      "spcname");
  std::vector<DiskPlace> places;
  for (int row = 0; row < answer.rows(); ++row) {
    DiskPlace place{.tablespace = answer.string(row, 0), .path = answer.string(row, 1)};
    if (place.tablespace == "pg_global") continue;
    if (place.path.empty()) place.path = server.data_directory;  // pg_default, or one in place
    if (server.data_is_local && !place.path.empty()) {
      place.space = system::disk_space(place.path);
      place.file_system = system::file_system_of(place.path).value_or(0);
    }
    places.push_back(std::move(place));
  }
  return places;
}

WalFacts read_wal_facts(Connection& connection) {
  WalFacts wal;
  // Which standbys are synchronous is shown to those who may read all statistics.
  const Result settings = connection.execute(R"(
    SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')),
           pg_catalog.current_setting('synchronous_standby_names') <> ''
           AND pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_replication WHERE sync_state IN ('sync', 'quorum')))");
  wal.maximum_bytes = static_cast<uint64_t>(settings.integer(0, 0));
  wal.waits_for_standby = settings.boolean(0, 1);
  const Result archiver = connection.execute(R"(
    SELECT last_failed_wal, last_failed_time FROM pg_catalog.pg_stat_archiver
     WHERE pg_catalog.current_setting('archive_mode') <> 'off'
       AND last_failed_time > coalesce(last_archived_time, '-infinity'))");
  if (archiver.rows() == 1) {
    wal.archiver_problem = fmt::format("archiving {} failed at {}, and nothing was archived since",
                                       archiver.string(0, 0), archiver.string(0, 1));
  }
  const Result slots = connection.execute(R"(
    SELECT slot_name FROM pg_catalog.pg_replication_slots
     WHERE NOT active AND restart_lsn IS NOT NULL
       AND pg_catalog.current_setting('max_slot_wal_keep_size') = '-1' ORDER BY slot_name)");
  for (int row = 0; row < slots.rows(); ++row) wal.held_by.push_back(slots.string(row, 0));
  return wal;
}

TargetLimits read_limits(Connection& connection) {
  TargetLimits limits;
  const Result answer = connection.execute(
      "SELECT setting::bigint * 1024 FROM pg_catalog.pg_settings WHERE name = 'temp_file_limit' AND setting "
      "<> "
      "'-1'");
  if (answer.rows() == 1) limits.temp_file_bytes = static_cast<uint64_t>(answer.integer(0, 0));
  return limits;
}

std::string probe_statement(const Connection& connection, const DatabaseProperties& database) {
  const auto literal = [&](const std::string& text) { return connection.quote_literal(text); };
  if (database.locale_provider == "i") {
    return fmt::format("CREATE COLLATION pg_temp.dbbackup_probe (provider = icu, locale = {})",
                       literal(database.locale));
  }
  if (database.locale_provider == "b") {
    return fmt::format("CREATE COLLATION pg_temp.dbbackup_probe (provider = builtin, locale = {})",
                       literal(database.locale));
  }
  return fmt::format(
      "CREATE COLLATION pg_temp.dbbackup_probe (provider = libc, lc_collate = {}, lc_ctype = {})",
      literal(database.collate), literal(database.ctype));
}

// Tries the locale by making a collation of it that is never committed.
LocaleFinding probe_locale(Connection& connection, const DatabaseProperties& database) {
  LocaleFinding finding;
  try {
    connection.execute("BEGIN");
    connection.execute(probe_statement(connection, database));
    const Result answer = connection.execute(
        "SELECT collversion FROM pg_catalog.pg_collation WHERE oid = "
        "'pg_temp.dbbackup_probe'::pg_catalog.regcollation");
    finding.collation_version = answer.string(0, 0);
  } catch (const Error& error) {
    if (error.sqlstate().empty()) throw;
    // 22023: no such locale. Anything else, such as no right to temporary objects, says nothing about it.
    finding.checked = error.sqlstate() == "22023";
    if (finding.checked) finding.problem = error.message();
  }
  connection.execute("ROLLBACK");
  return finding;
}

bool is_plain_locale(const DatabaseProperties& database) {
  const auto plain = [](const std::string& name) { return name == "C" || name == "POSIX"; };
  return database.locale_provider == "c" && plain(database.collate) && plain(database.ctype);
}

std::string location_problem(Connection& connection, const std::string& location, int major) {
  try {
    const Result there = connection.execute("SELECT (pg_catalog.pg_stat_file($1, true)).isdir", {location});
    if (there.rows() == 0 || there.is_null(0, 0)) return "does not exist on the target";
    if (!there.boolean(0, 0)) return "is not a directory";
    const Result used =
        connection.execute("SELECT pg_catalog.count(*) FROM pg_catalog.pg_ls_dir($1) name WHERE name LIKE $2",
                           {location, fmt::format("PG\\_{}\\_%", major)});
    if (used.integer(0, 0) > 0) return fmt::format("is in use by another PostgreSQL {} server", major);
  } catch (const Error& error) {
    if (error.sqlstate().empty()) throw;
    if (error.code() != ErrorCode::kPermissionDenied) return error.message();
  }
  return {};
}

// The file that is named in "syntax error in file "/usr/share/.../extension/foo.control" line 1", without its
// end.
std::string extension_in(const std::string& message) {
  static constexpr std::string_view kEnd = ".control";
  const size_t end = message.find(kEnd);
  if (end == std::string::npos) return "?";
  const size_t slash = message.rfind('/', end);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  // Those of certain versions are called foo--1.0.control.
  const std::string name = message.substr(begin, end - begin);
  return name.substr(0, name.find("--"));
}

// One control file that cannot be read fails the views over all of them: each that is needed is asked for
// then.
void look_at_each(Connection& connection, const Document& document, RestoreFacts& facts) {
  for (const DatabaseRecord& record : document.databases) {
    for (const postgres::ExtensionNeed& need : record.extensions) {
      if (facts.extensions.contains(need.name) || facts.broken_extensions.contains(need.name)) continue;
      try {
        // Reads this one's files alone. One that has a single version has no paths.
        const Result paths = connection.execute(
            "SELECT source FROM pg_catalog.pg_extension_update_paths($1) UNION SELECT target FROM "
            "pg_catalog.pg_extension_update_paths($1)",
            {need.name});
        facts.extensions.insert(need.name);
        for (int row = 0; row < paths.rows(); ++row)
          facts.extension_versions.insert(need.name + " " + paths.string(row, 0));
        if (paths.rows() == 0) facts.extension_versions.insert(need.name + " " + need.version);
      } catch (const Error& error) {
        if (error.sqlstate().empty() || error.code() == ErrorCode::kCancelled) throw;
        const bool is_absent = error.sqlstate() == "58P01" || error.sqlstate() == "0A000";
        if (!is_absent) facts.broken_extensions.emplace(need.name, error.message());
      }
    }
  }
}

void gather_extensions(Connection& connection, const Document& document, RestoreFacts& facts) {
  try {
    facts.extensions = first_column(connection, "SELECT name FROM pg_catalog.pg_available_extensions");
    facts.superuser_extensions =
        first_column(connection,
                     "SELECT DISTINCT name FROM pg_catalog.pg_available_extension_versions "
                     "WHERE superuser AND NOT trusted");
    facts.extension_versions = first_column(
        connection, "SELECT name || ' ' || version FROM pg_catalog.pg_available_extension_versions");
  } catch (const Error& error) {
    if (error.sqlstate().empty() || error.code() == ErrorCode::kCancelled) throw;
    facts.extensions.clear();
    facts.broken_extensions.emplace(extension_in(error.message()), error.message());
    look_at_each(connection, document, facts);
  }
}

// The provider is looked up before the object.
bool has_provider(Connection& connection, const std::string& provider) {
  try {
    connection.execute(fmt::format("SECURITY LABEL FOR {} ON TABLE pg_catalog.dbbackup_no_such_table IS NULL",
                                   connection.quote_identifier(provider)));
  } catch (const Error& error) {
    if (error.sqlstate().empty() || error.code() == ErrorCode::kCancelled) throw;
    return error.sqlstate() != "22023";
  }
  return true;
}

}  // namespace

const TargetDatabase* RestoreFacts::find(const std::string& name) const {
  const auto found =
      std::ranges::find_if(databases, [&](const auto& one) { return one.properties.name == name; });
  return found == databases.end() ? nullptr : &*found;
}

void gather_server_facts(Connection& connection, const Operation& operation, const Document& document,
                         RestoreFacts& facts) {
  facts.address = operation.target.host_and_port();
  facts.server = postgres::read_server_facts(connection);
  facts.locks = postgres::lock_capacity(facts.server);
  const std::set<std::string> ours = first_column(
      connection, "SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.pg_has_role(datdba, 'USAGE')");
  for (DatabaseProperties& properties : postgres::read_databases(connection)) {
    const bool is_ours = ours.contains(properties.name);
    const std::optional<FillMark> mark = take_fill_mark(properties);
    facts.databases.push_back({.properties = std::move(properties), .unfinished = mark, .is_ours = is_ours});
  }
  facts.roles = first_column(connection, "SELECT rolname FROM pg_catalog.pg_roles");
  facts.places = read_places(connection, facts.server);
  facts.wal = read_wal_facts(connection);
  facts.limits = read_limits(connection);
  gather_extensions(connection, document, facts);
}

void gather_label_facts(Connection& connection, const Document& document,
                        const std::vector<DatabasePlan>& databases, RestoreFacts& facts) {
  std::set<std::string>& providers = facts.label_providers;
  for (const auto& [database, schema] : facts.schemas)
    providers.insert(schema.label_providers.begin(), schema.label_providers.end());
  for (const DatabasePlan& plan : databases) {
    const DatabaseRecord* record = document.find(plan.source);
    if (plan.action == DatabaseAction::kSkip || record == nullptr) continue;
    for (const postgres::SecurityLabel& label : record->properties.labels) providers.insert(label.provider);
  }
  for (const std::string& statement : facts.globals.create) {
    const SchemaFacts roles = read_schema_facts(statement);
    providers.insert(roles.label_providers.begin(), roles.label_providers.end());
  }
  for (const std::string& provider : providers) {
    if (!has_provider(connection, provider)) facts.missing_providers.insert(provider);
  }
}

void gather_database_facts(Connection& connection, const Operation& operation, const Document& document,
                           const std::vector<DatabasePlan>& databases, RestoreFacts& facts) {
  const Result encoding = connection.execute("SHOW server_encoding");
  std::map<std::string, LocaleFinding> tried;
  for (const DatabasePlan& plan : databases) {
    const auto target = std::ranges::find_if(
        facts.databases, [&](const TargetDatabase& one) { return one.properties.name == plan.name; });
    if (target != facts.databases.end() && plan.action == DatabaseAction::kSwap) {
      target->bindings = postgres::read_bindings(connection, plan.name);
    }
    if (target != facts.databases.end() && plan.action == DatabaseAction::kFillSystem) {
      postgres::Connection session = operation.connect(plan.name, "preflight");
      target->is_empty = postgres::is_empty_database(session);
    }
    const DatabaseRecord* record = document.find(plan.source);
    if (plan.action == DatabaseAction::kSkip || record == nullptr) continue;
    const DatabaseProperties& wanted = record->properties;
    LocaleFinding& finding = facts.locales[plan.source];
    if (is_plain_locale(wanted)) continue;
    if (wanted.encoding != encoding.text(0, 0)) {  // the server would refuse for the encoding alone
      finding.checked = false;
      continue;
    }
    const std::string key =
        fmt::format("{}\n{}\n{}\n{}", wanted.locale_provider, wanted.collate, wanted.ctype, wanted.locale);
    const auto [place, is_new] = tried.try_emplace(key);
    if (is_new) place->second = probe_locale(connection, wanted);
    finding = place->second;
  }
}

void gather_location_facts(Connection& connection, RestoreFacts& facts) {
  for (const TablespaceToCreate& tablespace : facts.globals.tablespaces) {
    if (tablespace.location.empty()) continue;
    facts.locations[tablespace.name] =
        location_problem(connection, tablespace.location, facts.server.version.major());
  }
}

}  // namespace dbb::logical
