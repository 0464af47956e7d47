// The JSON of a logical backup. The first byte chooses: document, attributes of a table, of another item.

#include "logical/document.h"

#include "base/check.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::logical;
  if (size == 0) return 0;
  const std::string_view text = dbb::as_text({data, size}).substr(1);
  try {
    if (data[0] % 3 == 0) {
      const std::string once = to_json(parse_document(text));
      DBB_CHECK(to_json(parse_document(once)) == once, "nothing is lost");
    } else if (data[0] % 3 == 1) {
      const std::string once = to_json(parse_table_attributes(text));
      DBB_CHECK(to_json(parse_table_attributes(once)) == once, "nothing is lost");
    } else {
      const std::string once = to_json(parse_part_attributes(text));
      DBB_CHECK(to_json(parse_part_attributes(once)) == once, "nothing is lost");
    }
  } catch (const dbb::Error& error) {
    DBB_CHECK(error.code() == dbb::ErrorCode::kCorruptedBackup, "a decoder refuses with the error it names");
  }
  return 0;
}
