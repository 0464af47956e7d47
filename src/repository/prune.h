#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/event.h"
#include "repository/condemned_packs.h"
#include "repository/mark.h"
#include "repository/pack_choice.h"
#include "repository/prune_report.h"
#include "repository/session.h"

namespace dbb::repository {

// Deletes what no backup needs, while others back up, restore and prune. The protocol, and why it loses
// nothing: docs/decisions/0023. Once; confined to one thread.
class Pruner {
 public:
  Pruner(std::shared_ptr<RepositoryCore> core, const PruneOptions& options, system::Clock& clock,
         EventSink& events, std::stop_token stop);

  // Looks only.
  PrunePlan plan();
  // First deletes what was condemned earlier and is waited for no longer, then compacts and condemns, then
  // deletes that, too, if nobody is to be waited for.
  PruneResult run();

 private:
  struct Choice {
    PackChoice packs;
    std::vector<PackId> orphans;
    uint64_t orphan_bytes = 0;
  };

  PruneIdentity whoami();
  void remove_leftovers(PruneResult& result);
  void bury(const SessionRecord& session, PruneResult& result);
  bool settle(const SessionRecord& session);
  Choice choose(const PackSizes& sizes, const FrameIndex& newest);
  std::vector<PackId> orphans(const PackSizes& sizes, const FrameIndex& index);
  void delete_due(PruneResult& result);
  std::set<PackId> still_needed(const std::set<PackId>& packs, const FrameIndex& newest);
  void write_index_without(const std::set<PackId>& packs);
  void compact_and_condemn(PruneResult& result);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  const PruneOptions options_;
  system::Clock& clock_;
  EventSink& events_;
  const std::stop_token stop_;
  std::optional<Session> presence_;
  Mark mark_;
  std::vector<std::string> abandoned_objects_;  // that announce what is in rescue_
  std::set<PackId> rescue_;  // needed, and announced for deletion by a prune that died: copied first
};

}  // namespace dbb::repository
