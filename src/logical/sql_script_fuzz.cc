// Scripts of pg_dumpall and pg_dump are stored bytes too.

#include "logical/sql_script.h"

#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbb::logical;
  const std::string_view script = dbb::as_text({data, size});
  const auto lies_inside = [&](std::string_view text) {
    return text.empty() || (text.data() >= script.data() && text.end() <= script.end());
  };
  for_each_statement(script, [&](const Statement& statement) {
    DBB_CHECK(lies_inside(statement.text), "a statement is part of its script");
    for (const Token& token : statement.tokens) {
      DBB_CHECK(lies_inside(token.text) && !token.text.empty(), "a token is part of its script");
      token.value();
    }
    statement.find("CREATE");
  });
  return 0;
}
