#include "logical/restore.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>

#include "base/error.h"
#include "base/task_group.h"
#include "logical/backup.h"
#include "logical/names.h"
#include "logical/restore_manifest.h"
#include "storage/memory_store.h"
#include "support/private_cluster.h"
#include "system/random.h"
#include "system/stop_event.h"

namespace dbb::logical {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keeps what an operation says, for the test to look at.
class Notices final : public EventSink {
 public:
  void emit(const Event& event) override {
    const auto* notice = std::get_if<Notice>(&event);
    if (notice == nullptr) return;
    const std::scoped_lock lock(mutex_);
    texts_ += notice->kind + ": " + notice->text + "\n";
  }
  std::string texts() {
    const std::scoped_lock lock(mutex_);
    return texts_;
  }

 private:
  std::mutex mutex_;
  std::string texts_;
};

// One cluster and one repository for all tests; each test has a database of its own.
class Restore : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<dbb::testing::PrivateCluster>(dbb::testing::PrivateCluster::Options{
        .settings = {{"max_prepared_transactions", "5"}, {"wal_level", "logical"}}});
    store_ = std::make_unique<storage::MemoryStore>();
    repository::Repository::init(*store_, {}, clock_);
    repository_ = repository::Repository::open(*store_, {});
    programs_ = postgres::find_client_programs({cluster_->bindir()}, system::StopEvent({}));
  }
  static void TearDownTestSuite() {
    repository_.reset();
    store_.reset();
    cluster_.reset();
  }

  void SetUp() override {
    name_ = fmt::format("db_{:x}", system::random_u64() & 0xffffff);
    sql("postgres", "CREATE DATABASE " + name_);
    sql(name_,
        "CREATE TABLE t (id integer PRIMARY KEY, word text); "
        "INSERT INTO t SELECT i, 'word ' || i FROM generate_series(1, 1000) i");
  }
  void TearDown() override {
    for (const Leftover& left : find_leftovers(operation())) remove_leftover(left, operation());
    sql("postgres", fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  }

  static std::string sql(const std::string& database, const std::string& text) {
    return cluster_->psql(text, database);
  }

  // One after the other: CREATE and DROP DATABASE stand alone.
  static void each(std::initializer_list<std::string> statements) {
    for (const std::string& statement : statements) sql("postgres", statement);
  }

  Operation operation(std::stop_token stop = {}) {
    Operation operation{.run = BackupId(clock_.now(), system::random_u64()),
                        .target = cluster_->target(),
                        .programs = programs_,
                        .events = notices_,
                        .clock = clock_,
                        .stop = std::move(stop)};
    return operation;
  }

  BackupId back_up_it() {
    return back_up(*repository_, {.database = name_, .jobs = 2}, operation()).manifest.id;
  }

  RestoreResult restore(const RestoreOptions& options, const Operation& operation) {
    const RestorePlan plan = plan_restore(*repository_, options, operation);
    for (const PreflightLine& line : plan.preflight) {
      EXPECT_NE(line.verdict, Verdict::kRefused) << line.check << ": " << line.finding;
    }
    RestoreResult result;
    RestoreJournal journal;
    execute_restore(*repository_, plan, operation, journal, result);
    return result;
  }

  RestoreOptions options_for(const BackupId& backup) const {
    return {.backup = backup, .database = name_, .jobs = 2};
  }

  std::string oid() const {
    return sql("postgres", fmt::format("SELECT oid FROM pg_database WHERE datname = '{}'", name_));
  }
  // What an untouched old database looks like.
  std::string state() const {
    return oid() + " " +
           sql(name_, "SELECT count(*), sum(id), md5(string_agg(t::text, ',' ORDER BY id)) FROM t");
  }
  static std::string staging_databases() {
    return sql("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'dbbackup_staging%'");
  }
  static std::string sessions_of_ours() {
    return sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dbbackup %'");
  }

  // The code of the error that restoring with `hook` ends in; everything must be as before.
  ErrorCode code_of_harmless_failure(const BackupId& backup, StepHook hook, std::stop_token stop = {}) {
    const std::string before = state();
    ErrorCode code = ErrorCode::kInternal;
    try {
      Operation mine = operation(std::move(stop));
      mine.at_step = std::move(hook);
      restore(options_for(backup), mine);
      ADD_FAILURE() << "the restore succeeded";
    } catch (const Error& error) {
      code = error.code();
      message_ = error.what();
    }
    EXPECT_EQ(state(), before);
    EXPECT_EQ(staging_databases(), "0");
    return code;
  }

  static inline std::unique_ptr<dbb::testing::PrivateCluster> cluster_;
  static inline std::unique_ptr<storage::MemoryStore> store_;
  static inline std::unique_ptr<repository::Repository> repository_;
  static inline std::vector<postgres::ClientPrograms> programs_;
  static inline system::RealClock clock_;
  Notices notices_;
  std::string name_;
  std::string message_;
};

