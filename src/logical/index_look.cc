#include "logical/index_look.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::logical {
namespace {

double part(int64_t done, int64_t total) {
  return total <= 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

}  // namespace

double share_of_build(std::string_view phase, double blocks_share, double tuples_share) {
  static constexpr double kReading = 0.5;
  static constexpr double kSorting = 0.2;
  if (phase.find("sorting") != std::string_view::npos) return kReading;
  if (phase.find("loading") != std::string_view::npos)
    return kReading + kSorting + (1 - kReading - kSorting) * tuples_share;
  // "building index: scanning table", and the only words of methods that do not tell more.
  return kReading * std::max(blocks_share, tuples_share);
}

std::vector<IndexBuild> look_at_index_builds(postgres::Connection& session, const Operation& operation) {
  const postgres::Result answer = session.execute(
      "SELECT p.pid, p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total "
      "FROM pg_catalog.pg_stat_progress_create_index p JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid "
      "WHERE a.application_name LIKE $1 ORDER BY 1",
      {operation.application_name("%")});
  std::vector<IndexBuild> builds;
  for (int row = 0; row < answer.rows(); ++row) {
    const std::string_view phase = answer.text(row, 1);
    const double blocks = part(answer.integer(row, 2), answer.integer(row, 3));
    const double tuples = part(answer.integer(row, 4), answer.integer(row, 5));
    const double done = share_of_build(phase, blocks, tuples);
    builds.push_back({.pid = static_cast<int>(answer.integer(row, 0)),
                      .done = done,
                      .text = fmt::format("{}, {:.0f} %", phase, done * 100)});
  }
  return builds;
}

}  // namespace dbb::logical
