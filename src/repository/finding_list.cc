#include "repository/finding_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace dbb::repository {
namespace {

constexpr size_t kMaxFindings = 10'000;
constexpr size_t kMaxItemsOfOne = 100;
constexpr uint64_t kMaxLines = 50'000;

}  // namespace

FindingList::Number FindingList::add(const std::string& object, const std::string& problem) {
  const std::scoped_lock lock(mutex_);
  std::pair<std::string, std::string> key(object, problem);
  if (findings_.size() >= kMaxFindings && !numbers_.contains(key)) {
    key = {"repository", "More is wrong than is listed here."};
  }
  const auto [known, is_new] = numbers_.emplace(key, static_cast<Number>(findings_.size()));
  if (is_new) findings_.push_back({.object = key.first, .problem = key.second});
  return known->second;
}

void FindingList::hurt(Number finding, const BackupId& backup, const std::string& item) {
  const std::scoped_lock lock(mutex_);
  CheckFinding& hurting = findings_[finding];
  if (std::ranges::find(hurting.hurts, backup) == hurting.hurts.end()) hurting.hurts.push_back(backup);
  if (item.empty()) return;
  ++hurting.hurt_item_count;
  if (hurting.hurt_items.size() >= kMaxItemsOfOne || lines_ >= kMaxLines) return;
  ++lines_;
  hurting.hurt_items.push_back(fmt::format("{}: {}", backup.text(), item));
}

std::vector<CheckFinding> FindingList::take() {
  const std::scoped_lock lock(mutex_);
  for (CheckFinding& finding : findings_) std::ranges::sort(finding.hurts, std::greater<>());
  std::ranges::stable_sort(findings_, {}, &CheckFinding::object);
  numbers_.clear();
  return std::move(findings_);
}

}  // namespace dbb::repository
