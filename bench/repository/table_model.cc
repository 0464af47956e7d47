#include "repository/table_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbb::bench {
namespace {

constexpr size_t kSampledRows = 2000;

// Small, fast and the same everywhere: a row is made anew whenever it is read.
class RowRandom {
 public:
  explicit RowRandom(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t operator()() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_;
};

size_t bytes_of(RowKind kind) {
  return kind == RowKind::k100Bytes ? 100 : kind == RowKind::k190Bytes ? 190 : 1000;
}

void append_words(std::string& row, size_t bytes, RowRandom& random) {
  while (row.size() < bytes) {
    const uint64_t drawn = random();
    fmt::format_to(std::back_inserter(row), "word{} ", drawn % 1000);
  }
  row.resize(bytes);
}

}  // namespace

TableModel::TableModel(RowKind kind, uint64_t bytes, uint64_t seed) : kind_(kind), random_(seed) {
  for (uint32_t row = 0; row < kSampledRows; ++row) {
    mean_row_bytes_ += static_cast<double>(text_of({.row = row, .version = 1}).size()) / kSampledRows;
  }
  rows_ = static_cast<uint32_t>(static_cast<double>(bytes) / mean_row_bytes_);
  for (uint32_t row = 0; row < rows_; ++row) places_.push_back({.row = row, .version = 1});
}

// A new version has another counter and time; the rest of a row stays, as an UPDATE of two columns leaves it.
std::string TableModel::text_of(const Place& place) const {
  RowRandom random(place.row + 1);
  RowRandom versioned(uint64_t{place.row} << 32 | place.version);
  versioned();
  const uint64_t counter = versioned() % 1'000'000;
  const uint64_t second = versioned() % 60;
  if (kind_ != RowKind::kWideJson) {
    std::string row = fmt::format("{}\t{}\t2026-11-20 20:15:{:02}\t", place.row, counter, second);
    append_words(row, bytes_of(kind_) - 1, random);
    return row + '\n';
  }
  std::string row =
      fmt::format("{}\t{{\"id\": \"{:016x}\", \"seen\": {}, \"at\": \"2026-11-20T20:15:{:02}Z\", \"tags\": [",
                  place.row, random(), counter, second);
  for (uint64_t i = random() % 6; i > 0; --i)
    fmt::format_to(std::back_inserter(row), "\"tag{}\", ", random() % 50);
  row += "\"end\"]";
  for (uint64_t i = 10 + random() % 30; i > 0; --i) {
    const uint64_t drawn = random();
    fmt::format_to(std::back_inserter(row), ", \"field_{}\": \"value {}\"", i, drawn % 100'000);
  }
  return row + "}\n";
}

void TableModel::update(double share, Updates where) {
  const auto count = static_cast<size_t>(share * rows_);
  std::vector<size_t> now_free;
  const size_t places = places_.size();
  std::shuffle(free_.begin(), free_.end(), random_);
  for (size_t done = 0; done < count;) {
    const size_t at = random_() % places;
    if (places_[at].version == 0) continue;
    ++done;
    Place next = places_[at];
    ++next.version;
    if (where == Updates::kInPlace) {
      places_[at] = next;
      continue;
    }
    places_[at] = {};
    now_free.push_back(at);
    if (where == Updates::kFreePlace && !free_.empty()) {
      places_[free_.back()] = next;
      free_.pop_back();
    } else {
      places_.push_back(next);
    }
  }
  if (where == Updates::kFreePlace) free_.insert(free_.end(), now_free.begin(), now_free.end());
}

void TableModel::append(double share) {
  for (auto count = static_cast<size_t>(share * rows_); count > 0; --count) {
    places_.push_back({.row = rows_++, .version = 1});
  }
}

void TableModel::vacuum_full() {
  std::erase_if(places_, [](const Place& place) { return place.version == 0; });
  free_.clear();
}

void TableModel::for_each_row(uint64_t part_bytes,
                              const std::function<void(uint32_t, std::string_view)>& visit) const {
  const auto places_a_part =
      std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(part_bytes) / mean_row_bytes_));
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].version != 0) visit(static_cast<uint32_t>(i / places_a_part), text_of(places_[i]));
  }
}

}  // namespace dbb::bench
