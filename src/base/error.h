#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_code.h"

namespace dbb {

// The one exception type. Thrown or handled-and-reported, never both; only `cli` prints it.
//
// A layer that knows more catches, adds context, and rethrows the same object:
//   catch (Error& error) { error.add_context("Table", name); throw; }
class Error : public std::exception {
 public:
  struct Parts {
    std::string message;                     // what failed, one sentence, with the real names in it
    std::string cause = {};                  // the root cause: the server's, kernel's or program's own words
    std::vector<std::string> solution = {};  // steps in order, each a full sentence or a command
    std::string sqlstate = {};               // five characters when a server said so
  };

  Error(ErrorCode code, Parts parts);

  ErrorCode code() const { return code_; }
  const ErrorCodeInfo& info() const { return dbb::info(code_); }
  const std::string& message() const { return parts_.message; }
  const std::string& cause() const { return parts_.cause; }
  const std::vector<std::string>& solution() const { return parts_.solution; }
  const std::string& sqlstate() const { return parts_.sqlstate; }

  // Facts in the order they were learned, innermost first: {"Database", "app"}, {"Host", "db1:5432"}.
  // A label that is there already keeps its first, innermost value.
  void add_context(std::string_view label, std::string value);
  const std::vector<std::pair<std::string, std::string>>& context() const { return context_; }

  // "message: cause", for logs and records; people get the block that `cli` renders.
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  ErrorCode code_;
  Parts parts_;
  std::vector<std::pair<std::string, std::string>> context_;
  std::string what_;
};

// The answer to SIGINT and SIGTERM, and to a sibling task that failed.
Error cancelled();

}  // namespace dbb
