#include "logical/unfinished_fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "logical/document.h"
#include "logical/living_runs.h"
#include "logical/proof.h"
#include "logical/schema_archive.h"
#include "logical/staging.h"
#include "postgres/archive_statements.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using postgres::ArchiveEntry;
using postgres::Connection;

constexpr int kLargeObjectsAtOnce = 1000;  // each takes a lock

// What pg_dump says of the database as it is now.
class PresentSchema {
 public:
  PresentSchema(const std::string& database, const postgres::ClientPrograms& programs,
                const Operation& operation)
      : bytes_(dump(database, programs, operation)), toc_(postgres::read_archive_toc(bytes_)) {}
  PresentSchema(const PresentSchema&) = delete;
  PresentSchema& operator=(const PresentSchema&) = delete;

  const postgres::ArchiveToc& toc() const { return toc_; }

 private:
  static std::vector<std::pair<std::string, std::string>> settings(const std::string& database,
                                                                   const Operation& operation) {
    Connection session = operation.connect(database, "preflight");
    std::vector<std::pair<std::string, std::string>> settings = postgres::settings_beside(session);
    settings.emplace_back("lc_monetary", kMoneyLocale);
    return settings;
  }

  static Bytes dump(const std::string& database, const postgres::ClientPrograms& programs,
                    const Operation& operation) {
    Bytes bytes;
    postgres::ProgramRun run{
        .arguments = {kSchemaArguments.begin(), kSchemaArguments.end()},
        .settings = settings(database, operation),
        .application_name = operation.application_name("schema"),
        .on_output = [&](ByteView piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); }};
    postgres::run_program(programs, "pg_dump", operation.target.with_database(database), run,
                          system::StopEvent(operation.stop));
    return bytes;
  }

  const Bytes bytes_;
  const postgres::ArchiveToc toc_;
};

std::string identity_of(const ArchiveEntry& entry) {
  return fmt::format("{}\n{}\n{}\n{}", entry.description, entry.schema, entry.tag, entry.definition);
}

std::string objects_not_in(const postgres::ArchiveToc& backup, const postgres::ArchiveToc& present) {
  std::set<std::string> known;
  for (const ArchiveEntry& entry : backup.entries) known.insert(identity_of(entry));
  for (const ArchiveEntry& entry : present.entries) {
    if (!postgres::is_restored(entry) || known.contains(identity_of(entry))) continue;
    return fmt::format("{} is not in that backup, or was another there", postgres::name_of(entry));
  }
  return {};
}

bool has_rows(Connection& session, const postgres::Table& table) {
  return session
      .execute(fmt::format("SELECT EXISTS (SELECT FROM ONLY {} {})",
                           session.qualified(table.schema, table.name), table.extension_condition))
      .boolean(0, 0);
}

// The tables of `content` that have rows now, with all that are compared together with them. Throws for one
// that has rows and is not in it.
DatabaseContent filled_part(Connection& session, const DatabaseContent& content) {
  std::set<std::string> filled;
  for (const postgres::Table& table : postgres::read_tables(session)) {
    if (has_rows(session, table)) filled.insert(table.schema + "." + table.name);
  }
  DatabaseContent part;
  std::set<std::string> roots;
  for (const TableContent& table : content.tables) {
    if (filled.contains(table.attributes.qualified_name())) roots.insert(table.attributes.load_through);
  }
  roots.erase("");
  for (const TableContent& table : content.tables) {
    const bool is_filled = filled.erase(table.attributes.qualified_name()) > 0;
    if (is_filled || roots.contains(table.attributes.load_through)) part.tables.push_back(table);
  }
  if (!filled.empty()) {
    throw Error(ErrorCode::kProofFailed,
                {.message = fmt::format("table {} has rows that are not in that backup", *filled.begin())});
  }
  const bool has_objects =
      session.execute("SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)").boolean(0, 0);
  if (has_objects) part.large_object_attributes = content.large_object_attributes;
  return part;
}

std::string look(repository::Repository& repository, const UnfinishedFill& unfinished,
                 const postgres::ClientPrograms& programs, const Operation& operation) {
  const std::unique_ptr<repository::BackupReader> backup = repository.open_backup(unfinished.mark.backup);
  const Document document = parse_document(repository.read_manifest(unfinished.mark.backup).document);
  const DatabaseContent content = read_database_content(*backup, unfinished.database);
  const DatabaseRecord* record = document.find(unfinished.database);
  if (record == nullptr || !content.schema) return "that backup does not hold it";
  {
    const SchemaArchive archive(*backup, *content.schema);
    const PresentSchema present(unfinished.database, programs, operation);
    if (std::string other = objects_not_in(archive.toc(), present.toc()); !other.empty()) return other;
  }
  WorkSession work{
      .database = unfinished.database, .encoding = record->properties.encoding, .canonical_formats = true};
  if (!document.money_locale.empty()) work.settings.emplace_back("lc_monetary", document.money_locale);
  Connection session = open_session(operation, work, "preflight", operation.stop);
  NullEventSink nobody;
  RestoreProgress progress(nobody, operation.clock, 0, 0);
  prove(*backup, filled_part(session, content), operation, work, 1, progress, unfinished.database);
  return {};
}

