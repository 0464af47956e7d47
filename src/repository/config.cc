#include "repository/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "codec/aes_gcm.h"
#include "repository/damage.h"
#include "repository/json_object.h"

namespace dbb::repository {
namespace {

using nlohmann::json;

constexpr std::string_view kConfigFormat = "dbbackup-repository";
constexpr std::string_view kEpochFormat = "dbbackup-epoch";

Error too_new(std::string_view store, std::string cause) {
  return Error(
      ErrorCode::kRepositoryTooNew,
      {.message =
           fmt::format("The repository in {} is of a version that this dbbackup does not read.", store),
       .cause = std::move(cause),
       .solution = {"Install the newest dbbackup: dbbackup --version shows this one's.",
                    "A repository of version 1-draft was made before the first release, and must be made "
                    "anew: dbbackup init",
                    "Nothing was changed in the repository."}});
}

json json_of(const WriteSettings& writing) {
  const codec::CutLimits& rows = writing.rows;
  return {{"rows",
           {{"min_bytes", rows.min_bytes}, {"mean_bytes", rows.mean_bytes}, {"max_bytes", rows.max_bytes}}},
          {"page_bytes", kPageBytes},
          {"frame_bytes", writing.frame_bytes},
          {"pack_bytes", writing.pack_bytes},
          {"zstd_level", writing.zstd_level},
          {"grace_seconds", writing.grace.count()}};
}

WriteSettings write_settings_of(const json& document) {
  const json& rows = document.at("rows");
  WriteSettings writing = {.rows = {.min_bytes = whole_number(rows, "min_bytes"),
                                    .mean_bytes = whole_number(rows, "mean_bytes"),
                                    .max_bytes = whole_number(rows, "max_bytes")},
                           .frame_bytes = whole_number(document, "frame_bytes"),
                           .pack_bytes = whole_number(document, "pack_bytes"),
                           .zstd_level = whole_number_up_to_most<int>(document, "zstd_level"),
                           .grace = std::chrono::seconds(whole_number(document, "grace_seconds"))};
  check_write_settings(writing);
  return writing;
}

Bytes epoch_associated(const KeyRing& keys, uint32_t epoch) {
  ByteWriter data;
  data.raw(as_bytes("dbbackup/1 epoch"));
  data.raw(keys.repository().bytes);
  data.u32(epoch);
  return data.take();
}

Bytes wrap(const KeyRing& keys, uint32_t epoch, const codec::Key& data_key) {
  const Bytes associated = epoch_associated(keys, epoch);
  const codec::Digest synthetic = codec::Hmac(keys.nonce()).add(associated).add(data_key).finish();
  codec::Nonce nonce;
  std::copy_n(synthetic.begin(), nonce.size(), nonce.begin());
  Bytes sealed(nonce.size() + data_key.size() + codec::kTagBytes);
  std::ranges::copy(nonce, sealed.begin());
  codec::AesGcm().seal(keys.epoch(), nonce, associated, data_key, std::span(sealed).subspan(nonce.size()));
  return sealed;
}

codec::Key unwrap(const KeyRing& keys, uint32_t epoch, ByteView sealed, std::string_view object) {
  codec::Nonce nonce;
  codec::Key data_key;
  if (sealed.size() != nonce.size() + data_key.size() + codec::kTagBytes) {
    throw_damaged(object, "The wrapped key has the wrong length.");
  }
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  if (!codec::AesGcm().open(keys.epoch(), nonce, epoch_associated(keys, epoch), sealed.subspan(nonce.size()),
                            data_key)) {
    throw_damaged(object, "The wrapped key is not the one that was written.");
  }
  return data_key;
}

}  // namespace

void check_write_settings(const WriteSettings& writing) {
  const codec::CutLimits& rows = writing.rows;
  const bool sound = rows.min_bytes > 0 && rows.min_bytes < rows.mean_bytes &&
                     rows.mean_bytes < rows.max_bytes && rows.max_bytes <= kMaxChunkBytes &&
                     writing.frame_bytes >= rows.max_bytes && writing.frame_bytes <= kMaxFrameDataBytes &&
                     writing.pack_bytes >= writing.frame_bytes && writing.pack_bytes <= kMaxPackBytes / 2 &&
                     writing.zstd_level >= 1 && writing.zstd_level <= 19 &&
                     writing.grace >= std::chrono::seconds(1) && writing.grace <= std::chrono::days(365);
  if (!sound) throw_damaged(kConfigObject, "What it says about writing contradicts itself.");
}

std::string encode_config(const Config& config) {
  json encryption = {{"kind", "slots"}};
  if (config.encryption == EncryptionKind::kNone) {
    encryption = {{"kind", "none"}, {"master_key", to_hex(config.master_key)}};
  }
  const json document = {
      {"format", kConfigFormat},
      {"version", kFormatVersion},
      {"repository_id", config.repository_id.hex()},
      {"created", config.created.iso()},
      {"features", {{"required", json::array()}, {"optional", json::array()}}},
      {"writing", json_of(config.writing)},
      {"encryption", std::move(encryption)},
  };
  return with_mac(KeyRing(config.master_key, config.repository_id), document);
}

ConfigHead decode_config_head(ByteView text, std::string_view store) {
  const json document = parse_json(text);
  if (!document.is_object() || document.value("format", json()) != kConfigFormat) {
    if (as_text(text).find(kConfigFormat) != std::string_view::npos) {
      throw_damaged(kConfigObject, "It is not a JSON object.");
    }
    throw Error(ErrorCode::kNotARepository,
                {.message = fmt::format("There is no repository of dbbackup in {}.", store),
                 .cause = "Its object `config` was written by something else.",
                 .solution = {"Look at the path or name of the repository: is it the one you meant?",
                              "Make a repository in an empty place: dbbackup init --repository PATH"}});
  }
  return decoding(kConfigObject, [&] {
    const std::string version = document.at("version").get<std::string>();
    if (version != kFormatVersion) {
      throw too_new(store, fmt::format("Its format is {}; this dbbackup reads {}.", version, kFormatVersion));
    }
    const json& encryption = document.at("encryption");
    const std::string kind = encryption.at("kind").get<std::string>();
    if (kind != "none" && kind != "slots") {
      throw too_new(store, fmt::format("Its encryption is of the kind \"{}\".", kind));
    }
    ConfigHead head;
    head.repository_id = id_field<RepositoryId>(document, "repository_id", kConfigObject);
    head.encryption = kind == "none" ? EncryptionKind::kNone : EncryptionKind::kSlots;
    if (kind == "none") head.master_key = id_field<codec::Key>(encryption, "master_key", kConfigObject);
    return head;
  });
}

Config decode_config(ByteView text, const codec::Key& master, std::string_view store) {
  const ConfigHead head = decode_config_head(text, store);
  const json document = parse_json(text);
  return decoding(kConfigObject, [&] {
    check_mac(KeyRing(master, head.repository_id), document, kConfigObject);
    for (const json& feature : document.at("features").at("required")) {
      throw too_new(store, fmt::format("It requires the feature {}.", feature.dump()));
    }
    return Config{.repository_id = head.repository_id,
                  .created = UtcTime::parse(document.at("created").get<std::string>()),
                  .writing = write_settings_of(document.at("writing")),
                  .encryption = head.encryption,
                  .master_key = master};
  });
}

Config decode_config(ByteView text, std::string_view store) {
  const ConfigHead head = decode_config_head(text, store);
  if (head.encryption != EncryptionKind::kNone) {
    throw Error(ErrorCode::kKeyNeeded, {.message = fmt::format("The repository in {} is encrypted.", store),
                                        .solution = {"Give its passphrase or key file."}});
  }
  return decode_config(text, head.master_key, store);
}

std::string epoch_object(uint32_t epoch) { return fmt::format("keys/epoch-{:08x}", epoch); }

uint32_t epoch_of_object(std::string_view object) {
  constexpr std::string_view kPrefix = "keys/epoch-";
  if (!object.starts_with(kPrefix) || object.size() != kPrefix.size() + 8) return 0;
  uint32_t epoch = 0;
  for (const char c : object.substr(kPrefix.size())) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return 0;
    epoch = epoch << 4 | static_cast<uint32_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return epoch;
}

codec::Key make_data_key(const codec::Key& master, const RepositoryId& repository, uint32_t epoch) {
  ByteWriter info;
  info.raw(as_bytes("dbbackup/1 data-key"));
  info.u32(epoch);
  return codec::hkdf(master, repository.bytes, info.bytes());
}

std::string encode_epoch(const KeyRing& keys, uint32_t epoch, const codec::Key& data_key, UtcTime created) {
  const json recipient = {{"kind", "master"}, {"sealed", to_hex(wrap(keys, epoch, data_key))}};
  const json document = {{"format", kEpochFormat},
                         {"epoch", epoch},
                         {"created", created.iso()},
                         {"recipients", json::array({recipient})}};
  return with_mac(keys, document);
}

codec::Key decode_epoch(const KeyRing& keys, uint32_t epoch, ByteView text) {
  const std::string object = epoch_object(epoch);
  const json document = parse_json(text);
  if (!document.is_object()) throw_damaged(object, "It is not a JSON object.");
  return decoding(object, [&] {
    check_mac(keys, document, object);
    if (document.at("format") != kEpochFormat || document.at("epoch") != epoch) {
      throw_swapped(object, "It is another object than its name says.");
    }
    for (const json& recipient : document.at("recipients")) {
      if (recipient.at("kind") != "master") continue;
      return unwrap(keys, epoch, from_hex(recipient.at("sealed").get<std::string>()), object);
    }
    throw too_new("this place",
                  fmt::format("No recipient of {} is of a kind that this version knows.", object));
  });
}

}  // namespace dbb::repository
