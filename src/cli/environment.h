#pragma once

#include <map>
#include <optional>
#include <string>

namespace dbb::cli {

// The process environment, read once by main. No other place reads it, except libpq for what is libpq's.
class Environment {
 public:
  using Variables = std::map<std::string, std::string>;

  Environment() = default;
  explicit Environment(Variables variables) : variables_(std::move(variables)) {}
  // `entries` as main has them: "NAME=value", ended by a null pointer.
  static Environment of_process(const char* const* entries);

  // Empty when it is not set; a variable set to nothing counts as not set, as with most programs.
  std::optional<std::string> get(const std::string& name) const;

 private:
  Variables variables_;
};

}  // namespace dbb::cli
