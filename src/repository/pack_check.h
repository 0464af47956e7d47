#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "repository/bad_copies.h"
#include "repository/check.h"
#include "repository/core.h"
#include "repository/finding_list.h"
#include "repository/frame_reader.h"

namespace dbb::repository {

// Looks at one pack after the other. Confined to one thread. Memory: a directory of a few MiB and what
// FrameReader needs.
class PackCheck {
 public:
  struct Shared {
    std::shared_ptr<RepositoryCore> core;     // owned together with the Repository
    std::shared_ptr<const FrameIndex> index;  // owned together with the checker
    const CheckOptions& options;
    FindingList& findings;
    BadCopies& bad_copies;
  };
  struct Tally {
    uint64_t frames = 0;
    uint64_t frames_read = 0;
    uint64_t bytes_read = 0;
  };

  explicit PackCheck(const Shared& shared);

  // `size_bytes` as the store lists it; empty: it does not. kCancelled soon after a stop.
  void look_at(uint32_t pack, std::optional<uint64_t> size_bytes, const std::stop_token& stop);
  const Tally& tally() const { return tally_; }

 private:
  std::optional<PackDirectory> look_at_ends(const IndexedPack& pack, const std::string& object);
  void look_at_entries(uint32_t pack, const std::string& object, uint64_t size_bytes,
                       const PackDirectory* directory, const std::stop_token& stop);
  // Empty: sound.
  std::string problem_of(const PackedFrame& frame, const DirectoryEntry* entry, uint64_t size_bytes,
                         bool has_directory) const;
  bool is_chosen(const ShortFrameId& frame, uint32_t offset) const;

  const Shared shared_;
  FrameReader reader_;
  Tally tally_;
};

}  // namespace dbb::repository
