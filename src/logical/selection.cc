#include "logical/selection.h"

#include "base/shell_word.h"

namespace dbb::logical {
std::string option_text(const std::string& option, const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    if (!out.empty()) out += ' ';
    out += option + " " + shell_word(value);
  }
  return out;
}

std::vector<std::string> Selection::arguments() const {
  std::vector<std::string> out;
  const auto add = [&](const std::string& option, const std::vector<std::string>& values) {
    for (const std::string& value : values) out.push_back(option + "=" + value);
  };
  add("--schema", schemas);
  add("--exclude-schema", exclude_schemas);
  add("--table", tables);
  add("--exclude-table", exclude_tables);
  add("--exclude-table-data", exclude_table_data);
  return out;
}

std::string Selection::text() const {
  std::string out;
  const auto add = [&](const std::string& more) {
    if (!more.empty()) out += (out.empty() ? "" : " ") + more;
  };
  add(option_text("--schema", schemas));
  add(option_text("--exclude-schema", exclude_schemas));
  add(option_text("--table", tables));
  add(option_text("--exclude-table", exclude_tables));
  add(option_text("--exclude-table-data", exclude_table_data));
  if (schema_only) add("--schema-only");
  return out;
}

}  // namespace dbb::logical
