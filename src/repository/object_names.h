#pragma once

#include <string_view>

namespace dbb::repository {

// Whether an object of that name can be one of ours. Whatever else lies there is ignored (docs/format).
bool is_pack_name(std::string_view object);
bool is_index_name(std::string_view object);
bool is_manifest_name(std::string_view object);

}  // namespace dbb::repository
