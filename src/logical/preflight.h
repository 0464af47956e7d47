#pragma once

#include <optional>
#include <string>
#include <vector>

#include "logical/lock_budget.h"
#include "logical/restore.h"
#include "logical/restore_facts.h"

// Judges what was gathered: one line a check, complete whatever is refused. Pure functions.
namespace dbb::logical {

// Sessions one database takes at most: its workers, the program that leads them, and the one that watches.
inline constexpr int kSessionsBesideWorkers = 2;
inline constexpr int kControlSessions = 3;  // one shows that the run lives, one watches, one works

// Slots the role may still take, reserved ones and its own limit taken into account. May be negative.
int free_connections(const postgres::ServerFacts& server);
// What there are connection slots for, at most `asked`; nothing when not even one worker fits.
std::optional<Parallelism> fit_connections(const postgres::ServerFacts& server, Parallelism asked);

// Names of roles a database refers to that will not exist on the target.
std::vector<std::string> missing_roles(const RestoreFacts& facts, const DatabaseRecord& record);

struct PreflightInput {
  const RestoreFacts& facts;
  const Document& document;
  const RestoreOptions& options;
  const std::vector<DatabasePlan>& databases;
  const LockBudget& locks;
  std::optional<Parallelism> by_connections;  // of fit_connections
  Parallelism asked;
};

std::vector<PreflightLine> judge(const PreflightInput& input);

// For a restore that goes on when a database fails: databases that are refused for themselves are given up,
// so that the others can be restored. Nothing is changed when no other is left, or something speaks against
// all.
void give_up_refused(std::vector<PreflightLine>& lines, std::vector<DatabasePlan>& databases);

}  // namespace dbb::logical
