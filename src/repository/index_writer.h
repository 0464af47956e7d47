#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "repository/core.h"
#include "repository/frame_index.h"

namespace dbb::repository {

// Collects what packs contain and stores it as index objects of bounded size. Confined to one thread. Memory:
// what was added since the last object, at most 64,000 frames, and three
// times that while it is encoded: 13 MiB.
class IndexWriter {
 public:
  // Of one object: about 3 MiB.
  static constexpr size_t kFrames = 64'000;

  explicit IndexWriter(RepositoryCore& core) : core_(core) {}

  // Stores an object when enough has come together.
  void add(PackContents contents);
  // Stores what is left.
  void finish();

  uint64_t stored_bytes() const { return stored_bytes_; }
  // The objects stored so far, and after a failure, the one of which that cannot be known.
  const std::vector<std::string>& objects() const { return objects_; }

 private:
  void store();

  RepositoryCore& core_;
  std::vector<PackContents> packs_;
  size_t frames_ = 0;
  uint64_t stored_bytes_ = 0;
  std::vector<std::string> objects_;
};

}  // namespace dbb::repository
