#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "logical/selection.h"

// How names and selections stand in JSON that is stored. Reading throws nlohmann::json::exception for what is
// missing or of another type.
namespace dbb::logical {

// Names and comments come in the encoding of their database and need not be UTF-8, which JSON text must be:
// those that are not are stored as {"hex": "..."}.
nlohmann::json text_json(const std::string& text);
std::string read_text(const nlohmann::json& in);
nlohmann::json text_list_json(const std::vector<std::string>& texts);
std::vector<std::string> read_text_list(const nlohmann::json& in);

nlohmann::json selection_json(const Selection& selection);
Selection read_selection(const nlohmann::json& in);

}  // namespace dbb::logical
