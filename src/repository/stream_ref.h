#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace dbb::repository {

// How a stream is cut into chunks. The numbers are stored.
enum class StreamClass : uint8_t {
  kRows = 1,      // append(): cut at row ends, decided by the rows' hashes
  kPages = 2,     // append_bytes(): 8 KiB pieces, aligned; zero pages become holes
  kRecords = 3,   // like rows; what the layers above store about their data
  kBytes = 4,     // append_bytes(): like pages; files of others
  kMetadata = 5,  // the repository's own: recipes and item lists. Not for callers
};

// Where the bytes of one stream lie. A value; to callers only `bytes` and `stream_class` mean something.
struct StreamRef {
  StreamClass stream_class = StreamClass::kBytes;
  uint64_t bytes = 0;
  // 0: `recipe` describes the stream itself. n: it describes a stream of recipes of depth n - 1.
  uint8_t depth = 0;
  Bytes recipe = {};  // one recipe block (docs/format, "Recipe"), at most a few KiB

  bool operator==(const StreamRef&) const = default;
};

}  // namespace dbb::repository
