#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logical/schema_facts.h"
#include "postgres/server.h"

// How many workers the target's lock table can carry. Pure functions.
namespace dbb::logical {

// Said when no more than one worker in one database is left of what was asked for. People search for it.
inline constexpr std::string_view kSingleThreaded =
    "PostgreSQL locks insufficient - AUTO-ENABLING single-threaded mode";

// What runs at once: `workers` in each of `parallel` databases. Both at least 1.
struct Parallelism {
  int workers = 1;
  int parallel = 1;
  int total() const { return workers * parallel; }
  bool operator==(const Parallelism&) const = default;
};

// "8 workers (2 databases x 4)", "1 worker"
std::string describe(Parallelism work);
// The next less: fewer workers first, then fewer databases at once. Only of a total above 1.
Parallelism one_less(Parallelism now);

struct LockBudget {
  Parallelism asked;
  Parallelism given;       // that fit
  int64_t need = 0;        // locks of `given` workers in the hungriest statements at once
  int64_t need_asked = 0;  // of `asked`
  int64_t available = 0;   // on the target, now
  int64_t documented = 0;  // its capacity as documented
  int64_t in_use = 0;
  int setting = 0;                        // max_locks_per_transaction there
  int64_t setting_for_one = 0;            // the setting with which one worker would fit
  int64_t setting_for_all = 0;            // the setting with which all that were asked for would
  bool fits = true;                       // false: not even one worker fits
  std::vector<StatementLocks> hungriest;  // the statements that need most, most first; few

  // Lowered to a single worker in a single database.
  bool is_single_threaded() const { return given.total() == 1 && asked.total() > 1; }
  int64_t headroom() const { return available - need; }
  int headroom_percent() const;  // of `available`
};

// `databases` holds the hungriest statements of each database.
LockBudget plan_locks(const std::vector<const SchemaFacts*>& databases, Parallelism asked,
                      const postgres::ServerFacts& server, const postgres::LockCapacity& capacity);

// What if each worker needed so many locks?
LockBudget plan_locks(int64_t locks_per_worker, Parallelism asked, const postgres::ServerFacts& server,
                      const postgres::LockCapacity& capacity);

// "4 workers need 1,206 locks at once (most for ...); 5,728 available = capacity 6,400 (64 x (100 + 0) =
// 6,400 as documented) - 672 in use; headroom 4,522 (79 %)"
std::string describe(const LockBudget& budget, const postgres::ServerFacts& server);

}  // namespace dbb::logical
