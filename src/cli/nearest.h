#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbb::cli {

// How many insertions, deletions, replacements and swaps of neighbours make `left` into `right`.
size_t edit_distance(std::string_view left, std::string_view right);

// The candidate that was probably meant; empty when none is near enough to be worth naming.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace dbb::cli
