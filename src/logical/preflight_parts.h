#pragma once

#include <span>
#include <string>
#include <vector>

#include "logical/preflight.h"

// The checks that look at databases one by one; each adds its lines.
namespace dbb::logical {

void judge_disk(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_wal(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_names(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_subscriptions(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_extensions(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_indexes(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_security_labels(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_locales(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_tablespaces(const PreflightInput& input, std::vector<PreflightLine>& lines);
void judge_replaced_databases(const PreflightInput& input, std::vector<PreflightLine>& lines);

// Calls visit(plan, record) for each database that is restored.
template <typename Visit>
void for_each_restored(const PreflightInput& in, Visit&& visit) {
  for (const DatabasePlan& plan : in.databases) {
    const DatabaseRecord* record = in.document.find(plan.source);
    if (plan.action != DatabaseAction::kSkip && record != nullptr) visit(plan, *record);
  }
}

// "a, b, c and 7 more"
std::string join_names(std::span<const std::string> names);

}  // namespace dbb::logical
