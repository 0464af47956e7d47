#pragma once

#include <string>
#include <vector>

#include "logical/work_estimate.h"

// How long a restore will take, before anything of it was done: what the progress begins with, for whoever
// has to say when the service is back. A rough number with its assumption beside it. Pure functions.
namespace dbb::logical {

struct ExpectedTime {
  double seconds = 0;
  double bytes_per_second = 0;  // of rows as COPY text; 0 when there are none
  std::string assumption;       // the rates it comes from, in words
};

// Workers beyond the processors are not counted; 0 processors: every worker has one.
ExpectedTime expect_time(const std::vector<DatabaseSizes>& databases, Concurrency concurrency);

// "about 12 min, at 48.0 MB/s (...)"
std::string describe(const ExpectedTime& expected);

}  // namespace dbb::logical
