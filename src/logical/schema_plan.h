#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "logical/build_cost.h"
#include "postgres/archive_toc.h"

// In which order the entries of a schema archive are run, and which of them at once.
namespace dbb::logical {

// What an entry's statement locks on the server, as far as another entry's could meet it: one table, or a
// tree of partitions or of inheritance. Two tasks of which one claims a thing exclusively never run at the
// same time, so that our own sessions cannot wait for each other in a circle.
struct LockClaim {
  uint32_t thing = 0;
  bool exclusive = false;

  bool operator==(const LockClaim&) const = default;
};

struct SchemaTask {
  const postgres::ArchiveEntry* entry = nullptr;
  std::vector<uint32_t> waits_for;  // indexes of earlier tasks of the same list
  std::vector<LockClaim> claims;
  uint64_t weight = 0;  // expected microseconds; the heaviest of the tasks that may run is begun first
};

using SchemaTasks = std::vector<SchemaTask>;

// Each list is complete before the next begins; rows are loaded between the first two.
struct SchemaPlan {
  SchemaTasks before_rows;
  SchemaTasks after_rows;
  SchemaTasks privileges;
  SchemaTasks refreshes;       // of materialized views
  SchemaTasks event_triggers;  // which would fire for all of the above

  size_t size() const {
    return before_rows.size() + after_rows.size() + privileges.size() + refreshes.size() +
           event_triggers.size();
  }
};

// Which entries are run at all; called once for each that a restore would run.
using EntryFilter = std::function<bool(const postgres::ArchiveEntry&)>;

// `cost`, if any, tells how long each takes. Dependencies between entries
// of one list are kept; besides, what is neither relation nor function (types, casts, operators, extensions
// ...) is run alone, in the archive's order: pg_dump puts it where it is by its kind, and the server does not
// record all that needs it (a view that uses a cast, for one). Within some 200 bytes an entry. `toc` must
// outlive the plan.
SchemaPlan plan_schema(const postgres::ArchiveToc& toc, const EntryFilter& filter,
                       const BuildCost* cost = nullptr);

}  // namespace dbb::logical
