#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "repository/backup_writer.h"
#include "repository/core.h"
#include "system/spill_file.h"

namespace dbb::repository {

// The parts of an earlier backup's items, found by key. Thread-safe. Memory, however many items: 1 MiB, and
// about 100 bytes for each 16 KiB of the list; the rest lies in a temporary file.
class ItemLookup {
 public:
  // Reads the whole item list. Where that is damaged it counts as ended: what an earlier backup has lost is
  // stored anew.
  ItemLookup(const std::shared_ptr<RepositoryCore>& core, const std::shared_ptr<const FrameIndex>& index,
             const StreamRef& items);

  std::optional<StreamRef> find(const StreamKey& key) const;

 private:
  // Consecutive items in records_, in order of their keys.
  struct Block {
    std::string first_key;
    uint64_t begin = 0;
  };

  void add(const std::string& key, ByteView record);

  std::vector<Block> blocks_;  // by first_key
  system::SpillFile records_;  // sized key, number of parts, sized references
};

}  // namespace dbb::repository
