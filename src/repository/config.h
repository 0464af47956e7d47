#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"
#include "codec/hmac.h"
#include "repository/encryption.h"
#include "repository/format.h"
#include "repository/key_ring.h"
#include "repository/write_settings.h"

// The JSON objects of a repository (docs/format/repository.md, "Config" and "Epoch record").
namespace dbb::repository {

inline constexpr std::string_view kConfigObject = "config";
inline constexpr std::string_view kFormatVersion = "1";

struct Config {
  RepositoryId repository_id;
  UtcTime created;
  WriteSettings writing;
  EncryptionKind encryption = EncryptionKind::kNone;
  codec::Key master_key{};  // lies open in the object: encryption "none"; else from a key slot
};

// What must be known before a key is: nothing of it is checked yet.
struct ConfigHead {
  RepositoryId repository_id;
  EncryptionKind encryption = EncryptionKind::kNone;
  codec::Key master_key{};  // of encryption "none"
};

// kCorruptedBackup when a repository cannot be written like that.
void check_write_settings(const WriteSettings& writing);

std::string encode_config(const Config& config);
// kNotARepository; kRepositoryTooNew for another version and for kinds of encryption that this version does
// not know; kCorruptedBackup.
ConfigHead decode_config_head(ByteView text, std::string_view store);
// The same, and kCorruptedBackup when its MAC is not that of the master key; kRepositoryTooNew also for
// required features.
Config decode_config(ByteView text, const codec::Key& master, std::string_view store);
// Of encryption "none". kKeyNeeded for another.
Config decode_config(ByteView text, std::string_view store);

std::string epoch_object(uint32_t epoch);
// 0 when `object` is not the name of an epoch record.
uint32_t epoch_of_object(std::string_view object);
// What writers take for the data key of an epoch.
codec::Key make_data_key(const codec::Key& master, const RepositoryId& repository, uint32_t epoch);
std::string encode_epoch(const KeyRing& keys, uint32_t epoch, const codec::Key& data_key, UtcTime created);
// The data key. kCorruptedBackup; kObjectSwapped for the record of another epoch; kRepositoryTooNew when no
// recipient can be opened by this version.
codec::Key decode_epoch(const KeyRing& keys, uint32_t epoch, ByteView text);

}  // namespace dbb::repository
