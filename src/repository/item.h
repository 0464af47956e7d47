#pragma once

#include <string>
#include <vector>

#include "repository/stream_ref.h"

namespace dbb::repository {

// One thing a backup contains, as the layer above names it: kind "table", key "db/app/public/orders".
// The key is unique in its backup. Part n is compared with part n of the item of the same key in the
// previous backup of the same source.
struct Item {
  std::string kind;
  std::string key;
  std::string attributes;  // JSON text, opaque here
  std::vector<StreamRef> parts;

  bool operator==(const Item&) const = default;
};

}  // namespace dbb::repository
