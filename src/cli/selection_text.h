#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "logical/document.h"

namespace dbb::cli {

// The options that choose a part of a database, as pg_dump has them. They point into `selection`.
std::vector<OptionSpec> selection_options(logical::Selection& selection);

// What a backup was asked to leave out, for people; "" when nothing.
std::string omitted_text(const logical::Document& document);

}  // namespace dbb::cli
