// Recipe blocks, stream references and items. The first byte chooses which.

#include "repository/recipe.h"

#include "repository/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::repository;
  if (size == 0) return 0;
  const dbb::ByteView input = dbb::ByteView(data, size).subspan(1);
  testing::survive([&] {
    if (data[0] % 3 == 0) {
      const std::vector<Extent> extents = decode_recipe_block(input, "input");
      DBB_CHECK(decode_recipe_block(encode_recipe_block(extents), "again") == extents, "nothing is lost");
    } else if (data[0] % 3 == 1) {
      const StreamRef stream = decode_stream_ref(input, "input");
      DBB_CHECK(decode_stream_ref(encode_stream_ref(stream), "again") == stream, "nothing is lost");
      decode_recipe_block(stream.recipe, "input");
    } else {
      const Item item = decode_item(input, "input");
      DBB_CHECK(decode_item(encode_item(item), "again") == item, "nothing is lost");
    }
  });
  return 0;
}
