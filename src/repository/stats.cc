#include "repository/stats.h"

namespace dbb::repository {
namespace {

std::optional<double> ratio(uint64_t whole, uint64_t part) {
  if (part == 0) return std::nullopt;
  return static_cast<double>(whole) / static_cast<double>(part);
}

}  // namespace

std::optional<double> BackupStats::dedup_ratio() const {
  return ratio(manifest.totals.logical_bytes, manifest.totals.new_bytes_raw);
}

std::optional<double> BackupStats::compression_ratio() const {
  return ratio(manifest.totals.new_bytes_raw, manifest.totals.stored_bytes);
}

}  // namespace dbb::repository
