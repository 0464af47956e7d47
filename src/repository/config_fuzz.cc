// The JSON objects that lie open: config and epoch records. As they are, and with the MAC that somebody with
// the keys would write, since without one hardly an input would come further. The first byte chooses.

#include "repository/config.h"

#include <nlohmann/json.hpp>

#include "repository/fuzzing.h"
#include "repository/json_object.h"

namespace {

using namespace dbb::repository;
using nlohmann::json;

std::string sealed_text(json document, const KeyRing& keys) {
  document.erase("mac");
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  document["mac"] = dbb::to_hex(dbb::codec::Hmac(keys.document()).of(dbb::as_bytes(text)));
  return document.dump();
}

void look(bool config, dbb::ByteView text) {
  testing::survive([&] {
    if (config) {
      decode_config(text, "input");
    } else {
      decode_epoch(testing::fixed_keys(), 1, text);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > kMaxJsonBytes) return 0;
  const dbb::ByteView text = dbb::ByteView(data, size).subspan(1);
  const bool config = data[0] % 2 == 0;
  look(config, text);
  const json document = parse_json(text);
  if (!document.is_object()) return 0;
  // The keys that the MAC of a config is made with are in it.
  dbb::codec::Key master;
  RepositoryId repository;
  master.fill(7);
  repository.bytes.fill(9);
  json sealed = document;
  if (config) {
    sealed["repository_id"] = repository.hex();
    if (sealed.contains("encryption") && sealed["encryption"].is_object()) {
      sealed["encryption"]["master_key"] = dbb::to_hex(master);
    }
  }
  look(config, dbb::as_bytes(sealed_text(sealed, testing::fixed_keys())));
  return 0;
}
