#include "logical/preflight.h"

#include <gmock/gmock.h>

namespace dbb::logical {
namespace {

using testing::HasSubstr;

constexpr uint64_t kGB = 1'000'000'000;

// A restore of one database of 10 GB over an old one of 8 GB, on a target where all is well.
class Preflight : public testing::Test {
 protected:
  Preflight() {
    document.server_version = {150018};
    document.client_version = {150018};
    DatabaseRecord record;
    record.properties.name = "app";
    record.properties.owner = "postgres";
    record.properties.tablespace = "pg_default";
    record.properties.size_bytes = 10 * kGB;
    document.databases.push_back(record);

    facts.address = "db1:5432";
    facts.server.version = {150018};
    facts.server.is_superuser = true;
    facts.server.can_create_databases = true;
    facts.server.role = "postgres";
    facts.server.max_connections = 100;
    facts.server.reserved_connections = 3;
    facts.server.max_locks_per_transaction = 64;
    facts.locks.documented = facts.locks.floor = 6400;
    facts.roles = {"postgres"};
    facts.client = postgres::ServerVersion{150018};
    facts.places = {
        {.tablespace = "pg_default", .path = "/data", .space = system::DiskSpace{100 * kGB, 50 * kGB}}};
    facts.wal.maximum_bytes = kGB;
    TargetDatabase old;
    old.properties.name = "app";
    old.properties.tablespace = "pg_default";
    old.properties.size_bytes = 8 * kGB;
    facts.databases.push_back(old);

    databases.push_back({.source = "app",
                         .name = "app",
                         .action = DatabaseAction::kSwap,
                         .kept_name = "app_before",
                         .drop_old = true,
                         .size_bytes = 10 * kGB});
  }

  std::vector<PreflightLine> lines() {
    std::vector<const SchemaFacts*> schemas;
    for (const auto& [name, schema] : facts.schemas) schemas.push_back(&schema);
    const std::optional<Parallelism> by_connections = fit_connections(facts.server, asked);
    locks = plan_locks(schemas, by_connections.value_or(Parallelism()), facts.server, facts.locks);
    return judge({.facts = facts,
                  .document = document,
                  .options = options,
                  .databases = databases,
                  .locks = locks,
                  .by_connections = by_connections,
                  .asked = asked});
  }

  // The worst line of that check; one without a finding when there is none.
  PreflightLine line(const std::string& check) {
    PreflightLine worst;
    for (const PreflightLine& one : lines()) {
      if (one.check == check && (worst.finding.empty() || one.verdict > worst.verdict)) worst = one;
    }
    return worst;
  }

