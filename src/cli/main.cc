#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/application.h"
#include "cli/terminal.h"
#include "system/clock.h"
#include "system/signals.h"

namespace {

void write_to(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

int main(int argc, char** argv) {
  // First, so that every thread inherits its signal mask.
  const dbb::system::SignalHandler signals;
  dbb::system::RealClock clock;
  const dbb::cli::World world{
      .environment = dbb::cli::Environment::of_process(environ),
      .clock = clock,
      .stop = signals.token(),
      .out = [](std::string_view text) { write_to(stdout, text); },
      .error = [](std::string_view text) { write_to(stderr, text); },
      .out_is_terminal = dbb::cli::is_terminal(STDOUT_FILENO),
      .error_is_terminal = dbb::cli::is_terminal(STDERR_FILENO),
      .in_is_terminal = dbb::cli::is_terminal(STDIN_FILENO),
      .width = dbb::cli::terminal_width(STDERR_FILENO),
  };
  const dbb::ExitCode exit_code = dbb::cli::run_application({argv + 1, argv + argc}, world);
  if (std::ferror(stdout) != 0 && exit_code == dbb::ExitCode::kDone) {
    // The work is done, but what was to be read of it is not there: a full disk behind a redirection.
    write_to(stderr, "dbbackup: standard output could not be written\n");
    return static_cast<int>(dbb::ExitCode::kFailed);
  }
  return static_cast<int>(exit_code);
}
