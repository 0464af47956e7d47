#pragma once

#include <optional>
#include <stop_token>
#include <string>

namespace dbb::cli {

bool is_terminal(int descriptor);
// Columns of the terminal behind `descriptor`; 120 when it is none.
size_t terminal_width(int descriptor);

// Asks at the controlling terminal, without echo. Empty when there is no terminal, or it was closed instead
// of answered. Error kCancelled on stop; the echo is back in every case.
std::optional<std::string> ask_password(const std::string& prompt, std::stop_token stop);

// Name of this host, for records.
std::string host_name();
// The login name of the user this process runs for; "uid 1000" where there is none.
std::string user_name();

}  // namespace dbb::cli
