#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/backup_id.h"
#include "base/units.h"
#include "repository/backup_writer.h"
#include "repository/core.h"
#include "repository/format.h"

// The short-lived objects by which processes that write, delete and read at the same time coordinate
// (docs/format/repository.md, "State"; docs/decisions/0023).
namespace dbb::repository {

// A process at work. What counts is its name, that is id and sequence number; the rest is for people, and to
// see that a process of this machine has ended.
struct SessionRecord {
  std::string id;         // 16 hexadecimal digits
  uint32_t sequence = 0;  // one more with every sign of life
  std::string host;
  std::string process;    // system::process_identity()
  std::string operation;  // "backup", "restore", "prune", ...
  std::string backup;     // the id of the backup that is written or read; may be empty
  UtcTime started;
  UtcTime beat;
};

// The frames that a running backup stored since its last checkpoint.
struct Checkpoint {
  struct Part {
    StreamKey key;
    std::vector<FrameId> frames;
  };
  BackupId backup;
  uint32_t sequence = 0;
  std::string source;
  std::string backup_kind;
  std::vector<Part> parts;
};

// Packs that no backup needed when they were looked at.
struct Condemned {
  std::string id;
  std::vector<PackId> packs;
};

// The sessions that were there after the condemned object of that id was stored.
struct Waits {
  struct Seen {
    std::string session;
    uint32_t sequence = 0;
  };
  std::string id;  // its own
  std::string condemned_id;
  std::string host;
  UtcTime written;
  std::vector<Seen> sessions;
};

// Packs that are about to be deleted.
struct Deleting {
  std::string id;
  std::string session;
  std::vector<PackId> packs;
};

struct Hold {
  BackupId backup;
  std::string reason;
  std::string by;
  UtcTime created;
};

// What is left of a manifest that somebody with a key removed.
struct Tombstone {
  BackupId backup;
  std::string by;
  UtcTime created;
};

std::string object_of(const SessionRecord& session);
std::string object_of(const Checkpoint& checkpoint);
std::string object_of(const Condemned& condemned);
std::string object_of(const Waits& waits);
std::string object_of(const Deleting& deleting);
std::string object_of(const Hold& hold);
std::string object_of(const Tombstone& tombstone);

// Stores one as a new object.
template <typename State>
void put_state(RepositoryCore& core, const State& state);

// All of a kind, one after the other, by name. Of one that vanished since it was listed, or cannot be read,
// what its name says is given, if that is enough to act on (sessions and holds); else it is left out (nothing
// is deleted because of it), and named in `damaged` if it is there.
template <typename State>
using VisitState = std::function<void(State&)>;
template <typename State>
void for_each_state(RepositoryCore& core, const VisitState<State>& visit,
                    std::vector<std::string>* damaged = nullptr);
template <typename State>
std::vector<State> list_state(RepositoryCore& core, std::vector<std::string>* damaged = nullptr);

// A new id for a session or the like: 16 hexadecimal digits.
std::string new_state_id(const KeyRing& keys);

}  // namespace dbb::repository
