#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "logical/chosen_part.h"
#include "logical/document.h"
#include "logical/entry_rules.h"
#include "logical/operation.h"
#include "repository/repository.h"

namespace dbb::logical {

enum class OldDatabase : uint8_t {
  kDefault,  // dropped after a proof; kept without one, or when the backup is incomplete
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
  int jobs = 0;                    // per database; 0: one per processor
  int parallel_databases = 1;
  std::chrono::seconds lock_timeout{60};
};

enum class Verdict : uint8_t { kOk, kWarning, kRefused };

struct PreflightLine {
  Verdict verdict = Verdict::kOk;
  std::string check;        // "locks", "disk: tablespace fast"
  std::string finding;      // with the arithmetic
  std::string remedy = {};  // what will be done about it, or what to do
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
  std::string reason = {};                    // of a skip
  std::optional<std::string> kept_name = {};  // the old one's name until it is dropped, or for good
  bool drop_old = false;
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
  std::vector<PreflightLine> preflight;           // complete, also when something is refused
  std::vector<DatabasePlan> databases;            // in the order they are begun
  std::vector<std::string> globals_to_create;     // statements, in order, with masked passwords: to be shown
  std::vector<std::string> globals_with_secrets;  // the same as they are run; never shown, logged or stored
  std::vector<std::string>
      globals_that_differ;  // lines for people: left as they are on the target, if not aligned
  std::vector<std::string> globals_to_align;  // statements that come last, with masked passwords: to be shown
  std::vector<std::string> align_with_secrets;  // the same as they are run
  bool with_owners = true;                      // false: the role cannot give objects away
  int workers = 1;                              // after the lock budget
  bool refused() const;
};

// Neither restored nor skipped, and without an error: not begun.
struct DatabaseOutcome {
  std::string name;
  bool restored = false;
  bool skipped = false;      // as the plan said, which has the reason
  std::string error = {};    // "CODE: message"
  std::string kept_as = {};  // name of the old one, if it was kept
  uint64_t tables = 0;
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
  bool is_complete() const { return restored && missing.empty(); }
};

struct RestoreResult {
  std::vector<DatabaseOutcome> databases;
  double seconds = 0;
  double proof_seconds = 0;
  uint64_t globals_aligned = 0;  // statements that worked
};

// Looks at everything that can be known before the first change. Throws only when it cannot look (no
// connection, no such backup, damage); what speaks against the restore is a refused line.
RestorePlan plan_restore(repository::Repository& repository, const RestoreOptions& options,
                         const Operation& operation);

// Carries out a plan that is not refused. The first database that fails ends the run: its staging database is
// dropped, what was restored before it stays, what was not begun is reported as such, and its Error is thrown
// after `result` is filled. Nothing old is dropped before its replacement is proven and in place. On
// cancellation nothing of ours is left.
//
// Steps for hooks: "globals-done" with ""; per database "staging-created" (of a system database
// "unfinished-removed", when an earlier run left something, and "filling-begun"), "pre-data-done",
// "rows-done", "post-data-done", "before-proof", "proof-done", "before-swap", "swap-open" (names changed, not
// committed), "swapped", "old-dropped".
void execute_restore(repository::Repository& repository, const RestorePlan& plan, const Operation& operation,
                     RestoreResult& result);

// Databases on the server that a run of ours left: staging databases whose run has no session any more, and,
// when asked for, kept ones. Also ends sessions of dead runs.
struct Leftover {
  std::string database;
  std::string kind;  // "staging", "kept"
  std::string run;
  std::string original;
  uint64_t size_bytes = 0;
  bool in_use = false;  // its run is alive
};
std::vector<Leftover> find_leftovers(const Operation& operation);
void remove_leftover(const Leftover& leftover, const Operation& operation);

}  // namespace dbb::logical
