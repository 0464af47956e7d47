#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace dbb {

void check_failed(const char* condition, const char* why, std::source_location where) {
  std::fprintf(stderr, "dbbackup: internal error at %s:%u: %s does not hold: %s\n", where.file_name(),
               where.line(), condition, why);
  std::abort();
}

}  // namespace dbb
