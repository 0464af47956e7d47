#pragma once

#include <string>
#include <string_view>

namespace dbb::postgres {

// Appends "-c name=value" to a string of startup options (libpq's `options`, PGOPTIONS). The server cuts that
// string at white space that no backslash stands before (pg_split_opts).
void append_startup_option(std::string& options, std::string_view name, std::string_view value);

}  // namespace dbb::postgres
