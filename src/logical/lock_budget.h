#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logical/schema_facts.h"
#include "postgres/server.h"

// How many workers the target's lock table can carry. Pure functions.
namespace dbb::logical {

struct LockBudget {
  int workers = 1;  // that fit; at least 1
  int workers_asked = 1;
  int64_t need = 0;        // locks of `workers` of the hungriest statements at once
  int64_t need_asked = 0;  // of `workers_asked`
  int64_t available = 0;   // on the target, now
  int64_t documented = 0;  // its capacity as documented
  int64_t in_use = 0;
  int setting = 0;              // max_locks_per_transaction there
  int64_t setting_for_one = 0;  // the setting with which one worker would fit
  int64_t setting_for_all = 0;  // the setting with which all that were asked for would
  bool fits = true;             // false: not even one worker fits
  std::string hungriest;        // the statement that needs most

  int64_t headroom() const { return available - need; }
  int headroom_percent() const;
};

// `databases` holds the hungriest statements of each database, `workers` run at once in each of `parallel`
// databases.
LockBudget plan_locks(const std::vector<const SchemaFacts*>& databases, int workers, int parallel,
                      const postgres::ServerFacts& server, const postgres::LockCapacity& capacity);

// "4 workers x hungriest statements = 1,206 locks; 5,728 of 6,400 (64 x (100 + 0)) available; headroom 4,522
// (79 %)"
std::string describe(const LockBudget& budget, const postgres::ServerFacts& server);

}  // namespace dbb::logical
