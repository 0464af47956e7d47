#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "repository/item.h"
#include "system/spill_file.h"

namespace dbb::repository {

// Takes items in any order and gives them back in that of their keys. Memory, however many items: 8 MiB for
// what was added last and 8 MiB for putting sorted runs together; these lie in a temporary file.
//
// Confined to one thread at a time.
class ItemSorter {
 public:
  // A key that was added before is a bug of the caller; visit() finds it.
  void add(const Item& item);
  uint64_t size() const { return count_; }

  // Each item as the item list has it (docs/format/repository.md): a record with its length, valid until the
  // next. Once; nothing can be added afterwards.
  void visit_sorted(const std::function<void(ByteView record)>& visit);

 private:
  struct Entry {  // a record in recent_
    size_t begin;
    size_t length;
  };
  struct Run {  // sorted records in spilled_
    uint64_t begin;
    uint64_t end;
  };
  class RunReader;

  void sort_recent();
  void spill_recent();

  uint64_t count_ = 0;
  Bytes recent_;
  std::vector<Entry> entries_;
  std::vector<Run> runs_;
  system::SpillFile spilled_{256 << 10};
};

}  // namespace dbb::repository
