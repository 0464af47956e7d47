#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "logical/operation.h"

namespace dbb::cli {

// Lets end-to-end tests stop the program at a known place. DBBACKUP_TEST_PAUSE holds "step=directory" or
// "step:database=directory", several separated by ';'. When an operation reaches that step (of that database,
// or of any), it creates <directory>/<step>.reached and waits until <directory>/<step>.go exists, or stop is
// requested. The steps are listed in logical/backup.h and logical/restore.h. Not for users: there is no harm
// in it, and no use.
//
// Error kUsage when the variable cannot be read.
logical::StepHook make_test_pause(const std::optional<std::string>& variable, std::stop_token stop);

}  // namespace dbb::cli
