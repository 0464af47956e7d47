#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

// Commands in texts, which people copy: without the options that led to server and repository they would
// reach other ones.
namespace dbb::cli {

// "See them: dbbackup cleanup --kept" -> "See them: dbbackup -p 5433 -r /backups cleanup --kept". Words of
// ours about dbbackup, and commands that have options already, stay as they are. `reached_by`: of the global
// options; "" changes nothing.
std::string with_reach(std::string_view text, const std::string& reached_by);
// In its steps to take.
Error with_reach(const Error& error, const std::string& reached_by);

}  // namespace dbb::cli
