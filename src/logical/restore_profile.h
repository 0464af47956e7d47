#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "logical/lock_budget.h"

// How much of a machine a restore takes: a name stands for workers, databases at once and memory for building
// indexes. What was asked for explicitly wins. Pure functions; the numbers stand in one table.
namespace dbb::logical {

enum class Profile : uint8_t { kLow, kBalanced, kHigh, kUltra };

std::string_view name_of(Profile profile);
// By its name or another that is known for it ("conservative", "aggressive", "max", ...); nothing for others.
std::optional<Profile> parse_profile(std::string_view name);

// What the numbers are computed from.
struct Machine {
  int processors = 1;         // of this host, which runs the workers
  uint64_t memory_bytes = 0;  // 0: not known, or the server is on another host
};

struct ProfileNumbers {
  Parallelism work;
  int memory_divisor = 8;  // the sessions together may use memory_bytes / memory_divisor to build indexes
};
ProfileNumbers numbers_of(Profile profile, const Machine& machine);

// maintenance_work_mem of each of so many workers, in MiB: its share, but neither uselessly little nor more
// than one index build can use. Nothing when the memory is not known: the server's own setting then holds.
std::optional<uint64_t> maintenance_memory_mib(const ProfileNumbers& numbers, const Machine& machine,
                                               Parallelism work);

// "balanced: 2 workers for 2 processors; maintenance_work_mem 512 MB each (8.0 GB of memory / 8 / 2)"
std::string describe(Profile profile, const Machine& machine, Parallelism asked,
                     std::optional<uint64_t> memory_mib);

}  // namespace dbb::logical
