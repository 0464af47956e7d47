#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dbb::repository {

struct PruneOptions {
  std::string host;
  // The share of the needed bytes that may stay wasted in packs of which a part is needed.
  double max_wasted = 0.05;
};

struct PackAmount {
  uint64_t packs = 0;
  uint64_t bytes = 0;

  PackAmount& operator+=(const PackAmount& more) {
    packs += more.packs;
    bytes += more.bytes;
    return *this;
  }
  bool operator==(const PackAmount&) const = default;
};

// What a prune would do now.
struct PrunePlan {
  uint64_t backups = 0;
  PackAmount all;             // packs in the store
  uint64_t needed_bytes = 0;  // of them, estimated
  PackAmount dead;            // needed by no backup
  PackAmount orphans;         // listed by no index: killed backups left them
  PackAmount rewrite;         // needed in part: to be written anew, then deleted
  uint64_t rewrite_needed_bytes = 0;
  PackAmount condemned;  // an earlier prune found them dead; deleted when nobody is waited for
  // Whom deleting has to wait for: "backup on host db1, since 2026-11-20T20:15:02Z". Empty: it can be done at
  // once.
  std::vector<std::string> waits_for;

  uint64_t bytes_to_free() const {
    return dead.bytes + orphans.bytes + condemned.bytes + rewrite.bytes - rewrite_needed_bytes;
  }
  bool nothing_to_do() const { return dead.packs + orphans.packs + rewrite.packs + condemned.packs == 0; }
};

struct PruneResult {
  PackAmount deleted;
  PackAmount compacted;            // of the deleted or condemned ones, those whose needed part was copied
  PackAmount written;              // new packs with what was copied
  PackAmount condemned;            // dead, and to be deleted by a later prune
  PackAmount damaged;              // needed in part, and left alone because something in them cannot be read
  uint64_t leftovers_removed = 0;  // sessions of dead processes, old checkpoints, tombstones
  std::vector<std::string> waits_for;

  // What the repository shrank by; negative when copies wait for their originals to be deleted.
  int64_t freed_bytes() const {
    return static_cast<int64_t>(deleted.bytes) - static_cast<int64_t>(written.bytes);
  }
};

}  // namespace dbb::repository
