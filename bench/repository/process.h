#pragma once

#include <chrono>
#include <cstdint>

// What the kernel says of this process.
namespace dbb::bench {

// Seconds since it was made: on the clock, and of all threads on the processors.
class Stopwatch {
 public:
  Stopwatch();
  double wall_seconds() const;
  double processor_seconds() const;

 private:
  std::chrono::steady_clock::time_point wall_;
  double processor_;
};

// The most memory this process had at once (VmHWM), in bytes.
uint64_t peak_memory_bytes();

// From here on the kernel refuses this process more memory of its own than that (RLIMIT_DATA): heap, stacks
// and whatever else is private and writable, whether it was touched or not. An allocation beyond it fails,
// and with it the run.
void limit_memory(uint64_t bytes);

}  // namespace dbb::bench
