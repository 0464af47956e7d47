#include "logical/living_runs.h"

#include <algorithm>

namespace dbb::logical {
namespace {

constexpr std::string_view kApplicationBegin = "dbbackup ";
constexpr std::string_view kControlEnd = " control";

}  // namespace

std::set<std::string> living_runs(postgres::Connection& session) {
  const postgres::Result answer = session.execute(
      "SELECT DISTINCT application_name FROM pg_catalog.pg_stat_activity WHERE application_name <> ''");
  std::set<std::string> runs;
  for (int row = 0; row < answer.rows(); ++row) {
    std::string_view name = answer.text(row, 0);
    if (!name.starts_with(kApplicationBegin) || !name.ends_with(kControlEnd)) continue;
    name.remove_prefix(kApplicationBegin.size());
    name.remove_suffix(std::min(kControlEnd.size(), name.size()));
    runs.emplace(name);
  }
  return runs;
}

}  // namespace dbb::logical
