#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "repository/manifest.h"

// Manifests as bytes (docs/format/repository.md, "Manifest").
namespace dbb::repository {

std::string manifest_object(const BackupId& id);  // "backups/<id>"

std::string encode_manifest(const Manifest& manifest);
// kCorruptedBackup, which names the object; kRepositoryTooNew when it requires an unknown feature.
Manifest decode_manifest(ByteView text, const BackupId& id);

}  // namespace dbb::repository
