#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dbb::bench {

enum class RowKind : uint8_t { k100Bytes, k190Bytes, k1000Bytes, kWideJson };

// A table as PostgreSQL keeps it on disk: rows in the places of its blocks, read in that order. A model: it
// knows where new versions of rows go, which is what a backup's size depends on, and nothing else of
// PostgreSQL.
class TableModel {
 public:
  // Where an update puts the new version of a row.
  enum class Updates : uint8_t {
    kInPlace,    // into the row's block, which had room (HOT, fillfactor below 100)
    kFreePlace,  // into the place of a row that an earlier VACUUM removed, anywhere; at the end if there is
                 // none
    kAtEnd,      // at the end: the blocks are full and nothing was vacuumed
  };

  TableModel(RowKind kind, uint64_t bytes, uint64_t seed);

  // So many rows, at random places, get a new version.
  void update(double share, Updates where);
  void append(double share);
  // Rows move together; their order stays.
  void vacuum_full();

  // The rows of one part after the other, a part being that many places: what fits in `part_bytes` of blocks.
  // `visit(part, row)`.
  void for_each_row(uint64_t part_bytes, const std::function<void(uint32_t, std::string_view)>& visit) const;

  uint64_t rows() const { return rows_; }
  double mean_row_bytes() const { return mean_row_bytes_; }

 private:
  struct Place {
    uint32_t row = 0;
    uint32_t version = 0;  // 0: no row here
  };

  std::string text_of(const Place& place) const;

  const RowKind kind_;
  std::mt19937_64 random_;
  std::vector<Place> places_;
  std::vector<size_t> free_;  // places, free since the last round
  uint32_t rows_ = 0;
  double mean_row_bytes_ = 0;
};

}  // namespace dbb::bench
