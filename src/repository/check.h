#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/backup_id.h"

namespace dbb::repository {

struct CheckOptions {
  bool read_data = false;  // also every byte of every frame; otherwise structure, references and sizes
  // Instead: this share of the frames, above 0, at most 1, chosen at random; of each pack at least one.
  std::optional<double> sample;
  uint64_t sample_seed = 0;  // the same seed chooses the same frames
};

// One thing that is wrong, and whom it hurts.
struct CheckFinding {
  std::string object;                   // the stored object: "packs/1a/1a2b..."
  std::string problem;                  // one sentence
  std::vector<BackupId> hurts;          // backups that cannot be restored in full because of it, newest first
  std::vector<std::string> hurt_items;  // "20261120T...: table db/app/public/orders", the first 100
  uint64_t hurt_item_count = 0;         // all of them

  bool operator==(const CheckFinding&) const = default;
};

struct CheckReport {
  std::vector<CheckFinding> findings;  // by object; empty: the repository is sound as far as it was looked at
  // An index object is damaged, or lacks what a backup needs: a pack that no index lists may hold it.
  bool index_is_wrong = false;
  // A manifest or a list cannot be read to its end that says what a backup needs: a finding may hurt more
  // than it says.
  bool lists_are_damaged = false;
  uint64_t backups = 0;
  uint64_t packs = 0;
  uint64_t frames = 0;
  uint64_t frames_read = 0;
  uint64_t bytes_read = 0;  // of frames
  // What follows is no finding.
  uint64_t unreferenced_packs = 0;  // that no index lists: what a killed backup left
  uint64_t unreferenced_bytes = 0;
  uint64_t state_objects = 0;
  uint64_t foreign_objects = 0;            // whose names are none of a repository's
  std::vector<std::string> foreign_names;  // the first 20
};

}  // namespace dbb::repository
