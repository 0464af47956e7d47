#include "logical/restore_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"

namespace dbb::logical {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLeastMib = 64;   // the server's own default
constexpr uint64_t kMostMib = 1024;  // more has made no index build faster here
constexpr int kMostWorkers = 64;

// Workers of one database: processors x factor, or one. Two databases at once keep the processors busy while
// one of them builds its last index; more than a worker a processor pays where the disks are what is slow.
struct Row {
  Profile profile;
  std::string_view name;
  int workers_per_processor;  // 0: one worker, whatever the machine
  int databases_at_once;
  int memory_divisor;
};
constexpr std::array kTable = {
    Row{Profile::kLow, "low", 0, 1, 16},
    Row{Profile::kBalanced, "balanced", 1, 1, 8},
    Row{Profile::kHigh, "high", 1, 2, 4},
    Row{Profile::kUltra, "ultra", 2, 4, 3},
};

// As the program that this one takes over from called them.
struct Alias {
  std::string_view name;
  Profile profile;
};
constexpr std::array kAliases = {
    Alias{"conservative", Profile::kLow},
    Alias{"default", Profile::kBalanced},
    Alias{"aggressive", Profile::kHigh},
    Alias{"performance", Profile::kHigh},
    Alias{"max", Profile::kUltra},
    Alias{"maximum", Profile::kUltra},
    Alias{"max-performance", Profile::kUltra},
    Alias{"turbo", Profile::kUltra},
};

const Row& row_of(Profile profile) { return kTable.at(static_cast<size_t>(profile)); }

}  // namespace

std::string_view name_of(Profile profile) { return row_of(profile).name; }

std::optional<Profile> parse_profile(std::string_view name) {
  const auto row = std::ranges::find(kTable, name, &Row::name);
  if (row != kTable.end()) return row->profile;
  const auto alias = std::ranges::find(kAliases, name, &Alias::name);
  if (alias != kAliases.end()) return alias->profile;
  return std::nullopt;
}

ProfileNumbers numbers_of(Profile profile, const Machine& machine) {
  const Row& row = row_of(profile);
  const int processors = std::max(machine.processors, 1);
  return {.work = {.workers = std::clamp(processors * row.workers_per_processor, 1, kMostWorkers),
                   .parallel = row.databases_at_once},
          .memory_divisor = row.memory_divisor};
}

std::optional<uint64_t> maintenance_memory_mib(const ProfileNumbers& numbers, const Machine& machine,
                                               Parallelism work) {
  if (machine.memory_bytes == 0) return std::nullopt;
  const uint64_t share = machine.memory_bytes / static_cast<uint64_t>(numbers.memory_divisor);
  return std::clamp(share / static_cast<uint64_t>(std::max(work.total(), 1)) / kMiB, kLeastMib, kMostMib);
}

std::string describe(Profile profile, const Machine& machine, Parallelism asked,
                     std::optional<uint64_t> memory_mib) {
  std::string text = fmt::format("{}: {} for {} processor{}", name_of(profile), describe(asked),
                                 machine.processors, machine.processors == 1 ? "" : "s");
  if (!memory_mib) return text + "; maintenance_work_mem as the server has it (its memory is not known here)";
  return text + fmt::format("; maintenance_work_mem {} MiB each ({} of memory / {} / {})", *memory_mib,
                            format_bytes(machine.memory_bytes), row_of(profile).memory_divisor,
                            asked.total());
}

}  // namespace dbb::logical