TEST_F(Restore, ReplacesTheDatabaseAndDropsTheOldOneAfterTheProof) {
  const BackupId backup = back_up_it();
  const std::string rows = state().substr(oid().size());
  const std::string old_oid = oid();
  sql(name_, "DELETE FROM t WHERE id > 10");
  const RestoreResult result = restore(options_for(backup), operation());
  ASSERT_EQ(result.databases.size(), 1);
  EXPECT_TRUE(result.databases[0].restored);
  EXPECT_TRUE(result.databases[0].proven);
  EXPECT_EQ(result.databases[0].kept_as, "");
  EXPECT_NE(oid(), old_oid);
  EXPECT_EQ(state().substr(oid().size()), rows);
  EXPECT_EQ(sql("postgres", "SELECT count(*) FROM pg_database WHERE oid = " + old_oid), "0");
  EXPECT_EQ(sessions_of_ours(), "0");
}

TEST_F(Restore, WithoutAProofTheOldOneIsKeptWithItsCommentInTheMark) {
  sql("postgres", fmt::format("COMMENT ON DATABASE {} IS 'mine'", name_));
  const BackupId backup = back_up_it();
  RestoreOptions options = options_for(backup);
  options.proof = false;
  const RestoreResult result = restore(options, operation());
  const std::string kept = result.databases[0].kept_as;
  ASSERT_NE(kept, "");
  EXPECT_EQ(sql(kept, "SELECT count(*) FROM t"), "1000");
  const auto mark = parse_comment(
      sql("postgres",
          fmt::format("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{}'",
                      kept)));
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->kind, MarkKind::kKept);
  EXPECT_EQ(mark->original_comment, "mine");
  EXPECT_EQ(
      sql("postgres",
          fmt::format("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{}'",
                      name_)),
      "mine");
}

TEST_F(Restore, UnderAnotherNameNothingElseIsTouched) {
  const BackupId backup = back_up_it();
  const std::string before = state();
  RestoreOptions options = options_for(backup);
  options.as = name_ + "_copy";
  restore(options, operation());
  EXPECT_EQ(sql(*options.as, "SELECT count(*) FROM t"), "1000");
  EXPECT_EQ(state(), before);
  EXPECT_THROW(plan_restore(*repository_, options, operation()), Error);  // it exists now
  sql("postgres", "DROP DATABASE " + *options.as);
}

