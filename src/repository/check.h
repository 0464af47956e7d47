#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/backup_id.h"

namespace dbb::repository {

struct CheckOptions {
  bool read_data = false;  // also every byte of every frame; otherwise structure, references and sizes
};

// One thing that is wrong, and whom it hurts.
struct CheckFinding {
  std::string object;                   // the stored object: "packs/1a/1a2b..."
  std::string problem;                  // one sentence
  std::vector<BackupId> hurts;          // backups that cannot be restored in full because of it
  std::vector<std::string> hurt_items;  // "20261120T...: table db/app/public/orders", the first 100

  bool operator==(const CheckFinding&) const = default;
};

struct CheckReport {
  std::vector<CheckFinding> findings;  // empty: the repository is sound as far as it was looked at
  uint64_t backups = 0;
  uint64_t packs = 0;
  uint64_t frames = 0;
  uint64_t bytes_read = 0;
  // Packs that no index lists: what a killed backup left. Harmless, and not a finding.
  uint64_t unreferenced_packs = 0;
  uint64_t unreferenced_bytes = 0;
};

}  // namespace dbb::repository
