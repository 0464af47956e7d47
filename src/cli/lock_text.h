#pragma once

#include <string>

#include "cli/style.h"
#include "logical/lock_calculation.h"

namespace dbb::cli {

// The calculation for people: what is asked for, what it needs, what is there, and the verdict.
std::string render_locks(const logical::LockCalculation& calculation, size_t width, const Style& style);

}  // namespace dbb::cli
