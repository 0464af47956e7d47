#include "system/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

namespace dbb::system {
namespace {

// Boot and namespace, up to where the process id begins.
std::string here() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::array<char, 64> space{};
  const ssize_t length = ::readlink("/proc/self/ns/pid", space.data(), space.size());
  return fmt::format("{}/{}/", boot, std::string_view(space.data(), length > 0 ? length : 0));
}

// In clock ticks since boot; 0 when there is no such process. It is field 22 of the line, the 20th after the
// name, which may contain anything but ends at the last parenthesis (proc(5)).
uint64_t start_time(uint64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string line((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;
  return fields ? std::stoull(field) : 0;
}

}  // namespace

uint64_t physical_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes) : 0;
}

int processor_count() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return std::max(CPU_COUNT(&allowed), 1);
}

std::string process_identity() {
  const auto pid = static_cast<uint64_t>(::getpid());
  return fmt::format("{}{}/{}", here(), pid, start_time(pid));
}

bool has_surely_ended(std::string_view process_identity) {
  const std::string prefix = here();
  if (!process_identity.starts_with(prefix)) return false;
  std::istringstream rest{std::string(process_identity.substr(prefix.size()))};
  uint64_t pid = 0;
  uint64_t started = 0;
  char slash = 0;
  if (!(rest >> pid >> slash >> started) || slash != '/') return false;
  const uint64_t found = start_time(pid);
  // What cannot be seen may be there all the same: /proc can be mounted so that it hides what is others'.
  if (found == 0) return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
  return found != started;
}

}  // namespace dbb::system
