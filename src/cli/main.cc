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

// Remembers the first failure: a result that was not written is no success.
class Output {
 public:
  explicit Output(std::FILE* stream) : stream_(stream) {}
  void write(std::string_view text) {
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stream_) == text.size() && std::fflush(stream_) == 0;
    if (!written && error_ == 0) error_ = errno;
  }
  // A reader that has seen enough, such as `head`, is no failure of ours.
  bool failed() const { return error_ != 0 && error_ != EPIPE; }
  bool takes_no_more() const { return error_ != 0; }

 private:
  std::FILE* stream_;
  int error_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  // First, so that every thread inherits its signal mask.
  const dbb::system::SignalHandler signals;
  dbb::system::RealClock clock;
  Output out(stdout);
  Output error(stderr);
  const dbb::cli::World world{
      .environment = dbb::cli::Environment::of_process(environ),
      .clock = clock,
      .stop = signals.token(),
      .out = [&out](std::string_view text) { out.write(text); },
      .error = [&error](std::string_view text) { error.write(text); },
      .out_failed = [&out] { return out.takes_no_more(); },
      .out_is_terminal = dbb::cli::is_terminal(STDOUT_FILENO),
      .error_is_terminal = dbb::cli::is_terminal(STDERR_FILENO),
      .in_is_terminal = dbb::cli::is_terminal(STDIN_FILENO),
      .out_width = dbb::cli::terminal_width(STDOUT_FILENO),
      .error_width = dbb::cli::terminal_width(STDERR_FILENO),
  };
  // It was read; programs that we start have no business with it.
  ::unsetenv("DBBACKUP_PASSPHRASE");
  const dbb::ExitCode exit_code = dbb::cli::run_application({argv + 1, argv + argc}, world);
  if (out.failed() && exit_code == dbb::ExitCode::kDone) {
    error.write("dbbackup: standard output could not be written\n");
    return static_cast<int>(dbb::ExitCode::kFailed);
  }
  return static_cast<int>(exit_code);
}
