#include "logical/stored_json.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/utf8.h"

namespace dbb::logical {

using nlohmann::json;

json text_json(const std::string& text) {
  return is_valid_utf8(text) ? json(text) : json{{"hex", to_hex(as_bytes(text))}};
}

std::string read_text(const json& in) {
  if (in.is_string()) return in;
  return std::string(as_text(from_hex(in.at("hex").get<std::string>())));
}

json text_list_json(const std::vector<std::string>& texts) {
  json out = json::array();
  for (const std::string& text : texts) out.push_back(text_json(text));
  return out;
}

std::vector<std::string> read_text_list(const json& in) {
  std::vector<std::string> texts;
  for (const json& text : in) texts.push_back(read_text(text));
  return texts;
}

json selection_json(const Selection& selection) {
  return {{"schemas", text_list_json(selection.schemas)},
          {"exclude_schemas", text_list_json(selection.exclude_schemas)},
          {"tables", text_list_json(selection.tables)},
          {"exclude_tables", text_list_json(selection.exclude_tables)},
          {"exclude_table_data", text_list_json(selection.exclude_table_data)},
          {"schema_only", selection.schema_only}};
}

Selection read_selection(const json& in) {
  return {.schemas = read_text_list(in.at("schemas")),
          .exclude_schemas = read_text_list(in.at("exclude_schemas")),
          .tables = read_text_list(in.at("tables")),
          .exclude_tables = read_text_list(in.at("exclude_tables")),
          .exclude_table_data = read_text_list(in.at("exclude_table_data")),
          .schema_only = in.at("schema_only")};
}

}  // namespace dbb::logical
