#pragma once

#include <cstdint>
#include <string>

#include "logical/lock_budget.h"

// How long a restore will take, before anything of it was done. A rough number with its assumption beside it,
// for whoever has to say when the service is back. Pure functions.
namespace dbb::logical {

struct RestoreSize {
  uint64_t row_bytes = 0;  // as COPY text
  uint64_t tables = 0;
  int databases = 0;
  bool proof = true;
};

struct ExpectedTime {
  double seconds = 0;
  double bytes_per_second = 0;  // row_bytes by seconds; 0 when there are no rows
  std::string assumption;       // the rates it comes from, in words
};

// Workers beyond the processors of this host are not counted.
ExpectedTime expect_time(const RestoreSize& size, Parallelism work, int processors);

// "about 12 min, at 48.0 MB/s (...)"
std::string describe(const ExpectedTime& expected);

}  // namespace dbb::logical
