#include "repository/references.h"

#include <fmt/format.h>

#include "repository/window_reader.h"

namespace dbb::repository {

void for_each_extent(const std::shared_ptr<RepositoryCore>& core,
                     const std::shared_ptr<const FrameIndex>& index, const StreamRef& stream,
                     const std::function<void(const Extent&)>& visit) {
  for (uint8_t depth = 0; depth <= stream.depth; ++depth) {
    StreamRef level = stream;
    level.depth = depth;
    RecipeReader recipe(core, index, level);
    std::vector<Extent> block;
    while (recipe.next(block)) {
      for (const Extent& extent : block) visit(extent);
    }
  }
}

PackSizes::PackSizes(storage::ObjectStore& store) {
  store.list("packs/", [&](const storage::ListedObject& object) {
    sizes_[object.name] = object.size_bytes;
    return true;
  });
}

uint64_t PackSizes::size_of(const PackId& pack) const {
  const auto found = sizes_.find(pack_name(pack));
  return found == sizes_.end() ? 0 : found->second;
}

std::string PackSizes::problem_of(const IndexedPack& pack) const {
  const std::string object = pack_name(pack.id);
  const auto found = sizes_.find(object);
  if (found == sizes_.end()) return fmt::format("{} is missing.", object);
  if (found->second == pack.size_bytes) return {};
  return fmt::format("{} has {} bytes instead of {}.", object, found->second, pack.size_bytes);
}

std::string PackSizes::problem_of(const FrameIndex& index, const FrameId& frame) const {
  std::string problem = fmt::format("No index lists frame {}.", frame.hex().substr(0, 16));
  for (const IndexedFrame& copy : index.copies(frame)) {
    problem = problem_of(index.pack_of(copy));
    if (problem.empty()) break;
  }
  return problem;
}

}  // namespace dbb::repository
