#include "repository/frame_index.h"
#include "repository/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  testing::survive([&] {
    const std::vector<PackContents> packs = decode_index({data, size}, "input");
    DBB_CHECK(decode_index(encode_index(packs), "again") == packs, "nothing is lost");
    FrameIndex index;
    for (const PackContents& contents : packs) index.add(contents);
    index.finish();
    for (const PackContents& contents : packs) {
      for (const IndexedFrame& frame : contents.frames) {
        DBB_CHECK(!index.copies(frame.id).empty(), "what was added is found");
      }
    }
  });
  return 0;
}
