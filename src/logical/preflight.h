#pragma once

#include <vector>

#include "logical/lock_budget.h"
#include "logical/restore.h"
#include "logical/restore_facts.h"

// Judges what was gathered: one line a check, complete whatever is refused. Pure functions.
namespace dbb::logical {

// Sessions one database takes at most: its workers, the program that leads them, and the one that watches.
inline constexpr int kSessionsBesideWorkers = 2;
inline constexpr int kControlSessions = 2;

// Workers for which the target has connection slots, at most `asked`; 0 when not even one fits.
int workers_by_slots(const postgres::ServerFacts& server, int asked, int parallel);

// Names of roles a database refers to that will not exist on the target.
std::vector<std::string> missing_roles(const RestoreFacts& facts, const DatabaseRecord& record);

struct PreflightInput {
  const RestoreFacts& facts;
  const Document& document;
  const RestoreOptions& options;
  const std::vector<DatabasePlan>& databases;
  const LockBudget& locks;
  int slots_workers = 0;  // of workers_by_slots
  int workers_asked = 1;
  int parallel = 1;
};

std::vector<PreflightLine> judge(const PreflightInput& input);

}  // namespace dbb::logical
