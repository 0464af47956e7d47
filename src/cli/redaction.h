#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dbb::cli {

// Takes secrets out of texts that may leave the house: those that are known by value, and whatever stands
// where secrets stand, in connection strings and URIs, in SQL (PASSWORD '...') and in documents. What is left
// out becomes "***". It rather takes too much than too little. Confined to one thread while values are added.
class Redaction {
 public:
  // Values below four bytes are not looked for: they are everywhere.
  void add_secret(std::string value);
  std::string clean(std::string_view text) const;

 private:
  std::vector<std::string> values_;  // longest first
};

}  // namespace dbb::cli
