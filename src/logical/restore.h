#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "logical/chosen_part.h"
#include "logical/document.h"
#include "logical/entry_rules.h"
#include "logical/expected_time.h"
#include "logical/lock_budget.h"
#include "logical/operation.h"
#include "logical/restore_profile.h"
#include "repository/repository.h"

namespace dbb::logical {

class RestoreJournal;
struct RestoreManifest;

enum class OldDatabase : uint8_t {
  kDefault,  // dropped after a proof; kept without one, when it is incomplete in the backup, or of another
             // server
  kDrop,
  kKeep,
};

enum class SystemDatabases : uint8_t {
  kSkipFilled,  // into an empty `postgres` or `template1` the contents are restored; one with contents is
                // skipped
  kMerge,
};

// What becomes of roles and tablespaces.
enum class Globals : uint8_t {
  kMissing,  // those that are missing are created, the others left as they are
  kAlign,    // and given what the backup says of them, after the last swap
  kNone,     // nothing is created
};

// What becomes of the staging database of one that could not be restored.
enum class FailedDatabase : uint8_t {
  kDrop,
  kKeep,    // as it is, so that the restore can go on in it
  kRename,  // to <name>_failed_<date>, to be looked into
};

struct FailurePolicy {
  bool go_on = false;  // with the other databases; otherwise the first failure ends the run
  int retries = 0;     // of a database that failed, each goes on where the one before stopped
  FailedDatabase failed = FailedDatabase::kDrop;
  bool require_all = false;      // with go_on: any failure makes the run fail
  int min_success_percent = 80;  // with go_on: of the databases; fewer make the run fail
};

enum class SwapTime : uint8_t {
  kEach,      // each database takes its name when it is complete
  kTogether,  // all in one transaction, when all are; none if one fails
};

// Of what is asked for, whether it is typed or stands in a manifest.
inline constexpr int kMostJobs = 1024;
inline constexpr int kMostParallelDatabases = 1024;
inline constexpr int kMostRetries = 100;
inline constexpr std::chrono::seconds kLongestLockTimeout = std::chrono::hours(7 * 24);

struct RestoreOptions {
  BackupId backup;
  std::optional<std::string> database = {};  // only this one; otherwise all
  std::optional<std::string> as = {};        // the name it gets, with `database`
  bool replace = false;                      // with `as`: swap it in where a database of that name exists
  OldDatabase old = OldDatabase::kDefault;
  bool proof = true;
  SystemDatabases system_databases = SystemDatabases::kSkipFilled;
  Globals globals = Globals::kMissing;
  EntryRules rules = {};
  Selection selection = {};        // of `database`
  bool replace_with_part = false;  // a part, or a backup of a part may take the place of a whole database
  bool statistics = false;         // the planner's of the backup, instead of ANALYZE
  bool drop_slots = false;         // allow dropping an old database with subscriptions or logical slots
  bool validate_fully = false;     // preflight reads every frame
  Profile profile = Profile::kBalanced;
  int jobs = 0;                // per database; 0: as the profile says
  int parallel_databases = 0;  // 0: as the profile says
  std::chrono::seconds lock_timeout{60};
  FailurePolicy failures = {};
  SwapTime swap = SwapTime::kEach;
  bool in_place = false;     // what is replaced is dropped before its replacement is built
  bool debug_locks = false;  // tell what every look at the locks finds
};

enum class Verdict : uint8_t { kOk, kWarning, kRefused };

struct PreflightLine {
  Verdict verdict = Verdict::kOk;
  std::string check;        // "locks", "disk: tablespace fast"
  std::string finding;      // with the arithmetic
  std::string remedy = {};  // what will be done about it, or what to do
  // The databases, by name in the backup, that a refusal is about, when others could be restored all the
  // same.
  std::set<std::string> only = {};
};

enum class DatabaseAction : uint8_t {
  kCreate,      // no database has the name
  kSwap,        // one has, and is replaced
  kFillSystem,  // into an existing system database
  kSkip,
};

struct DatabasePlan {
  std::string source;        // name in the backup
  std::string name;          // name on the target
  std::string staging_name;  // "" when filled in place or skipped
  DatabaseAction action = DatabaseAction::kCreate;
  std::string reason = {};   // of a skip
  std::string refusal = {};  // why it is given up before it is begun, while others are restored
  // The one that has its name, when this was planned, and that one's name until it is dropped, or for good.
  std::optional<postgres::Oid> old = {};
  std::optional<std::string> kept_name = {};
  bool is_stranger = false;  // that one came after the run had begun, and stays in any case
  bool drop_old = false;
  bool drop_first = false;       // before its replacement is built
  bool restored_before = false;  // by an earlier attempt of this run; it is skipped
  uint64_t present_bytes = 0;    // of its staging database, which an earlier attempt left
  // An earlier restore, of this id, began to fill this system database and did not finish: what it left is
  // removed first. `in_doubt` says why that may not be done; the plan is then refused.
  std::string begun_by = {};
  std::string in_doubt = {};
  bool carry_statistics = false;        // those of the backup are used
  std::optional<ChosenPart> part = {};  // what of it is restored; nothing: all
  uint64_t row_bytes = 0;
  uint64_t size_bytes = 0;
  uint64_t tables = 0;
};

// A pure description: printing it changes nothing, executing it does what it says.
struct RestorePlan {
  repository::Manifest manifest;
  Document document;
  RestoreOptions options;
  std::string server;                             // host:port as it was asked for
  std::string done_as;                            // the role that does it
  std::string system_identifier;                  // of it; "" when the role may not know
  std::vector<PreflightLine> preflight;           // complete, also when something is refused
  std::vector<DatabasePlan> databases;            // in the order they are begun
  std::vector<std::string> globals_to_create;     // statements, in order, with masked passwords: to be shown
  std::vector<std::string> globals_with_secrets;  // the same as they are run; never shown, logged or stored
  std::vector<std::string>
      globals_that_differ;  // lines for people: left as they are on the target, if not aligned
  std::vector<std::string> globals_to_align;  // statements that come last, with masked passwords: to be shown
  std::vector<std::string> align_with_secrets;  // the same as they are run
  bool with_owners = true;                      // false: the role cannot give objects away
  int workers = 1;                              // in each database, after the lock budget
  int parallel_databases = 1;                   // at once, likewise
  LockBudget locks;
  std::string profile;                             // the numbers behind it, for people
  std::optional<uint64_t> maintenance_memory_mib;  // of each worker; nothing: as the server has it
  std::vector<DatabaseSizes> sizes;                // of each of `databases`; of a skipped one without bytes
  ExpectedTime expected;
  bool refused() const;
};

struct DatabaseFailure {
  std::string code;   // "PROOF_FAILED"
  std::string phase;  // "create", "pre-data", "data", "post-data", "statistics", "proof", "swap"
  std::string message;
  std::string cause = {};
  std::vector<std::string> solution = {};
  std::string sqlstate = {};
  std::string object = {};     // "TABLE public.orders"; "" when it was none
  std::string statement = {};  // of it; "" when none failed, or it may hold a secret
  int attempts = 1;
  uint64_t tables_loaded = 0;    // of `tables` of the outcome
  std::string left_as = {};      // name of the staging database, when it is still there
  std::string one_line() const;  // "CODE: message: cause"
};

// Neither restored, skipped, failed nor interrupted: not begun.
struct DatabaseOutcome {
  std::string name;
  bool restored = false;         // also by an earlier attempt of the run
  bool restored_before = false;  // which is what the rest says then
  bool skipped = false;          // as the plan said, which has the reason
  bool interrupted = false;      // begun, and stopped for what happened elsewhere
  std::optional<DatabaseFailure> failure = {};
  std::string kept_as = {};  // name of the old one, if it was kept
  bool old_is_gone = false;  // dropped before the new one was built, as in_place says
  uint64_t tables = 0;
  uint64_t tables_loaded = 0;  // of one that failed, as far as it came
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
  uint64_t large_objects = 0;
  bool proven = false;
  double seconds = 0;
  double load_seconds = 0;
  double index_seconds = 0;
  double proof_seconds = 0;
  double swap_window_seconds = 0;  // in which neither name could be connected to
  std::vector<std::string> warnings = {};
  std::vector<std::string> missing = {};  // of `warnings`: what the backup has and the database has not
  std::vector<std::string> newer = {};    // how the old one's rows differ in number from the backup's
  bool is_complete() const { return restored && missing.empty(); }
};

struct RestoreResult {
  std::vector<DatabaseOutcome> databases;
  double seconds = 0;
  double proof_seconds = 0;
  uint64_t globals_aligned = 0;         // statements that worked
  std::filesystem::path manifest = {};  // that a later run can go on from; "": none was kept
  std::filesystem::path failures = {};  // the report of what failed; "": nothing did

