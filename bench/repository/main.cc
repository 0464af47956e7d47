#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "repository/measurements.h"

namespace dbb::bench {

std::string option(Arguments arguments, const std::string& name, const std::string& otherwise) {
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "--" + name) return arguments[i + 1];
  }
  return otherwise;
}

double option(Arguments arguments, const std::string& name, double otherwise) {
  const std::string text = option(arguments, name, std::string());
  return text.empty() ? otherwise : std::stod(text);
}

}  // namespace dbb::bench

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string what = arguments.empty() ? "" : arguments[0];
  try {
    if (what == "throughput") {
      dbb::bench::measure_throughput(arguments);
    } else if (what == "scale") {
      dbb::bench::measure_scale(arguments);
    } else if (what == "growth") {
      dbb::bench::measure_growth(arguments);
    } else if (what == "sizes") {
      dbb::bench::measure_sizes(arguments);
    } else {
      fmt::print(stderr,
                 "Usage: measure_repository throughput|scale|growth|sizes [--option value]...; see "
                 "bench/repository/run\n");
      return 64;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "measure_repository: {}\n", error.what());
    return 1;
  }
  return 0;
}
