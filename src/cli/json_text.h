#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dbb::cli {

using Json = nlohmann::ordered_json;

// Names come from servers in any encoding, and JSON is UTF-8: what is not becomes U+FFFD.
inline std::string text_of(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

inline Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace dbb::cli