  std::vector<std::string> failed() const;  // names of databases
};

// Looks at everything that can be known before the first change. Throws only when it cannot look (no
// connection, no such backup, damage); what speaks against the restore is a refused line.
//
// `earlier`: the manifest of the run that is to go on, whose id the operation then has.
RestorePlan plan_restore(repository::Repository& repository, const RestoreOptions& options,
                         const Operation& operation, const RestoreManifest* earlier = nullptr);

// Carries out a plan that is not refused. Nothing old is dropped before its replacement is proven and in
// place (but see in_place). A database that fails is dealt with as options.failures says; without go_on, its
// Error is thrown after `result` is filled: what was restored before it stays, what was not begun is reported
// as such. A full lock table stops everything in flight, and what is left is restored one database and one
// statement at a time. On cancellation nothing of ours is left, unless failed databases are kept.
//
// `journal` is told of every step, so that a run that was stopped at any moment can go on.
//
// Steps for hooks: "globals-done" and "locks-exhausted" with ""; per database "staging-created" (of a system
// database "unfinished-removed", when an earlier run left something, and "filling-begun"),
// "schema-entry-done", "pre-data-done", "table-loaded", "rows-done", "index-done", "post-data-done",
// "before-proof", "proof-done", "before-swap", "swap-open" (names changed, not committed), "swap-committed"
// (not yet written down), "swapped", "old-dropped".
void execute_restore(repository::Repository& repository, const RestorePlan& plan, const Operation& operation,
                     RestoreJournal& journal, RestoreResult& result);

// Databases on the server that a run of ours left: staging databases, those of databases that failed and were
// to stay, and old ones that were kept.
struct Leftover {
  std::string database;
  postgres::Oid oid = {};
  std::string kind;  // "staging", "failed", "kept"
  std::string run;
  std::string original;
  std::string original_comment = {};  // of a kept one
  uint64_t size_bytes = 0;
  bool in_use = false;      // its run is alive
  bool is_renamed = false;  // by somebody else since: it is no debris, though it bears the mark
};
std::vector<Leftover> find_leftovers(const Operation& operation);
void remove_leftover(const Leftover& leftover, const Operation& operation);

}  // namespace dbb::logical
