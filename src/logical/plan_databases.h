#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/units.h"
#include "logical/restore.h"
#include "postgres/catalog.h"

// What is done with which database. Pure functions.
namespace dbb::logical {

struct ManifestDatabase;

bool is_system_database(std::string_view name);

// The target's databases, as far as the planning of names needs them.
struct NamesOnTarget {
  std::map<std::string, postgres::Oid> names;
  // Of a run that is gone on with: those that nobody knew of when it began. They are never dropped.
  std::set<std::string> strangers = {};
};

// In the order they are begun: largest first, system databases last. Throws kDatabaseNotFound (the backup has
// none of that name), kNameIllegal, kTargetExists (`as` is taken and `replace` was not asked for).
std::vector<DatabasePlan> plan_databases(const Document& document, const RestoreOptions& options,
                                         const NamesOnTarget& target, const BackupId& run, UtcTime now);

// A system database that has contents on the target is skipped, unless it may be merged into.
void settle_system_database(DatabasePlan& plan, bool is_empty_on_target, const RestoreOptions& options);

// Of a run that is gone on with: what is there under its name, as `earlier` tells, is not restored again; nor
// is what somebody has replaced since. What is gone is. `there` is the database that has the name on the
// target, 0 when none has; `old`, what is asked for now.
void settle_earlier_attempt(DatabasePlan& plan, const ManifestDatabase& earlier, postgres::Oid there,
                            OldDatabase old);

}  // namespace dbb::logical
