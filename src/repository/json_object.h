#pragma once

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "codec/hmac.h"
#include "repository/damage.h"
#include "repository/key_ring.h"

// The stored JSON objects, `config` and what is in keys/: how they are read, and the MAC over their text
// (docs/format/repository.md, "Config"). For the sources of this layer.
namespace dbb::repository {

// A discarded value when `text` is not JSON, or nested deeper than anything of ours.
nlohmann::json parse_json(ByteView text);

// The number in a field. Throws nlohmann's type_error unless it is a whole one that is not negative: get()
// would make some number of anything.
uint64_t whole_number(const nlohmann::json& document, const char* field);
// The same, and for what is larger than that the largest number there is.
template <typename Number>
Number whole_number_up_to_most(const nlohmann::json& document, const char* field) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<Number>::max());
  return static_cast<Number>(std::min(whole_number(document, field), kMost));
}

// Compact, keys sorted (nlohmann's objects are): the text that a MAC is taken over.
std::string canonical(const nlohmann::json& document);

// The object's text with its field `mac`.
std::string with_mac(const KeyRing& keys, nlohmann::json document);
bool has_right_mac(const KeyRing& keys, nlohmann::json document);
// kCorruptedBackup unless the MAC is right.
void check_mac(const KeyRing& keys, const nlohmann::json& document, std::string_view object);

// A field that holds so many bytes in hexadecimal digits.
template <typename Id>
Id id_field(const nlohmann::json& document, const char* field, std::string_view object) {
  const Bytes bytes = from_hex(document.at(field).get<std::string>());
  if (bytes.size() != sizeof(Id)) {
    throw_damaged(object, std::string("The field ") + field + " has the wrong length.");
  }
  Id id;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&id));
  return id;
}

// Runs a decoder; what the JSON library or a parser of one field complains about is damage of the object.
template <typename Decode>
auto decoding(std::string_view object, const Decode& decode) {
  try {
    return decode();
  } catch (const nlohmann::json::exception& error) {
    throw_damaged(object, error.what());
  } catch (const Error& error) {
    // from_hex() and UtcTime::parse() know what is wrong, but not with what.
    const bool of_a_field = error.solution().empty() || error.code() == ErrorCode::kUsage;
    if (of_a_field) throw_damaged(object, error.what());
    throw;
  }
}

}  // namespace dbb::repository
