#include "repository/key_slot.h"

#include <algorithm>

#include "codec/aes_gcm.h"
#include "repository/json_object.h"

namespace dbb::repository {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "dbbackup-key-slot";
constexpr std::string_view kPrefix = "keys/slot-";
constexpr size_t kIdDigits = 16;

codec::Key slot_key(const KeySource& source, const KeySlot& slot, const RepositoryId& repository) {
  ByteWriter info;
  info.raw(as_bytes("dbbackup/1 slot "));
  info.raw(repository.bytes);
  if (source.kind == KeyKind::kKeyFile) return codec::hkdf(source.secret.bytes(), slot.salt, info.bytes());
  codec::Key stretched = codec::argon2id(source.secret.bytes(), slot.salt, slot.cost);
  const codec::Key key = codec::hkdf(stretched, slot.salt, info.bytes());
  codec::wipe(stretched);
  return key;
}

Bytes associated_data(const KeySlot& slot, const RepositoryId& repository) {
  ByteWriter data;
  data.raw(as_bytes("dbbackup/1 slot"));
  data.raw(repository.bytes);
  data.raw(slot.bound);
  return data.take();
}

json kdf_of(const KeySlot& slot) {
  if (slot.kind == KeyKind::kKeyFile) return {{"name", "hkdf"}, {"salt", to_hex(slot.salt)}};
  return {{"name", "argon2id"},
          {"memory_kib", slot.cost.memory_kib},
          {"passes", slot.cost.passes},
          {"lanes", 1},
          {"salt", to_hex(slot.salt)}};
}

codec::Argon2Cost cost_of(const json& kdf, std::string_view object) {
  const codec::Argon2Cost cost = {.memory_kib = whole_number_up_to_most<uint32_t>(kdf, "memory_kib"),
                                  .passes = whole_number_up_to_most<uint32_t>(kdf, "passes")};
  if (!codec::is_allowed(cost) || kdf.at("lanes") != 1) {
    throw_damaged(object, "It asks for a cost of Argon2id that nobody writes.");
  }
  return cost;
}

codec::Digest bound_to(json document) {
  document.erase("sealed");
  document.erase("mac");
  return codec::sha256(as_bytes(canonical(document)));
}

}  // namespace

std::string_view name_of(KeyKind kind) { return kind == KeyKind::kPassphrase ? "passphrase" : "keyfile"; }

std::string key_slot_object(std::string_view id) { return std::string(kPrefix) + std::string(id); }

std::string id_of_key_slot(std::string_view object) {
  if (!object.starts_with(kPrefix) || object.size() != kPrefix.size() + kIdDigits) return "";
  const std::string_view id = object.substr(kPrefix.size());
  const bool digits =
      std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return digits ? std::string(id) : "";
}

std::string encode_key_slot(const NewKeySlot& wanted, const KeySource& source, const codec::Key& master,
                            const KeyRing& keys) {
  KeySlot slot = {.id = wanted.id,
                  .created = wanted.created,
                  .label = wanted.label,
                  .kind = source.kind,
                  .cost = wanted.cost,
                  .salt = wanted.salt,
                  .sealed = {},
                  .bound = {}};
  json document = {{"format", kFormat},
                   {"id", slot.id},
                   {"created", slot.created.iso()},
                   {"label", slot.label},
                   {"kind", name_of(slot.kind)},
                   {"kdf", kdf_of(slot)}};
  slot.bound = bound_to(document);
  const Bytes associated = associated_data(slot, keys.repository());
  codec::Key key = slot_key(source, slot, keys.repository());
  const codec::Digest synthetic = codec::Hmac(keys.nonce()).add(associated).add(key).add(master).finish();
  codec::Nonce nonce;
  std::copy_n(synthetic.begin(), nonce.size(), nonce.begin());
  Bytes sealed(nonce.size() + master.size() + codec::kTagBytes);
  std::ranges::copy(nonce, sealed.begin());
  codec::AesGcm().seal(key, nonce, associated, master, std::span(sealed).subspan(nonce.size()));
  codec::wipe(key);
  document["sealed"] = to_hex(sealed);
  return with_mac(keys, document);
}

std::optional<KeySlot> decode_key_slot(ByteView text, std::string_view object) {
  const json document = parse_json(text);
  if (!document.is_object()) throw_damaged(object, "It is not a JSON object.");
  return decoding(object, [&]() -> std::optional<KeySlot> {
    if (document.at("format") != kFormat) throw_swapped(object, "It is not a key slot.");
    KeySlot slot;
    slot.id = document.at("id").get<std::string>();
    if (slot.id != id_of_key_slot(object)) throw_swapped(object, "It is another slot than its name says.");
    const std::string kind = document.at("kind").get<std::string>();
    if (kind != "passphrase" && kind != "keyfile") return std::nullopt;
    slot.kind = kind == "passphrase" ? KeyKind::kPassphrase : KeyKind::kKeyFile;
    const json& kdf = document.at("kdf");
    if (kdf.at("name") != (slot.kind == KeyKind::kPassphrase ? "argon2id" : "hkdf")) {
      throw_damaged(object, "Its kind and its key derivation do not fit.");
    }
    if (slot.kind == KeyKind::kPassphrase) slot.cost = cost_of(kdf, object);
    slot.salt = id_field<codec::Salt>(kdf, "salt", object);
    slot.created = UtcTime::parse(document.at("created").get<std::string>());
    slot.label = document.at("label").get<std::string>();
    slot.sealed = from_hex(document.at("sealed").get<std::string>());
    if (slot.sealed.size() != sizeof(codec::Nonce) + sizeof(codec::Key) + codec::kTagBytes) {
      throw_damaged(object, "The wrapped key has the wrong length.");
    }
    slot.bound = bound_to(document);
    return slot;
  });
}

std::optional<codec::Key> open_key_slot(const KeySlot& slot, const RepositoryId& repository,
                                        const KeySource& source) {
  if (source.kind != slot.kind) return std::nullopt;
  codec::Nonce nonce;
  std::copy_n(slot.sealed.begin(), nonce.size(), nonce.begin());
  codec::Key key = slot_key(source, slot, repository);
  codec::Key master;
  const bool opened = codec::AesGcm().open(key, nonce, associated_data(slot, repository),
                                           ByteView(slot.sealed).subspan(nonce.size()), master);
  codec::wipe(key);
  if (!opened) return std::nullopt;
  return master;
}

bool is_authentic_key_slot(ByteView text, const KeyRing& keys) {
  const json document = parse_json(text);
  return document.is_object() && has_right_mac(keys, document);
}

}  // namespace dbb::repository
