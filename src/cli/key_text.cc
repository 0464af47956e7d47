#include "cli/key_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/table.h"

namespace dbb::cli {
namespace {

using Json = nlohmann::ordered_json;
using repository::KeyTrust;

std::string text_of(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string_view name_of(KeyTrust trust) {
  switch (trust) {
    case KeyTrust::kUnknown:
      return "unknown";
    case KeyTrust::kGenuine:
      return "genuine";
    case KeyTrust::kForeign:
      return "foreign";
  }
  return "";
}

Cell state_of(const repository::ListedKey& key) {
  if (!key.problem.empty()) return Cell("damaged", Tone::kBad);
  if (key.trust == KeyTrust::kForeign) return Cell("foreign", Tone::kBad);
  if (key.trust == KeyTrust::kUnknown) return Cell("not checked", Tone::kFaint);
  return key.in_use ? Cell("in use", Tone::kGood) : Cell("good", Tone::kGood);
}

Json path_or_null(const std::optional<std::filesystem::path>& path) {
  return path ? Json(path->string()) : Json(nullptr);
}

}  // namespace

std::string key_file_was_made(const std::filesystem::path& file) {
  return fmt::format("     made the key file {}: 64 random hexadecimal digits, readable for its owner\n",
                     printable_line(file.string()));
}

std::string render_keys(const KeyListing& listing, const Style& style) {
  if (listing.encryption == repository::EncryptionKind::kNone) {
    return fmt::format("The repository in {} is not encrypted: it has no keys.\n",
                       printable_line(listing.repository));
  }
  Table table({{"KEY"}, {"KIND"}, {"MADE"}, {"STATE"}, {"LABEL"}});
  std::string notes;
  for (const auto& key : listing.keys) {
    table.add({Cell(key.id), Cell(key.kind.empty() ? "?" : key.kind),
               Cell(key.kind.empty() ? "" : key.created.iso()), state_of(key), Cell(key.label)});
    if (!key.problem.empty()) {
      notes += fmt::format("{}: {}\n", key.object, printable_line(key.problem));
    } else if (key.trust == KeyTrust::kForeign) {
      notes += fmt::format(
          "{}: nobody who had the key of the repository wrote it, or it was changed since. Find "
          "out who can write there; remove it: dbbackup key remove {} --confirm\n",
          key.object, key.id);
    }
  }
  std::string out = table.render(style);
  if (!notes.empty()) out += "\n" + notes;
  if (listing.epoch) {
    out += fmt::format("\nNew data is sealed with the key of epoch {}.\n", *listing.epoch);
  } else {
    out +=
        "\nWithout a key of the repository nothing of this can be checked: --passphrase-file, --key-file\n";
  }
  return out;
}

std::string key_list_document(const KeyListing& listing) {
  const bool encrypted = listing.encryption != repository::EncryptionKind::kNone;
  Json out{{"repository", listing.repository},
           {"encrypted", encrypted},
           {"epoch", listing.epoch ? Json(*listing.epoch) : Json(nullptr)},
           {"keys", Json::array()}};
  for (const auto& key : listing.keys) {
    out["keys"].push_back({{"id", key.id},
                           {"kind", key.kind.empty() ? Json(nullptr) : Json(key.kind)},
                           {"created", key.kind.empty() ? Json(nullptr) : Json(key.created.iso())},
                           {"label", key.label},
                           {"trust", name_of(key.trust)},
                           {"in_use", key.in_use},
                           {"problem", key.problem.empty() ? Json(nullptr) : Json(key.problem)}});
  }
  return text_of(out);
}

std::string key_added_document(const std::string& id, const std::string& removed,
                               const std::optional<std::filesystem::path>& made) {
  return text_of({{"id", id},
                  {"removed", removed.empty() ? Json(nullptr) : Json(removed)},
                  {"key_file_made", path_or_null(made)}});
}

std::string key_removed_document(const repository::ListedKey& key, bool executed) {
  return text_of({{"executed", executed}, {"id", key.id}, {"label", key.label}, {"in_use", key.in_use}});
}

std::string key_rotated_document(uint32_t epoch) { return text_of({{"epoch", epoch}}); }

}  // namespace dbb::cli
