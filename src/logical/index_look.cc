#include "logical/index_look.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::logical {
namespace {

double part(int64_t done, int64_t total) {
  return total <= 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

}  // namespace

// Measured: reading ends between a tenth and 75 % of the time, sorting between 45 and 90 %.
ShareBounds bounds_of_build(std::string_view phase, double blocks_share, double tuples_share) {
  static constexpr ShareBounds kRead{.least = 0.1, .most = 0.75};
  static constexpr ShareBounds kSorted{.least = 0.45, .most = 0.9};
  if (phase.find("sorting") != std::string_view::npos) return {.least = kRead.least, .most = kSorted.most};
  if (phase.find("loading") != std::string_view::npos) {
    return {.least = kSorted.least + (1 - kSorted.least) * tuples_share,
            .most = kSorted.most + (1 - kSorted.most) * tuples_share};
  }
  // "building index: scanning table", and the only words of methods that do not tell more.
  const double read = std::max(blocks_share, tuples_share);
  return {.least = kRead.least * read, .most = kRead.most * read};
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
    const double of_step = phase.find("sorting") != std::string_view::npos ? 0 : std::max(blocks, tuples);
    builds.push_back(
        {.pid = static_cast<int>(answer.integer(row, 0)),
         .done = bounds_of_build(phase, blocks, tuples),
         .text = of_step > 0 ? fmt::format("{}, {:.0f} %", phase, of_step * 100) : std::string(phase)});
  }
  return builds;
}

}  // namespace dbb::logical
