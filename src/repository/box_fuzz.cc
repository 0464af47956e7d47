// A box from a store that writes what it likes: only its length and its header are looked at before the tag.

#include "repository/fuzzing.h"
#include "repository/sealed_box.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  const dbb::ByteView input(data, size);
  if (input.empty()) return 0;
  const auto kind = static_cast<BoxKind>(1 + input[0] % 6);
  testing::survive([&] {
    BoxOpener opener(testing::fixed_keys());
    opener.open(kind, box_name_of_object("index/0"), input.subspan(1), "input");
  });
  // The same bytes as what is sealed: the codec behind the tag.
  testing::survive([&] {
    const dbb::Bytes box = testing::seal_compressed(kind, box_name_of_object("index/0"), input.subspan(1));
    BoxOpener opener(testing::fixed_keys());
    opener.open(kind, box_name_of_object("index/0"), box, "input");
  });
  return 0;
}
