#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "repository/check.h"

namespace dbb::repository {

// Collects what a check finds. Thread-safe. Memory: at most 10,000 findings and 50,000 lines of whom they
// hurt; what is beyond that is counted.
class FindingList {
 public:
  using Number = uint32_t;

  // The same object and problem again is the same finding.
  Number add(const std::string& object, const std::string& problem);
  // `item` is empty when the backup is hurt as a whole. Called once for each item.
  void hurt(Number finding, const BackupId& backup, const std::string& item);
  std::vector<CheckFinding> take();

 private:
  std::mutex mutex_;
  std::vector<CheckFinding> findings_;  // guarded by mutex_, like the two below
  std::map<std::pair<std::string, std::string>, Number> numbers_;
  uint64_t lines_ = 0;
};

}  // namespace dbb::repository
