#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repository/manifest.h"

namespace dbb::repository {

struct BackupStats {
  Manifest manifest;  // its document is left out
  // What the backups up to this one, of those that are there, added to the repository.
  uint64_t stored_so_far_bytes = 0;

  // How often the data would have been stored without comparing; empty when nothing was new.
  std::optional<double> dedup_ratio() const;
  // Of what was new; empty when nothing was stored.
  std::optional<double> compression_ratio() const;
};

struct ObjectStats {
  uint64_t count = 0;
  uint64_t bytes = 0;
};

struct RepositoryStats {
  std::vector<BackupStats> backups;  // newest first
  uint64_t damaged_manifests = 0;    // which are not in `backups`
  uint64_t logical_bytes = 0;        // of all backups
  ObjectStats packs;                 // all that are there
  ObjectStats unreferenced_packs;    // of these, in no index: no backup needs them
  ObjectStats indexes;
  ObjectStats manifests;
  ObjectStats others;   // config, keys, state, and what is foreign
  uint64_t frames = 0;  // copies that the index lists

  uint64_t bytes() const { return packs.bytes + indexes.bytes + manifests.bytes + others.bytes; }
};

// What one backup holds, by kind of item: "table".
struct ContentStats {
  struct Kind {
    uint64_t items = 0;
    uint64_t bytes = 0;
  };
  std::map<std::string, Kind> kinds;
};

}  // namespace dbb::repository
