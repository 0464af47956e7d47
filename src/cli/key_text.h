#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/style.h"
#include "repository/encryption.h"
#include "repository/key_manager.h"

// What the commands about keys say to people and scripts (docs/json.md).
namespace dbb::cli {

inline constexpr std::string_view kLoseAllKeys =
    "\nIt is encrypted. WHO LOSES ALL ITS KEYS LOSES ALL BACKUPS IN IT: nobody can help then. Keep a copy of "
    "the key away from\nthis host and from the repository, and add a second key: dbbackup key add\n";

std::string key_file_was_made(const std::filesystem::path& file);

struct KeyListing {
  std::string repository;  // path
  repository::EncryptionKind encryption = repository::EncryptionKind::kNone;
  std::optional<uint32_t> epoch = {};  // empty: not known without a key
  std::vector<repository::ListedKey> keys = {};
};
std::string render_keys(const KeyListing& listing, const Style& style);
std::string key_list_document(const KeyListing& listing);

// Of `key add` and `key change`; `removed` is null in JSON when it is empty.
std::string key_added_document(const std::string& id, const std::string& removed,
                               const std::optional<std::filesystem::path>& made);
std::string key_removed_document(const repository::ListedKey& key, bool executed);
std::string key_rotated_document(uint32_t epoch);

}  // namespace dbb::cli
