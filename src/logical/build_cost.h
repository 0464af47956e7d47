#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "logical/restore_contents.h"
#include "postgres/archive_toc.h"
#include "postgres/catalog.h"

// What the rows of a database take beyond their bytes, told before the first is loaded: from the statements
// of the schema archive and the sizes that the backup recorded. Seconds of the machine of work_estimate.h,
// all of its processors at work. docs/decisions/0029 has the measurements.
namespace dbb::logical {

// By what sorting takes.
enum class SortKind : uint8_t {
  kInOrder,  // numbers that came in their order: a key
  kNumber,   // and what else is compared by a few instructions: times, uuids
  kBytes,    // text whose first bytes are a sort key: of C, POSIX and the server's own locales
  kIcu,      // likewise, of longer keys
  kLocale,   // text that the C library compares each time anew
};

// How a database sorts text that names no collation.
SortKind text_sort_of(const postgres::DatabaseProperties& properties);

class BuildCost {
 public:
  // Reads every statement that makes a table with rows or an index: some 10 microseconds a table.
  BuildCost(const postgres::ArchiveToc& toc, const std::vector<TableContent>& tables, SortKind text);

  // What building that index, making that key or checking that constraint takes; 0 for everything else.
  double seconds(const postgres::ArchiveEntry& entry) const;
  double all_seconds() const { return all_seconds_; }
  // Values that COPY converts at some cost: all but text, integers, booleans and bytea.
  uint64_t slow_values() const { return slow_values_; }

 private:
  std::unordered_map<int, double> seconds_;  // by the entry's id
  double all_seconds_ = 0;
  uint64_t slow_values_ = 0;
};

}  // namespace dbb::logical
