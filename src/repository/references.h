#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "repository/core.h"
#include "repository/recipe.h"

// What stored things refer to, without reading data.
namespace dbb::repository {

// Visits every extent of a stream, and before them, every extent of the streams its recipe is stored in.
void for_each_extent(const std::shared_ptr<RepositoryCore>& core,
                     const std::shared_ptr<const FrameIndex>& index, const StreamRef& stream,
                     const std::function<void(const Extent&)>& visit);

// The packs that lie in a store, listed once.
class PackSizes {
 public:
  explicit PackSizes(storage::ObjectStore& store);

  // 0 when it is missing.
  uint64_t size_of(const PackId& pack) const;
  const std::unordered_map<std::string, uint64_t>& sizes() const { return sizes_; }  // by object name
  // Empty when the pack is there in the length that the index says; else one sentence.
  std::string problem_of(const IndexedPack& pack) const;
  // Empty when a copy of the frame is in a pack that is there; else one sentence.
  std::string problem_of(const FrameIndex& index, const FrameId& frame) const;

 private:
  std::unordered_map<std::string, uint64_t> sizes_;
};

}  // namespace dbb::repository
