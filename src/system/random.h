#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace dbb::system {

// From the kernel (getrandom).
Bytes random_bytes(size_t count);
uint64_t random_u64();

}  // namespace dbb::system