  RestoreFacts facts;
  Document document;
  RestoreOptions options;
  std::vector<DatabasePlan> databases;
  LockBudget locks;
  Parallelism asked{.workers = 4};
};

TEST_F(Preflight, WhereAllIsWellEveryLineIsOk) {
  for (const PreflightLine& one : lines())
    EXPECT_EQ(one.verdict, Verdict::kOk) << one.check << ": " << one.finding;
}

TEST_F(Preflight, EveryCheckHasItsLine) {
  for (const char* check : {"connection", "topology", "rights", "version", "client programs", "backup",
                            "backup data", "locks", "connections", "disk: pg_default", "extensions",
                            "locales", "tablespaces", "roles", "wal", "names", "database: app"}) {
    EXPECT_FALSE(line(check).finding.empty()) << check;
  }
}

TEST_F(Preflight, NewAndOldMustFitBesideEachOther) {
  facts.places[0].space->available_bytes = 11 * kGB;
  EXPECT_EQ(line("disk: pg_default").verdict, Verdict::kOk);
  EXPECT_THAT(line("disk: pg_default").finding,
              HasSubstr("11.0 GB needed (new beside old: 10.0 GB + WAL: 1.00 GB)"));
  facts.places[0].space->available_bytes = 11 * kGB - 1;
  EXPECT_EQ(line("disk: pg_default").verdict, Verdict::kRefused);
}

TEST_F(Preflight, WhatIsDroppedMakesRoomForTheNext) {
  DatabaseRecord second = document.databases[0];
  second.properties.name = "second";
  document.databases.push_back(second);
  databases.push_back({.source = "second", .name = "second", .size_bytes = 10 * kGB});
  EXPECT_THAT(line("disk: pg_default").finding, HasSubstr("new beside old: 12.0 GB"));  // 10 - 8 + 10
  databases[0].drop_old = false;
  EXPECT_THAT(line("disk: pg_default").finding, HasSubstr("new beside old: 20.0 GB"));
}

TEST_F(Preflight, ARemoteDiskIsUnknownAndTheNeedIsNamed) {
  facts.places[0].space.reset();
  EXPECT_EQ(line("disk: pg_default").verdict, Verdict::kWarning);
  EXPECT_THAT(line("disk: pg_default").finding, HasSubstr("unknown, remote"));
}

TEST_F(Preflight, ADowngradeIsRefusedAndAnUpgradeIsAWarning) {
  facts.server.version = {160004};
  EXPECT_EQ(line("version").verdict, Verdict::kWarning);
  facts.server.version = {140010};
  EXPECT_EQ(line("version").verdict, Verdict::kRefused);
  EXPECT_THAT(line("version").remedy, HasSubstr("PostgreSQL 15 or newer"));
}

TEST_F(Preflight, AStandbyIsRefused) {
  facts.server.in_recovery = true;
  EXPECT_EQ(line("topology").verdict, Verdict::kRefused);
}

TEST_F(Preflight, WhoIsNoSuperuserIsWarnedAndWhoMayNotCreateIsRefused) {
  facts.server.is_superuser = false;
  EXPECT_EQ(line("rights").finding,
            "Current user is not a superuser - database ownership may not be fully restored");
  EXPECT_EQ(line("rights").verdict, Verdict::kWarning);
  facts.server.can_create_databases = false;
  EXPECT_EQ(line("rights").verdict, Verdict::kRefused);
}

TEST_F(Preflight, MissingProgramsAreRefused) {
  facts.client.reset();
  facts.client_problem = "No pg_dumpall was found.";
  EXPECT_EQ(line("client programs").verdict, Verdict::kRefused);
}

TEST_F(Preflight, MissingFramesAreRefused) {
  facts.missing_frames = {"pack 1a2b is missing"};
  EXPECT_EQ(line("backup data").verdict, Verdict::kRefused);
  EXPECT_THAT(line("backup data").finding, HasSubstr("pack 1a2b is missing"));
}

TEST_F(Preflight, AFailedDatabaseIsSkippedInAClusterAndRefusedAlone) {
  document.databases[0].state = DatabaseState::kFailed;
  document.databases[0].error = "SERVER_ERROR: x";
  EXPECT_EQ(line("backup: app").verdict, Verdict::kWarning);
  options.database = "app";
  EXPECT_EQ(line("backup: app").verdict, Verdict::kRefused);
}

TEST_F(Preflight, FewLocksMeanOneWorkerAndTooFewAreRefused) {
  facts.schemas["app"].locks = {{"ANALYZE big", 5000}, {"ANALYZE other", 4000}};
  EXPECT_EQ(line("locks").verdict, Verdict::kWarning);
  EXPECT_THAT(line("locks").remedy,
              HasSubstr("PostgreSQL locks insufficient - AUTO-ENABLING single-threaded mode"));
  facts.schemas["app"].locks[0].locks = 7000;
  EXPECT_EQ(line("locks").verdict, Verdict::kRefused);
  EXPECT_THAT(line("locks").remedy, HasSubstr("max_locks_per_transaction = 71 (it is 64)"));
}

TEST_F(Preflight, FewConnectionSlotsMeanFewerWorkers) {
  facts.server.used_connections = 93;  // 100 - 93 - 3 - 2: two are left
  EXPECT_EQ(line("connections").verdict, Verdict::kWarning);
  EXPECT_EQ(line("connections").remedy, "Restoring with 2 workers instead of 4 workers.");
  facts.server.used_connections = 96;
  EXPECT_EQ(line("connections").verdict, Verdict::kRefused);
}

TEST_F(Preflight, ExtensionsTheTargetLacksAreRefused) {
  document.databases[0].extensions = {{"postgis", "3.3.2", "public"}, {"hstore", "1.8", "public"}};
  facts.extensions = {"hstore"};
  EXPECT_EQ(line("extensions").verdict, Verdict::kRefused);
  EXPECT_THAT(line("extensions").finding, HasSubstr("postgis (for app)"));
  facts.extensions = {"hstore", "postgis"};
  facts.extension_versions = {"hstore 1.8", "postgis 3.4.0"};
  EXPECT_EQ(line("extensions").verdict, Verdict::kWarning);
  facts.extension_versions.insert("postgis 3.3.2");
  EXPECT_EQ(line("extensions").verdict, Verdict::kOk);
}

TEST_F(Preflight, CronIsRefusedOutsideOfSystemDatabases) {
  document.databases[0].extensions = {{"pg_cron", "1.4", "cron"}};
  facts.extensions = {"pg_cron"};
  facts.extension_versions = {"pg_cron 1.4"};
  EXPECT_EQ(line("extensions").verdict, Verdict::kRefused);
  EXPECT_THAT(line("extensions").finding, HasSubstr("pg_cron (for app)"));
}

TEST_F(Preflight, TimescaleInAnotherVersionIsRefused) {
  document.databases[0].extensions = {{"timescaledb", "2.9.0", "public"}};
  facts.extensions = {"timescaledb"};
  facts.extension_versions = {"timescaledb 2.10.0"};
  EXPECT_EQ(line("extensions").verdict, Verdict::kRefused);
  EXPECT_THAT(line("extensions").finding, HasSubstr("timescaledb 2.9.0 (for app)"));
  facts.extension_versions.insert("timescaledb 2.9.0");
  EXPECT_EQ(line("extensions").verdict, Verdict::kOk);
}

TEST_F(Preflight, LocalesTheTargetLacksAreRefused) {
  facts.locales["app"] = {.problem = "could not create locale \"de_AT.utf8\": No such file or directory"};
  EXPECT_EQ(line("locale: app").verdict, Verdict::kRefused);
  facts.locales["app"] = {.collation_version = "2.36"};
  document.databases[0].properties.collation_version = "2.31";
  EXPECT_EQ(line("locale: app").verdict, Verdict::kWarning);
}

TEST_F(Preflight, MissingTablespacesAndTheirPlacesAreRefused) {
  document.databases[0].properties.tablespace = "fast";
  EXPECT_EQ(line("tablespaces").verdict, Verdict::kRefused);
  facts.globals.tablespaces = {{"fast", "/srv/fast"}};
  EXPECT_EQ(line("tablespaces").verdict, Verdict::kOk);
  EXPECT_THAT(line("disk: fast").finding, HasSubstr("10.0 GB needed"));
  facts.locations["fast"] = "does not exist on the target";
  EXPECT_EQ(line("tablespace: fast").verdict, Verdict::kRefused);
}

TEST_F(Preflight, RolesNobodyCanCreateAreRefused) {
  document.databases[0].properties.owner = "app_owner";
  facts.schemas["app"].roles = {"reader"};
  EXPECT_EQ(line("roles").verdict, Verdict::kRefused);
  EXPECT_THAT(line("roles").finding, HasSubstr("app_owner, reader"));
  facts.globals.roles = {"app_owner", "reader"};
  EXPECT_EQ(line("roles").verdict, Verdict::kOk);
}

TEST_F(Preflight, SlotsAndSubscriptionsAreNotDroppedUnasked) {
  facts.databases[0].bindings.logical_slots = {"feed"};
  EXPECT_EQ(line("database: app").verdict, Verdict::kRefused);
  EXPECT_THAT(line("database: app").finding, HasSubstr("logical slot feed"));
  options.drop_slots = true;
  EXPECT_EQ(line("database: app").verdict, Verdict::kWarning);
  options.drop_slots = false;
  databases[0].drop_old = false;
  EXPECT_EQ(line("database: app").verdict, Verdict::kWarning);
}

TEST_F(Preflight, PreparedTransactionsInTheOldDatabaseAreRefused) {
  facts.databases[0].bindings.prepared_transactions = 2;
  EXPECT_EQ(line("database: app").verdict, Verdict::kRefused);
  EXPECT_THAT(line("database: app").finding, HasSubstr("2 prepared transactions"));
}

TEST_F(Preflight, TablespacesOnOneFileSystemMustFitTogether) {
  DatabaseRecord second = document.databases[0];
  second.properties.name = "second";
  second.properties.tablespace = "fast";
  document.databases.push_back(second);
  databases.push_back({.source = "second", .name = "second", .size_bytes = 10 * kGB});
  facts.places.push_back(
      {.tablespace = "fast", .path = "/fast", .space = system::DiskSpace{100 * kGB, 15 * kGB}});
  facts.places[0].space->available_bytes = 15 * kGB;
  EXPECT_EQ(line("disk: pg_default, fast").verdict, Verdict::kOk);
  facts.places[0].file_system = facts.places[1].file_system = 7;
  EXPECT_EQ(line("disk: pg_default, fast").verdict, Verdict::kRefused);
  EXPECT_THAT(line("disk: pg_default, fast").finding, HasSubstr("21.0 GB needed"));
  EXPECT_EQ(line("disk: fast").verdict, Verdict::kOk);
}

TEST_F(Preflight, WalThatIsHeldBackIsCountedAndSaid) {
  databases[0].row_bytes = 5 * kGB;
  EXPECT_EQ(line("wal").verdict, Verdict::kOk);
  facts.wal.held_by = {"feed"};
  EXPECT_EQ(line("wal").verdict, Verdict::kWarning);
  EXPECT_THAT(line("wal").finding, HasSubstr("slot feed"));
  EXPECT_THAT(line("disk: pg_default").finding, HasSubstr("WAL: 6.00 GB"));
  facts.wal.held_by.clear();
  facts.wal.archiver_problem = "archiving 0001 failed";
  EXPECT_EQ(line("wal").verdict, Verdict::kWarning);
  facts.wal.waits_for_standby = true;
  EXPECT_EQ(line("wal").verdict, Verdict::kRefused);
}

TEST_F(Preflight, ALimitOfTemporaryFilesIsNamed) {
  databases[0].row_bytes = 5 * kGB;
  facts.limits.temp_file_bytes = 6 * kGB;
  EXPECT_EQ(line("temporary files").finding, "");
  facts.limits.temp_file_bytes = 4 * kGB;
  EXPECT_EQ(line("temporary files").verdict, Verdict::kWarning);
}

TEST_F(Preflight, ARolesOwnLimitOfConnectionsCounts) {
  facts.server.is_superuser = false;
  facts.server.role_connection_limit = 8;
  facts.server.role_connections = 1;
  EXPECT_EQ(line("connections").verdict, Verdict::kWarning);
  EXPECT_THAT(line("connections").finding, HasSubstr("role postgres may have 8, and has 1"));
  facts.server.role_connection_limit = 4;
  EXPECT_EQ(line("connections").verdict, Verdict::kRefused);
  EXPECT_THAT(line("connections").remedy, HasSubstr("CONNECTION LIMIT"));
}

TEST_F(Preflight, FewSlotsLowerTheDatabasesAtOnceToo) {
  asked = {.workers = 2, .parallel = 4};
  facts.server.used_connections = 100 - 13;  // 3 x (1 + 2) + 2 = 11 fit, 4 x (1 + 2) + 2 = 14 do not
  EXPECT_EQ(line("connections").verdict, Verdict::kWarning);
  EXPECT_EQ(line("connections").remedy,
            "Restoring with 3 workers (3 databases x 1) instead of 8 workers (4 databases x 2).");
}

TEST_F(Preflight, NamesThatWouldBeCutOrMeetAreRefused) {
  EXPECT_EQ(line("names").verdict, Verdict::kOk);
  databases[0].kept_name = std::string(64, 'x');
  EXPECT_EQ(line("names").verdict, Verdict::kRefused);
  databases[0].kept_name = "app";
  EXPECT_EQ(line("names").verdict, Verdict::kRefused);
  EXPECT_THAT(line("names").finding, HasSubstr("\"app\" is wanted for database app and for the old app"));
}

TEST_F(Preflight, SubscriptionsAreRestoredDisabled) {
  facts.schemas["app"].subscriptions = {"feed"};
  EXPECT_EQ(line("subscriptions: app").verdict, Verdict::kWarning);
  options.rules.subscriptions = false;
  EXPECT_EQ(line("subscriptions: app").finding, "");
}

}  // namespace
}  // namespace dbb::logical
