#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "repository/check.h"
#include "repository/core.h"
#include "repository/references.h"

namespace dbb::repository {

// The work behind Repository::check(): first what is wrong with objects, then which backups that hurts. Once.
// Memory: 32 bytes a damaged frame besides the index.
class Checker {
 public:
  Checker(std::shared_ptr<RepositoryCore> core, const CheckOptions& options, EventSink& events,
          std::stop_token stop);
  CheckReport run();

 private:
  void look_at_manifests();
  void look_at_pack(uint32_t number);
  void look_at_frames(uint32_t number, const std::vector<PackedFrame>& frames,
                      const PackDirectory* directory);
  void look_at_strays();
  void look_at_backup(const Manifest& manifest);
  void look_at_stream(const Manifest& manifest, const std::string& item, const StreamRef& stream);
  // Notes that a backup suffers from what is wrong with a frame; nothing if a good copy is left.
  void look_at_extent(const Manifest& manifest, const std::string& item, const Extent& extent);

  CheckFinding& finding(const std::string& object, const std::string& problem);
  void hurt(CheckFinding& finding, const BackupId& backup, const std::string& item);
  void progress(const std::string& phase, const std::string& object, uint64_t done, uint64_t total);
  void check_stop() const;
  // Runs a step; damage becomes a finding of `object`, anything else is passed on. False when there was
  // damage.
  template <typename Step>
  bool noting_damage(const std::string& object, const Step& step);

  const std::shared_ptr<RepositoryCore> core_;  // owned together with the Repository
  const CheckOptions options_;
  EventSink& events_;
  const std::stop_token stop_;
  std::shared_ptr<const FrameIndex> index_;  // owned together with readers
  std::unique_ptr<PackSizes> packs_;
  std::vector<Manifest> manifests_;
  // What is wrong with one copy of a frame: (pack, offset) to the number of the finding.
  std::map<std::pair<uint32_t, uint32_t>, size_t> bad_copies_;
  std::map<std::string, size_t> finding_of_object_;
  CheckReport report_;
};

}  // namespace dbb::repository
