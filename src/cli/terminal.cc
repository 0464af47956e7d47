#include "cli/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "base/bytes.h"
#include "base/error.h"
#include "system/file.h"
#include "system/stop_event.h"

namespace dbb::cli {
namespace {

class EchoOff {
 public:
  explicit EchoOff(int descriptor) : descriptor_(descriptor) {
    if (tcgetattr(descriptor_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (changed_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool changed_ = false;
};

}  // namespace

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

size_t terminal_width(int descriptor) {
  constexpr size_t kWithoutTerminal = 120;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWithoutTerminal;
  return size.ws_col;
}

std::optional<std::string> ask_password(const std::string& prompt, std::stop_token stop) {
  const system::FileDescriptor terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return std::nullopt;
  const EchoOff silence(terminal.get());
  const system::StopEvent stopped(std::move(stop));
  system::write_all(terminal, as_bytes(prompt), "/dev/tty");
  std::string answer;
  while (true) {
    if (system::wait_for(terminal.get(), system::WaitFor::kRead, stopped) == system::WaitResult::kStopped) {
      system::write_all(terminal, as_bytes("\n"), "/dev/tty");
      throw cancelled();
    }
    std::array<char, 256> buffer{};
    const ssize_t count = read(terminal.get(), buffer.data(), buffer.size());
    if (count <= 0) return std::nullopt;
    answer.append(buffer.data(), static_cast<size_t>(count));
    if (answer.ends_with('\n')) break;
  }
  answer.pop_back();
  system::write_all(terminal, as_bytes("\n"), "/dev/tty");
  return answer;
}

std::string user_name() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> space{};
  ::getpwuid_r(::geteuid(), &entry, space.data(), space.size(), &found);
  return found == nullptr ? fmt::format("uid {}", ::geteuid()) : std::string(found->pw_name);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

}  // namespace dbb::cli
