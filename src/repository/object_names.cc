#include "repository/object_names.h"

#include <algorithm>

#include "base/backup_id.h"
#include "base/error.h"

namespace dbb::repository {
namespace {

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool is_pack_name(std::string_view object) {
  constexpr std::string_view kForm = "packs/aa/";
  return object.starts_with("packs/") && object.size() == kForm.size() + 32 &&
         is_hex(object.substr(kForm.size()), 32) && object[kForm.size() - 1] == '/' &&
         object.substr(6, 2) == object.substr(kForm.size(), 2);
}

bool is_index_name(std::string_view object) {
  return object.starts_with("index/") && is_hex(object.substr(6), 32);
}

bool is_manifest_name(std::string_view object) {
  if (!object.starts_with("backups/")) return false;
  try {
    BackupId::parse(object.substr(object.find('/') + 1));
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace dbb::repository
