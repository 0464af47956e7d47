#pragma once

#include <cstdint>
#include <string_view>

namespace dbb::storage {

// Whether `name` has the form that ObjectStore documents. What others put beside our objects may have
// another.
bool is_object_name(std::string_view name);

// Error kCorruptedBackup, for ObjectStore::get().
[[noreturn]] void throw_too_large(std::string_view name, uint64_t size, uint64_t limit);

}  // namespace dbb::storage
