#include "repository/manifest_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "repository/damage.h"
#include "repository/json_object.h"
#include "repository/recipe.h"

namespace dbb::repository {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "dbbackup-manifest";

// Times that can be shown and subtracted.
UtcTime time_from(const json& document, const char* field) {
  constexpr uint64_t kEndOfYear9999Us = 253'402'300'800'000'000;
  const uint64_t microseconds = whole_number(document, field);
  if (microseconds >= kEndOfYear9999Us) {
    throw Error(ErrorCode::kCorruptedBackup, {.message = fmt::format("{} is no time.", field)});
  }
  return UtcTime(static_cast<int64_t>(microseconds));
}

Totals totals_from(const json& totals) {
  return {.logical_bytes = whole_number(totals, "logical_bytes"),
          .new_bytes_raw = whole_number(totals, "new_bytes_raw"),
          .stored_bytes = whole_number(totals, "stored_bytes"),
          .streams = whole_number(totals, "streams"),
          .items = whole_number(totals, "items")};
}

json totals_to(const Totals& totals) {
  return {{"logical_bytes", totals.logical_bytes},
          {"new_bytes_raw", totals.new_bytes_raw},
          {"stored_bytes", totals.stored_bytes},
          {"streams", totals.streams},
          {"items", totals.items}};
}

}  // namespace

std::string manifest_object(const BackupId& id) { return "backups/" + id.text(); }

std::string encode_manifest(const Manifest& manifest) {
  ByteWriter items;
  items.sized(encode_stream_ref(manifest.items));
  json parents = json::array();
  for (const BackupId& parent : manifest.parents) parents.push_back(parent.text());
  const json document = {
      {"format", kFormat},
      {"required", json::array()},
      {"id", manifest.id.text()},
      {"kind", manifest.kind},
      {"source", manifest.source},
      {"subject", manifest.subject},
      {"host", manifest.host},
      {"program_version", manifest.program_version},
      {"started_us", manifest.started.microseconds()},
      {"finished_us", manifest.finished.microseconds()},
      {"complete", manifest.complete},
      {"document", manifest.document},
      {"items", to_hex(items.bytes())},
      {"parents", parents},
      {"totals", totals_to(manifest.totals)},
  };
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Manifest decode_manifest(ByteView text, const BackupId& id) {
  const std::string object = manifest_object(id);
  const json document = parse_json(text);
  if (!document.is_object()) throw_damaged(object, "It is not a JSON object.");
  try {
    if (document.at("format") != kFormat || document.at("id") != id.text()) {
      throw_damaged(object, "It is another object than its name says.");
    }
    for (const json& feature : document.at("required")) {
      throw Error(ErrorCode::kRepositoryTooNew,
                  {.message = fmt::format("The backup {} was written by a newer dbbackup.", id.text()),
                   .cause = fmt::format("It requires the feature {}.", feature.dump()),
                   .solution = {"Install the newest dbbackup: dbbackup --version shows this one's."}});
    }
    Manifest manifest;
    manifest.id = id;
    manifest.kind = document.at("kind").get<std::string>();
    manifest.source = document.at("source").get<std::string>();
    manifest.subject = document.at("subject").get<std::string>();
    manifest.host = document.at("host").get<std::string>();
    manifest.program_version = document.at("program_version").get<std::string>();
    manifest.started = time_from(document, "started_us");
    manifest.finished = time_from(document, "finished_us");
    manifest.complete = document.at("complete").get<bool>();
    manifest.document = document.at("document").get<std::string>();
    const Bytes items = from_hex(document.at("items").get<std::string>());
    manifest.items = decode_stream_ref(ByteReader(items, object).sized(), object);
    for (const json& parent : document.at("parents")) {
      manifest.parents.push_back(BackupId::parse(parent.get<std::string>()));
    }
    manifest.totals = totals_from(document.at("totals"));
    return manifest;
  } catch (const json::exception& error) {
    throw_damaged(object, error.what());
  } catch (const Error& error) {
    if (is_damage(error) && error.solution().empty()) throw_damaged(object, error.what());
    throw;
  }
}

}  // namespace dbb::repository
