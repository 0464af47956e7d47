#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/backup_id.h"
#include "base/units.h"
#include "repository/stream_ref.h"

namespace dbb::repository {

struct Totals {
  uint64_t logical_bytes = 0;  // of all streams of items
  uint64_t new_bytes_raw = 0;  // of them, not found in earlier backups; with recipes and item list
  uint64_t stored_bytes = 0;   // what the repository grew by, packs and index
  uint64_t streams = 0;
  uint64_t items = 0;

  bool operator==(const Totals&) const = default;
};

// One backup. What is in it is in `items`; what it means is in `document`, for the layer above.
struct Manifest {
  BackupId id;
  std::string kind;     // "cluster", "database", "physical"
  std::string subject;  // what of the source, when not all of it: the name of a database
  std::string source;   // names what was saved, e.g. the system identifier; opaque, compared for equality
  UtcTime started;
  UtcTime finished;
  bool complete = false;  // false: something could not be read; `document` says what
  std::string document;   // JSON text
  StreamRef items;
  std::vector<BackupId> parents;  // what it was compared with
  Totals totals;
  std::string program_version;
  std::string host;

  bool operator==(const Manifest&) const = default;
};

}  // namespace dbb::repository
