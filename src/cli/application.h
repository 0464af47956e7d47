#pragma once

#include <string>
#include <vector>

#include "base/error_code.h"
#include "cli/context.h"

namespace dbb::cli {

// The program without its process: reads the command line, runs the command, prints result or error. Never
// throws.
ExitCode run_application(const std::vector<std::string>& arguments, const World& world);

}  // namespace dbb::cli
