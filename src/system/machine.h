#pragma once

#include <cstdint>

namespace dbb::system {

// What this host has; 0 when the kernel does not say.
uint64_t physical_memory_bytes();
// Processors this process may run on; at least 1.
int processor_count();

}  // namespace dbb::system
