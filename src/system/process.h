#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "system/stop_event.h"

namespace dbb::system {

struct Command {
  std::vector<std::string> argv;  // argv[0] is the path of the program; no shell is involved
  // Added to, or replacing, what this process has in its environment. Secrets go here or into files, never
  // into argv.
  std::vector<std::pair<std::string, std::string>> environment = {};
};

struct Outcome {
  int exit_code = 0;           // 128 + signal when a signal ended it
  std::string standard_error;  // the last 64 KiB
};

using OutputConsumer = std::function<void(ByteView)>;
using LineConsumer = std::function<void(std::string_view)>;

struct RunOptions {
  OutputConsumer on_output = {};    // standard output, as it comes; dropped when empty
  LineConsumer on_error_line = {};  // standard error, line by line, as it comes
  std::chrono::milliseconds grace = std::chrono::seconds(5);  // between TERM and KILL
};

// Runs a program to its end, in its own process group, standard input empty. Its exit code is the caller's to
// judge: end of output is not success. On stop: TERM to the group, `grace`, KILL, reaped, then Error
// kCancelled. An exception from a consumer ends the program in the same way and is passed on. Exit code 127:
// it could not be executed. When this process dies, the kernel sends the program TERM (PR_SET_PDEATHSIG).
// That signal belongs to the thread that started it, which is why this call keeps its thread until the
// program has been reaped. Thread-safe.
Outcome run(const Command& command, const RunOptions& options, const StopEvent& stop);

}  // namespace dbb::system
