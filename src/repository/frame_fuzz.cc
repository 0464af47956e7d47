// The content of a frame: chunks and the trailer. An id is found for it, so that the check of the id does not
// end every look.

#include "repository/frame.h"
#include "repository/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  if (size > kMaxFrameContentBytes) return 0;
  const dbb::ByteView input(data, size);
  IdMaker ids(testing::fixed_keys());
  testing::survive([&] {
    const OpenedFrame frame = OpenedFrame::of_any_id(input, ids, "input");
    uint64_t bytes = 0;
    for (size_t i = 0; i < frame.chunks().size(); ++i) {
      if (const auto range = frame.range(i, 1)) bytes += range->size();
    }
    DBB_CHECK(bytes <= input.size(), "chunks lie in the frame");
    frame.range(UINT64_MAX, 1);
    frame.range(1, UINT64_MAX);
    // What was read under one id is not read under another.
    bool refused = false;
    try {
      OpenedFrame(input, FrameId{}, ids, "input");
    } catch (const dbb::Error&) {
      refused = true;
    }
    DBB_CHECK(refused, "a frame has one id");
  });
  return 0;
}