// One statement each; what fails is tried again as long as others succeed.
void drop_objects(Connection& session, const postgres::ArchiveToc& toc, std::string& trouble) {
  std::vector<const ArchiveEntry*> left;
  for (const ArchiveEntry& entry : toc.entries) {
    const bool is_detached_before = entry.description == "SUBSCRIPTION";
    if (postgres::is_restored(entry) && !entry.drop_statement.empty() && !is_detached_before)
      left.push_back(&entry);
  }
  std::ranges::reverse(left);  // the archive's order is that of creation
  for (size_t before = left.size() + 1; !left.empty() && left.size() < before;) {
    before = left.size();
    std::erase_if(left, [&](const ArchiveEntry* entry) {
      try {
        session.execute(std::string(entry->drop_statement));
        return true;
      } catch (const Error& error) {
        if (error.sqlstate().empty() || error.code() == ErrorCode::kConnectionLost) throw;
        trouble = fmt::format("{}: {}", postgres::name_of(*entry), error.what());
        return false;
      }
    });
  }
}

void drop_large_objects(Connection& session) {
  const std::string drop = fmt::format(
      "SELECT pg_catalog.count(pg_catalog.lo_unlink(oid)) FROM (SELECT oid FROM "
      "pg_catalog.pg_largeobject_metadata LIMIT {}) batch",
      kLargeObjectsAtOnce);
  while (session.execute(drop).integer(0, 0) > 0) {
  }
}

// A row of pg_default_acl goes when it says the default again, or nothing.
constexpr const char* kRevokeDefaults = R"(
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s', owner, place, kind,
           CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END), 1
    FROM d, pg_catalog.aclexplode(d.acl) a
  UNION ALL
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT ALL ON %s TO %1$I', owner, kind), 2
    FROM d WHERE place = ''
  UNION ALL
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT ALL ON %s TO PUBLIC', owner, kind), 2
    FROM d WHERE place = '' AND kind IN ('FUNCTIONS', 'TYPES')
  ORDER BY 2, 1)";

void drop_default_privileges(Connection& session) {
  const postgres::Result statements = session.execute(fmt::format(
      R"(WITH d AS (
           SELECT pg_catalog.pg_get_userbyid(f.defaclrole) AS owner, f.defaclacl AS acl,
                  CASE WHEN n.oid IS NULL THEN '' ELSE pg_catalog.format(' IN SCHEMA %I', n.nspname) END AS place,
                  CASE f.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                       WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind
             FROM pg_catalog.pg_default_acl f LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.defaclnamespace){})",
      kRevokeDefaults));
  postgres::in_transaction(session, [&] {
    for (int row = 0; row < statements.rows(); ++row) session.execute(statements.string(row, 0));
  });
}

// Schema public as initdb made it: owner, privileges, comment.
void reset_public(Connection& session) {
  if (session.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'").rows() == 0) return;
  const postgres::Result grantees = session.execute(
      "SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE "
      "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END FROM pg_catalog.pg_namespace n, "
      "pg_catalog.aclexplode(n.nspacl) a WHERE n.nspname = 'public'");
  const bool is_open = session.version().major() < 15;
  const std::string bootstrap =
      session.execute("SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(10))").string(0, 0);
  const std::string owner = is_open ? bootstrap : "pg_database_owner";
  postgres::in_transaction(session, [&] {
    session.execute(fmt::format("ALTER SCHEMA public OWNER TO {}", owner));
    for (int row = 0; row < grantees.rows(); ++row) {
      session.execute(fmt::format("REVOKE ALL ON SCHEMA public FROM {} CASCADE", grantees.text(row, 0)));
    }
    session.execute(fmt::format("GRANT ALL ON SCHEMA public TO {}", owner));
    session.execute(fmt::format("GRANT {} ON SCHEMA public TO PUBLIC", is_open ? "ALL" : "USAGE"));
    session.execute("COMMENT ON SCHEMA public IS 'standard public schema'");
  });
}

}  // namespace

std::string what_else_is_there(repository::Repository& repository, const UnfinishedFill& unfinished,
                               const postgres::ClientPrograms& programs, const Operation& operation) {
  // An earlier attempt of this very run is over: only one process may go on with it.
  if (unfinished.mark.run != operation.run) {
    Connection session = operation.connect(unfinished.database, "preflight");
    if (living_runs(session).contains(std::string(unfinished.mark.run.random_part()))) {
      return "that restore is at work now";
    }
    if (postgres::is_empty_database(session)) return {};
  }
  if (unfinished.mark.beside_others) return "it was merged with contents that were there before";
  try {
    return look(repository, unfinished, programs, operation);
  } catch (const Error& error) {
    // Whatever keeps us from knowing: then it is not known.
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kConnectionLost) throw;
    const bool differs = error.code() == ErrorCode::kProofFailed && !error.cause().empty();
    if (differs) return fmt::format("its rows are not those of that backup ({})", error.cause());
    return error.message();
  }
}

void empty_unfinished(const UnfinishedFill& unfinished, const WorkSession& work,
                      const postgres::ClientPrograms& programs, const Operation& operation) {
  forget_subscriptions(operation, unfinished.database);
  const PresentSchema present(unfinished.database, programs, operation);
  Connection session = open_session(operation, work, "schema", operation.stop);
  std::string trouble;
  drop_objects(session, present.toc(), trouble);
  drop_large_objects(session);
  drop_default_privileges(session);
  reset_public(session);
  if (postgres::is_empty_database(session)) return;
  throw Error(ErrorCode::kRestoreFailed,
              {.message = fmt::format("What an earlier restore put into \"{}\" could not all be removed.",
                                      unfinished.database),
               .cause = std::move(trouble),
               .solution = {"Remove the rest by hand, then run the restore again."}});
}

}  // namespace dbb::logical
