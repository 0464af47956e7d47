#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "repository/core.h"
#include "repository/state_object.h"
#include "system/clock.h"

// What earlier prunes condemned, and whether it may be deleted yet (docs/decisions/0023).
namespace dbb::repository {

// The sessions of others, the newest record of each.
struct OtherSessions {
  std::map<std::string, SessionRecord> alive;  // or perhaps alive, by id
  std::vector<SessionRecord> ended;            // surely

  OtherSessions(RepositoryCore& core, const std::string& own);
};

// For people: "backup on host db1, since 2026-11-20T20:15:02Z".
std::string described(const SessionRecord& session);

// Who asks.
struct PruneIdentity {
  std::string session;  // empty: who asks only looks, and writes nothing
  std::string host;     // clocks are compared only with what the same host wrote
  system::Clock& clock;
};

struct DuePacks {
  std::vector<Condemned> condemned;
  std::vector<Deleting> abandoned;         // announced by a prune that ended before it was done
  std::vector<std::string> state_objects;  // to be removed when the packs are
  std::vector<Condemned> not_yet;
  std::vector<std::string> waits_for;           // whom the rest waits for
  std::map<std::string, SessionRecord> silent;  // no sign of life for a whole grace, by id

  std::set<PackId> packs() const;
};

// Condemned packs are due when each session that was there after they were condemned has ended, or has shown
// no sign of life for a whole grace by the clock of the host that noted it.
DuePacks due_packs(RepositoryCore& core, const PruneIdentity& who);

// Notes whom the deletion of what was just condemned has to wait for. Called after the condemned object was
// stored: whoever comes later sees that one, and does not compare with its packs.
void note_whom_to_wait_for(RepositoryCore& core, const PruneIdentity& who, const std::string& condemned_id);

}  // namespace dbb::repository
