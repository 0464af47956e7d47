#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace dbb::postgres {

// A PostgreSQL object identifier. 0 is "none".
struct Oid {
  uint32_t value = 0;
  auto operator<=>(const Oid&) const = default;
};

// As PQserverVersion counts: 150018 is 15.18.
struct ServerVersion {
  int number = 0;
  int major() const { return number / 10000; }
  std::string text() const { return std::to_string(number / 10000) + "." + std::to_string(number % 10000); }
  auto operator<=>(const ServerVersion&) const = default;
};

}  // namespace dbb::postgres
