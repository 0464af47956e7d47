#include "system/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

namespace dbb::system {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kKeptErrorBytes = 64 * 1024;

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("create", "a pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Pointers for execve, and the strings they point to.
class StringTable {
 public:
  explicit StringTable(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (std::string& text : strings_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

std::vector<std::string> merged_environment(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      merged[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : changes) merged[name] = value;
  std::vector<std::string> lines;
  lines.reserve(merged.size());
  for (const auto& [name, value] : merged) lines.push_back(name + "=" + value);
  return lines;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const StringTable& argv, const StringTable& environment, int standard_input,
                         int standard_output, int standard_error, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(standard_input, STDIN_FILENO);
  ::dup2(standard_output, STDOUT_FILENO);
  ::dup2(standard_error, STDERR_FILENO);
  ::execve(argv.data()[0], argv.data(), environment.data());
  ::_exit(127);
}

// A started program. Whatever happens, it is ended and reaped before this object is gone.
class Child {
 public:
  Child(const Command& command, const Pipe& output, const Pipe& error) {
    const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) throw_errno("open", "/dev/null");
    const StringTable argv(command.argv);
    const StringTable environment(merged_environment(command.environment));
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw_errno("start", command.argv.front());
    if (pid_ == 0)
      become(argv, environment, nothing.get(), output.write_end.get(), error.write_end.get(), parent);
    ::setpgid(pid_, pid_);  // both sides set it, so that it is true for whoever comes first
    handle_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!handle_) {
      end(milliseconds(0));
      throw_errno("watch", command.argv.front());
    }
  }

  ~Child() {
    if (pid_ > 0) end(milliseconds(0));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int handle() const { return handle_.get(); }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  void end(milliseconds grace) {
    ::kill(-pid_, SIGTERM);
    if (grace.count() > 0 && handle_) {
      pollfd waiting{.fd = handle_.get(), .events = POLLIN, .revents = 0};
      const auto deadline = SteadyClock::now() + grace;
      while (SteadyClock::now() < deadline) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
        if (::poll(&waiting, 1, static_cast<int>(left.count())) > 0) break;
      }
    }
    ::kill(-pid_, SIGKILL);
    reap();
  }

 private:
  pid_t pid_ = -1;
  FileDescriptor handle_;
};

// Cuts standard error into lines and keeps its end.
class ErrorLines {
 public:
  explicit ErrorLines(const LineConsumer& consumer) : consumer_(consumer) {}

  void add(std::string_view text) {
    kept_ += text;
    if (kept_.size() > 2 * kKeptErrorBytes) kept_.erase(0, kept_.size() - kKeptErrorBytes);
    line_ += text;
    size_t begin = 0;
    for (size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n', begin)) {
      if (consumer_) consumer_(std::string_view(line_).substr(begin, end - begin));
      begin = end + 1;
    }
    line_.erase(0, begin);
  }

  std::string finish() {
    if (!line_.empty() && consumer_) consumer_(line_);
    if (kept_.size() > kKeptErrorBytes) kept_.erase(0, kept_.size() - kKeptErrorBytes);
    return std::move(kept_);
  }

 private:
  const LineConsumer& consumer_;
  std::string line_;
  std::string kept_;
};

// Reads once; closes the descriptor at the end of the stream.
size_t read_some(FileDescriptor& from, std::span<uint8_t> into) {
  const ssize_t count = ::read(from.get(), into.data(), into.size());
  if (count > 0) return static_cast<size_t>(count);
  if (count == 0 || errno != EINTR) from.reset();
  return 0;
}

}  // namespace

Outcome run(const Command& command, const RunOptions& options, const StopEvent& stop) {
  Pipe output = make_pipe();
  Pipe error = make_pipe();
  Child child(command, output, error);
  output.write_end.reset();
  error.write_end.reset();

  ErrorLines error_lines(options.on_error_line);
  std::vector<uint8_t> buffer(256 * 1024);
  try {
    while (output.read_end || error.read_end) {
      std::array<pollfd, 3> fds{pollfd{.fd = output.read_end.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = error.read_end.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop.fd(), .events = POLLIN, .revents = 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw_errno("poll", "descriptors");
      if (stop.stop_requested()) throw cancelled();
      if (fds[0].revents != 0) {
        const size_t count = read_some(output.read_end, buffer);
        if (count > 0 && options.on_output) options.on_output(ByteView(buffer).first(count));
      }
      if (fds[1].revents != 0) {
        const size_t count = read_some(error.read_end, buffer);
        error_lines.add(as_text(ByteView(buffer).first(count)));
      }
    }
    if (wait_for(child.handle(), WaitFor::kRead, stop) == WaitResult::kStopped) throw cancelled();
  } catch (...) {
    child.end(options.grace);
    throw;
  }
  return {.exit_code = child.reap(), .standard_error = error_lines.finish()};
}

}  // namespace dbb::system
