#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dbb::system {

// What this host has; 0 when the kernel does not say.
uint64_t physical_memory_bytes();
// Processors this process may run on; at least 1.
int processor_count();

// Names this process for all time: boot of the machine, process namespace, process id, start time.
std::string process_identity();
// True only when the process named so was one of this boot and namespace, and has ended.
bool has_surely_ended(std::string_view process_identity);

}  // namespace dbb::system