TEST_F(Restore, TheProofFindsEveryChangeToOneRow) {
  const BackupId backup = back_up_it();
  for (const char* change :
       {"UPDATE t SET word = 'other' WHERE id = 7", "DELETE FROM t WHERE id = 7",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t WHERE id = 7"}) {
    const StepHook hook = [&](std::string_view step, std::string_view) {
      if (step != "before-proof") return;
      sql(sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup_staging%'"), change);
    };
    EXPECT_EQ(code_of_harmless_failure(backup, hook), ErrorCode::kProofFailed) << change;
    EXPECT_THAT(message_, HasSubstr("table public.t: 1,000 rows expected")) << change;
  }
}

TEST_F(Restore, TheProofFindsASequenceThatMoved) {
  sql(name_, "CREATE SEQUENCE s START 5; SELECT nextval('s')");
  const BackupId backup = back_up_it();
  const StepHook hook = [&](std::string_view step, std::string_view) {
    if (step != "before-proof") return;
    sql(sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup_staging%'"),
        "SELECT nextval('s')");
  };
  EXPECT_EQ(code_of_harmless_failure(backup, hook), ErrorCode::kProofFailed);
  EXPECT_THAT(message_, HasSubstr("sequence public.s: 5 expected, 6 found"));
}

TEST_F(Restore, AStopAtAnyStepBeforeTheSwapLeavesNothing) {
  const BackupId backup = back_up_it();
  for (const char* step : {"globals-done", "staging-created", "pre-data-done", "rows-done", "post-data-done",
                           "before-proof", "proof-done", "before-swap", "swap-open"}) {
    std::stop_source stop;
    const StepHook hook = [&](std::string_view now, std::string_view) {
      if (now == step) stop.request_stop();
    };
    EXPECT_EQ(code_of_harmless_failure(backup, hook, stop.get_token()), ErrorCode::kCancelled) << step;
    EXPECT_EQ(sessions_of_ours(), "0") << step;
  }
}

TEST_F(Restore, PropertiesAreExactlyThoseOfTheBackup) {
  sql("postgres",
      fmt::format("DROP ROLE IF EXISTS r_owner, r_grantor, r_reader; CREATE ROLE r_owner; CREATE ROLE "
                  "r_grantor; CREATE ROLE r_reader;"
                  "ALTER DATABASE {0} OWNER TO r_owner; REVOKE TEMPORARY ON DATABASE {0} FROM PUBLIC;"
                  "GRANT CONNECT ON DATABASE {0} TO r_grantor WITH GRANT OPTION;"
                  "SET ROLE r_grantor; GRANT CONNECT ON DATABASE {0} TO r_reader; RESET ROLE;"
                  "ALTER DATABASE {0} SET search_path = \"$user\", 'public', 'A, b'; ALTER DATABASE {0} SET "
                  "work_mem = '7MB';"
                  "ALTER DATABASE {0} SET my.setting = 'it''s'; ALTER ROLE r_reader IN DATABASE {0} SET "
                  "statement_timeout = '1h';"
                  "ALTER DATABASE {0} SET default_transaction_read_only = on;"
                  "ALTER DATABASE {0} CONNECTION LIMIT 17; COMMENT ON DATABASE {0} IS 'it''s mine'",
                  name_));
  const std::string properties = fmt::format(
      "SELECT d.datdba::regrole, d.datconnlimit, d.datacl, shobj_description(d.oid, 'pg_database'), "
      "(SELECT string_agg(setrole || s.setconfig::text, ';' ORDER BY setrole) FROM pg_db_role_setting s "
      "WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{}'",
      name_);
  const std::string before = sql("postgres", properties);
  const BackupId backup = back_up_it();
  restore(options_for(backup), operation());
  EXPECT_EQ(sql("postgres", properties), before);
  each({"DROP DATABASE " + name_, "DROP ROLE r_owner, r_grantor, r_reader"});
}

TEST_F(Restore, DefaultPrivilegesStayWithoutAList) {
  const BackupId backup = back_up_it();
  restore(options_for(backup), operation());
  EXPECT_EQ(
      sql("postgres",
          fmt::format("SELECT datacl IS NULL, datconnlimit FROM pg_database WHERE datname = '{}'", name_)),
      "t|-1");
}

TEST_F(Restore, ClientsThatReconnectWithoutPauseDoNotHoldUpTheSwap) {
  sql(name_, "CREATE TABLE log (i integer)");
  const BackupId backup = back_up_it();
  std::atomic<int> connected = 0;
  TaskGroup clients({});
  for (int i = 0; i < 4; ++i) {
    clients.spawn("client", [&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        try {
          postgres::Connection session = cluster_->connect(name_, stop);
          ++connected;
          while (!stop.stop_requested()) session.execute("INSERT INTO log VALUES (1)");
        } catch (const Error&) {
          // Ended by the swap, or in its window: at once again.
        }
      }
    });
  }
  const RestoreResult result = restore(options_for(backup), operation());
  EXPECT_TRUE(result.databases[0].restored);
  EXPECT_GT(connected, 0);
  EXPECT_GT(result.databases[0].swap_window_seconds, 0);
  clients.request_stop();
}

TEST_F(Restore, AServerKilledRightAfterTheSwapHasEveryRow) {
  const BackupId backup = back_up_it();
  const std::string rows = state().substr(oid().size());
  Operation mine = operation();
  mine.at_step = [&](std::string_view step, std::string_view) {
    if (step == "swapped") cluster_->stop(dbb::testing::PrivateCluster::Shutdown::kImmediate);
  };
  const RestoreResult result = restore(options_for(backup), mine);
  cluster_->start();
  EXPECT_TRUE(result.databases[0].restored);
  ASSERT_NE(result.databases[0].kept_as, "");  // it could not be dropped, and is named
  EXPECT_EQ(state().substr(oid().size()), rows);
}

TEST_F(Restore, NobodyButSuperusersConnectsToAStagingDatabase) {
  sql("postgres", "DROP ROLE IF EXISTS r_nosy; CREATE ROLE r_nosy LOGIN");
  const BackupId backup = back_up_it();
  std::string answer;
  Operation mine = operation();
  mine.at_step = [&](std::string_view step, std::string_view) {
    if (step != "before-swap") return;
    const std::string staging =
        sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup_staging%'");
    try {
      postgres::Connection::open(cluster_->target(staging, "r_nosy"), {}, {});
      answer = "let in";
    } catch (const Error& error) {
      answer = error.what();
    }
  };
  restore(options_for(backup), mine);
  EXPECT_THAT(answer, HasSubstr("too many connections"));
  sql("postgres", "DROP ROLE r_nosy");
}

TEST_F(Restore, AFailingRefreshIsAWarningAndKeepsTheOldDatabase) {
  sql(name_,
      "CREATE MATERIALIZED VIEW mv AS SELECT 1 / (2 - count(*)) AS x FROM t WHERE id < 3 WITH NO DATA");
  sql(name_,
      "UPDATE t SET id = id + 5000 WHERE id = 1; REFRESH MATERIALIZED VIEW mv; UPDATE t SET id = 1 WHERE id "
      "= 5001");
  const BackupId backup = back_up_it();
  const RestoreResult result = restore(options_for(backup), operation());
  ASSERT_EQ(result.databases[0].warnings.size(), 2);
  EXPECT_THAT(result.databases[0].warnings[0], HasSubstr("mv"));
  EXPECT_THAT(result.databases[0].warnings[0], HasSubstr("division by zero"));
  const std::string kept = result.databases[0].kept_as;
  EXPECT_THAT(result.databases[0].warnings[1], HasSubstr(kept));
  EXPECT_EQ(sql(kept, "SELECT count(*) FROM mv"), "1") << "the old one has what the new one lacks";
}

TEST_F(Restore, EventTriggersDoNotFireForTheRestore) {
  sql(name_,
      "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;"
      "CREATE INDEX i ON t (word); CREATE EVENT TRIGGER et ON ddl_command_start EXECUTE FUNCTION no()");
  const BackupId backup = back_up_it();
  restore(options_for(backup), operation());
  EXPECT_EQ(sql(name_, "SELECT evtname, evtenabled FROM pg_event_trigger"), "et|O");
}

TEST_F(Restore, PreparedTransactionsAndSlotsOfTheOldDatabaseAreRefusedBeforeAnyChange) {
  const BackupId backup = back_up_it();
  sql(name_, "BEGIN; INSERT INTO t VALUES (5000, 'x'); PREPARE TRANSACTION 'p1'");
  RestorePlan plan = plan_restore(*repository_, options_for(backup), operation());
  EXPECT_TRUE(plan.refused());
  sql(name_, "COMMIT PREPARED 'p1'");

  sql(name_, "SELECT pg_create_logical_replication_slot('s1', 'pgoutput')");
  plan = plan_restore(*repository_, options_for(backup), operation());
  EXPECT_TRUE(plan.refused());
  RestoreOptions options = options_for(backup);
  options.drop_slots = true;
  restore(options, operation());
  EXPECT_EQ(sql("postgres", "SELECT count(*) FROM pg_replication_slots"), "0");
}

// A subscription whose publisher does not exist: enabled, and with a slot it never reaches.
TEST_F(Restore, ASubscriptionStaysWithTheOldDatabaseAndIsEnabledOnlyIfThatStaysInPlace) {
  sql(name_,
      "CREATE SUBSCRIPTION sub CONNECTION 'host=/nonexistent dbname=x' PUBLICATION p "
      "WITH (connect = false, slot_name = 'x')");
  sql(name_, "ALTER SUBSCRIPTION sub ENABLE");
  const std::string enabled =
      "SELECT subenabled FROM pg_subscription WHERE subdbid = "
      "(SELECT oid FROM pg_database WHERE datname = '{}')";
  const BackupId backup = back_up_it();
  EXPECT_TRUE(plan_restore(*repository_, options_for(backup), operation()).refused());

  RestoreOptions options = options_for(backup);
  options.old = OldDatabase::kKeep;
  std::stop_source stop;
  Operation stopped = operation(stop.get_token());
  stopped.at_step = [&](std::string_view step, std::string_view) {
    if (step == "swap-open") stop.request_stop();
  };
  EXPECT_THROW(restore(options, stopped), Error);
  EXPECT_EQ(staging_databases(), "0");
  EXPECT_EQ(sql("postgres", fmt::format(fmt::runtime(enabled), name_)), "t");

  const std::string kept = restore(options, operation()).databases[0].kept_as;
  EXPECT_EQ(sql("postgres", fmt::format(fmt::runtime(enabled), name_)), "f");
  EXPECT_EQ(sql("postgres", fmt::format(fmt::runtime(enabled), kept)), "f");
  for (const std::string& database : {kept, name_}) {
    sql(database, "ALTER SUBSCRIPTION sub SET (slot_name = NONE)");
    sql(database, "DROP SUBSCRIPTION sub");
  }
}

TEST_F(Restore, WhoIsNoSuperuserGetsADatabaseOfHisOwn) {
  sql("postgres", "DROP ROLE IF EXISTS r_plain; CREATE ROLE r_plain LOGIN CREATEDB");
  const BackupId backup = back_up_it();
  Operation mine = operation();
  mine.target = cluster_->target("postgres", "r_plain");
  EXPECT_TRUE(plan_restore(*repository_, options_for(backup), mine).refused());  // not his to replace

  RestoreOptions options = options_for(backup);
  options.as = name_ + "_mine";
  EXPECT_TRUE(restore(options, mine).databases[0].proven);
  EXPECT_EQ(
      sql(*options.as, "SELECT tableowner, (SELECT count(*) FROM t) FROM pg_tables WHERE tablename = 't'"),
      "r_plain|1000");
  mine.run = BackupId(clock_.now(), system::random_u64());
  options.replace = true;
  const DatabaseOutcome replaced = restore(options, mine).databases[0];
  EXPECT_TRUE(replaced.proven);
  EXPECT_NE(replaced.kept_as, "");  // it may have what r_plain cannot give
  each({"DROP DATABASE " + *options.as, fmt::format("DROP DATABASE \"{}\"", replaced.kept_as),
        "DROP ROLE r_plain"});
}

TEST_F(Restore, LargeObjectsComeBackWithTheirOwners) {
  sql(name_,
      "DROP ROLE IF EXISTS r_lo; CREATE ROLE r_lo; SELECT lo_from_bytea(4711, decode(repeat('00ff', 400000), "
      "'hex'));"
      "SELECT lo_create(4712); ALTER LARGE OBJECT 4711 OWNER TO r_lo; GRANT SELECT ON LARGE OBJECT 4711 TO "
      "r_lo");
  const std::string objects =
      "SELECT oid, lomowner::regrole, lomacl, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid";
  const std::string before = sql(name_, objects);
  const BackupId backup = back_up_it();
  restore(options_for(backup), operation());
  EXPECT_EQ(sql(name_, objects), before);

  const StepHook hook = [&](std::string_view step, std::string_view) {
    if (step != "before-proof") return;
    sql(sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup_staging%'"),
        "SELECT lo_put(4711, 5, '\\x42')");
  };
  EXPECT_EQ(code_of_harmless_failure(backup, hook), ErrorCode::kProofFailed);
  EXPECT_THAT(message_, HasSubstr("large objects: 2 expected, 2 found, with other contents"));
  each({"DROP DATABASE " + name_, "DROP ROLE r_lo"});
}

TEST_F(Restore, ADatabaseThatAppearsUnderTheNameMeanwhileIsNotTouched) {
  const BackupId backup = back_up_it();
  Operation mine = operation();
  mine.at_step = [&](std::string_view step, std::string_view) {
    if (step == "before-swap") each({"DROP DATABASE " + name_, "CREATE DATABASE " + name_});
  };
  try {
    restore(options_for(backup), mine);
    ADD_FAILURE() << "swapped with a stranger";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kSwapFailed);
  }
  EXPECT_EQ(sql(name_, "SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
  EXPECT_EQ(staging_databases(), "1");  // complete, it waits for its name
}

TEST_F(Restore, ALivingRunsStagingDatabaseIsNoDebrisAndADeadOnesIs) {
  const Operation dead = operation();
  const std::string staging = staging_name(dead.run, 1);
  each({"CREATE DATABASE " + staging,
        fmt::format("COMMENT ON DATABASE {} IS '{}'", staging,
                    to_comment({.kind = MarkKind::kStaging, .run = dead.run, .database = name_}))});
  {
    const postgres::Connection control = dead.connect("postgres", "control");
    const auto left = find_leftovers(operation());
    ASSERT_EQ(left.size(), 1);
    EXPECT_TRUE(left[0].in_use);
    EXPECT_EQ(left[0].original, name_);
  }
  while (sessions_of_ours() != "0") {
  }
  EXPECT_FALSE(find_leftovers(operation()).at(0).in_use);
  const BackupId backup = back_up_it();
  restore(options_for(backup), operation());
  EXPECT_EQ(staging_databases(), "0");
  EXPECT_THAT(notices_.texts(), HasSubstr("leftover-removed: Dropped \"" + staging + "\""));
}

TEST_F(Restore, SomebodyElsesDatabaseOfASimilarNameIsNoDebris) {
  each({"CREATE DATABASE dbbackup_staging_area", "CREATE DATABASE dbbackup_staging_0123456789abcdef_1",
        "COMMENT ON DATABASE dbbackup_staging_0123456789abcdef_1 IS 'somebody''s own'"});
  EXPECT_THAT(find_leftovers(operation()), IsEmpty());
  each({"DROP DATABASE dbbackup_staging_area", "DROP DATABASE dbbackup_staging_0123456789abcdef_1"});
}

TEST_F(Restore, RolesThatAreMissingComeBackAndOthersStay) {
  sql("postgres",
      "DROP ROLE IF EXISTS r_gone, r_other; CREATE ROLE r_gone PASSWORD 'x'; CREATE ROLE r_other");
  sql(name_, "GRANT SELECT ON t TO r_gone");
  const BackupId backup = back_up_it();
  sql(name_, "DROP OWNED BY r_gone");
  sql("postgres", "DROP ROLE r_gone; DROP ROLE r_other");
  restore(options_for(backup), operation());
  EXPECT_EQ(sql("postgres", "SELECT rolname FROM pg_roles WHERE rolname IN ('r_gone', 'r_other')"), "r_gone");
  EXPECT_EQ(sql(name_, "SELECT has_table_privilege('r_gone', 't', 'SELECT')"), "t");
  sql(name_, "DROP OWNED BY r_gone");
  sql("postgres", "DROP ROLE r_gone");
}

}  // namespace
}  // namespace dbb::logical
