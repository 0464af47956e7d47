#include "repository/json_object.h"

namespace dbb::repository {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;  // ours have four

// The library writes nested values by recursion: what a store says must not decide how deep that goes.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::string mac_of(const KeyRing& keys, const json& without_mac) {
  return to_hex(codec::Hmac(keys.document()).of(as_bytes(canonical(without_mac))));
}

}  // namespace

json parse_json(ByteView text) {
  if (is_too_deep(as_text(text))) return json(json::value_t::discarded);
  return json::parse(text.begin(), text.end(), nullptr, false);
}

uint64_t whole_number(const json& document, const char* field) {
  const json& value = document.at(field);
  if (!value.is_number_unsigned()) {
    throw json::type_error::create(302, std::string(field) + " must be a whole number", &value);
  }
  return value.get<uint64_t>();
}

std::string canonical(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string with_mac(const KeyRing& keys, json document) {
  document["mac"] = mac_of(keys, document);
  return document.dump(2, ' ', false, json::error_handler_t::replace);
}

bool has_right_mac(const KeyRing& keys, json document) {
  const auto stored = document.find("mac");
  if (stored == document.end() || !stored->is_string()) return false;
  const std::string mac = stored->get<std::string>();
  document.erase("mac");
  return mac == mac_of(keys, document);
}

void check_mac(const KeyRing& keys, const json& document, std::string_view object) {
  if (!has_right_mac(keys, document))
    throw_damaged(object, "Its text is not the one that was written (MAC).");
}

}  // namespace dbb::repository
